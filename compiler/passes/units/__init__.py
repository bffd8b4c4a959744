"""Lowers a mapped program to a netlist of units."""

from weft.compiler.passes.units.lower import lower

__all__ = ["lower"]
