"""Attributes of the dialect's operations, from and to Python values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, IntegerAttr, IntegerType, StringAttr, UnitAttr, f32, i64
from xdsl.ir import Attribute

__all__ = ["F32", "INTS", "NUMBER", "attributes", "given"]

F32 = FloatAttr.constr(f32)
"""What a number such as ``1.5 : f32`` must be."""
NUMBER = F32 | IntegerAttr.constr(i64)
"""What a number of floats or, such as ``2 : i64``, of integers must be."""
INTS = DenseArrayBase.constr(i64)
"""What an ``array<i64: ...>`` must be."""

Plain = bool | int | float | str | Sequence[int] | Attribute | None


def attributes(**values: Plain) -> Mapping[str, Attribute | None]:
    """Properties of an operation: ``i64``, ``f32`` and ``unit`` by the value's type; None and False are absent."""
    return {name: _attribute(value) for name, value in values.items()}


def _attribute(value: Plain) -> Attribute | None:
    match value:
        case None | False:
            return None
        case True:
            return UnitAttr()
        case int():
            return IntegerAttr(value, i64)
        case float():
            return FloatAttr(value, f32)
        case str():
            return StringAttr(value)
        case Attribute():
            return value
        case _:
            return DenseArrayBase.from_list(i64, list(value))


def given(attribute: DenseArrayBase[IntegerType] | None) -> tuple[int, ...]:
    """The numbers of an array that may be absent."""
    return () if attribute is None else attribute.get_values()
