"""Elementwise functions and conversions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.float32 import flush, nearest, nearest_bf16
from weft.compiler.interpreter.intervals import accurate, rounded, widened
from weft.compiler.interpreter.meaning import Launch, Value, bounded, means
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.types import Element

__all__ = ["add", "floats_apply", "greater", "lesser", "multiply", "wrap"]

Floats = NDArray[np.float64]

_SPECIAL_ULPS = 0.6
"""How far the special functions may be from the exact result, by docs/numerics.md."""
_DIVISION_ULPS = 2.0
"""How far ``div_approx`` may be from the quotient."""
_INT32 = np.iinfo(np.int32)


def wrap(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Whole numbers as 32 bits of two's complement hold them."""
    return (numbers + (1 << 31)) % (1 << 32) - (1 << 31)


def add(a: Bounded, b: Bounded) -> Bounded:
    """``a + b``, rounded."""
    return rounded(np.add, a, b)


def multiply(a: Bounded, b: Bounded) -> Bounded:
    """``a * b``, rounded."""
    return rounded(np.multiply, a, b)


def greater(a: Bounded, b: Bounded) -> Bounded:
    """The greater of both; NaN if one is; +0 is above -0."""

    def function(x: Floats, y: Floats) -> Floats:
        zero = np.where(np.signbit(x) & np.signbit(y), -0.0, 0.0)
        return np.where((x == 0) & (y == 0), zero, np.maximum(x, y))

    return rounded(function, a, b)


def lesser(a: Bounded, b: Bounded) -> Bounded:
    """The lesser of both; NaN if one is; -0 is below +0."""

    def function(x: Floats, y: Floats) -> Floats:
        zero = np.where(np.signbit(x) | np.signbit(y), -0.0, 0.0)
        return np.where((x == 0) & (y == 0), zero, np.minimum(x, y))

    return rounded(function, a, b)


def _reciprocal(x: Bounded) -> Bounded:
    """1 / x; not judged where x may be of either sign."""
    crosses = ~x.exact & (np.abs(x.value) <= x.error)
    return accurate(np.reciprocal, x, _SPECIAL_ULPS).unjudged_where(crosses)


def _sigmoid(x: Floats) -> Floats:
    """1 / (1 + e^-x), without a large exponential."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _divide(a: Bounded, b: Bounded) -> Bounded:
    """a * reciprocal(b); the bound is at least 2 units of the last place, but at 0, infinities and NaN."""
    return widened(multiply(a, _reciprocal(b)), _DIVISION_ULPS)


def _compares(decide: Callable[..., tuple[NDArray[np.bool_], NDArray[np.bool_]]], a: Bounded, b: Bounded) -> Bounded:
    """1.0 where ``decide`` is sure of a yes, 0.0 where of a no, from the ends of both operands; else not judged.

    NaN makes it 0.0.
    """
    x, y = (each if each.element is Element.I32 else _flushed(each) for each in (a, b))
    with np.errstate(invalid="ignore"):
        ends = [np.where(each.exact, each.value, each.value + sign * each.error) for each in (x, y) for sign in (-1, 1)]
        yes, no = decide(*ends)
    never = (x.exact & np.isnan(x.value)) | (y.exact & np.isnan(y.value))
    sure = ((yes | no) & x.judged & y.judged) | never
    return Bounded(Element.F32, np.where(never, False, yes).astype(np.float64), np.where(sure, 0.0, np.inf))


def _flushed(x: Bounded) -> Bounded:
    return Bounded(x.element, np.where(x.exact, flush(x.value), x.value), x.error)


def _select(a: Bounded, b: Bounded, c: Bounded) -> Bounded:
    """b where a is not 0, else c, bit for bit; not judged where a may be 0 or not."""
    taken = _flushed(a).value != 0
    unsure = (~a.exact & (np.abs(a.value) <= a.error)) | ~a.judged
    element = Element.I32 if b.element is Element.I32 else Element.F32
    chosen = Bounded(element, np.where(taken, b.value, c.value), np.where(taken, b.error, c.error))
    return chosen.unjudged_where(unsure)


_FLOATS: dict[Function, Callable[..., Bounded]] = {
    Function.ADD: add,
    Function.SUB: lambda a, b: rounded(np.subtract, a, b),
    Function.MUL: multiply,
    Function.MAX: greater,
    Function.MIN: lesser,
    Function.MULADD: lambda a, b, c: add(multiply(a, b), c),
    Function.EXP: lambda a: accurate(np.exp, a, _SPECIAL_ULPS),
    Function.RECIPROCAL: _reciprocal,
    Function.RSQRT: lambda a: accurate(lambda x: 1 / np.sqrt(x), a, _SPECIAL_ULPS),
    Function.SIGMOID: lambda a: accurate(_sigmoid, a, _SPECIAL_ULPS),
    Function.DIV_APPROX: _divide,
}
_EITHER: dict[Function, Callable[..., Bounded]] = {
    Function.LT: lambda a, b: _compares(lambda a0, a1, b0, b1: (a1 < b0, a0 >= b1), a, b),
    Function.LE: lambda a, b: _compares(lambda a0, a1, b0, b1: (a1 <= b0, a0 > b1), a, b),
    Function.EQ: lambda a, b: _compares(lambda a0, a1, b0, b1: ((a0 == b1) & (a1 == b0), (a1 < b0) | (a0 > b1)), a, b),
    Function.SELECT: _select,
}
_INTEGERS: dict[Function, Callable[..., NDArray[np.int64]]] = {
    Function.ADD: np.add,
    Function.SUB: np.subtract,
    Function.MAX: np.maximum,
    Function.MIN: np.minimum,
}


def floats_apply(function: Function, *operands: Bounded) -> Bounded:
    """A function of floating-point numbers."""
    return (_EITHER.get(function) or _FLOATS[function])(*operands)


@means(MapOp)
def _map(operation: MapOp, launch: Launch, *values: Value) -> tuple[Value, ...]:
    streams = [bounded(value) for value in values]
    whole = streams[-1].element is Element.I32
    given = iter(streams)
    operands: list[Bounded] = []
    for argument in operation.arguments:
        if isinstance(argument, int | float):
            kind = Element.I32 if whole else Element.F32
            number = argument if whole else nearest(np.asarray(argument, np.float64))
            operands.append(Bounded.exactly(kind, np.broadcast_to(np.asarray(number), streams[0].shape)))
        else:
            operands.append(next(given))
    function = operation.function
    if not whole or function in _EITHER:
        return (floats_apply(function, *operands),)
    value = np.asarray(wrap(_INTEGERS[function](*(each.value for each in operands))))
    return (Bounded(Element.I32, value, np.asarray(np.maximum(*(each.error for each in operands)))),)


@means(ConvertOp)
def _convert(operation: ConvertOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    source, target = bounded(value), operation.result.type.element
    if source.element is Element.I32 or target is source.element:
        if target is not Element.I32 and source.element is Element.I32:
            return (Bounded(target, nearest(source.value.astype(np.float64)), source.error),)
        return (source,)
    if target is Element.F32:
        return (source.as_element(target),)
    if target is Element.BF16:
        return (rounded(lambda x: nearest_bf16(nearest(x)), source).as_element(target),)
    error = np.where(source.exact | ~source.judged, 0.0, source.error)
    ends = [_to_int32(nearest(source.value + sign * error)) for sign in (-1, 1)]
    sure = source.exact | ((ends[0] == ends[1]) & source.judged)
    return (Bounded(Element.I32, _to_int32(nearest(source.value)), np.where(sure, 0.0, np.inf)),)


def _to_int32(x: Floats) -> NDArray[np.int64]:
    """The nearest whole number, ties to even; the nearest of 32 bits beyond those; 0 for NaN."""
    limited = np.clip(np.where(np.isnan(x), 0.0, np.rint(x)), _INT32.min, _INT32.max)
    return limited.astype(np.int64)
