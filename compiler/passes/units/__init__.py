"""From a `step` module to units and nets."""

from weft.compiler.passes.units.lower import lower

__all__ = ["lower"]
