"""From a `step` module to units and nets."""

from compiler.lower.lower import lower

__all__ = ["lower"]
