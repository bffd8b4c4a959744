"""Attributes of the dialect's operations, from and to Python values."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import DenseArrayBase, FloatAttr, IntegerType, f32, i64

__all__ = ["F32", "INTS", "ints"]

INTS = DenseArrayBase.constr(i64)
"""What an ``array<i64: ...>`` must be."""


F32 = FloatAttr.constr(f32)
"""What a number such as ``1.5 : f32`` must be."""


def ints(values: Sequence[int]) -> DenseArrayBase[IntegerType]:
    """An ``array<i64: ...>`` attribute."""
    return DenseArrayBase.from_list(i64, list(values))
