"""Reductions and running reductions."""

from __future__ import annotations

import numpy as np

from weft.compiler.interpreter.bounded import Array, Bounded
from weft.compiler.interpreter.elementwise import add, greater, lesser, wrap
from weft.compiler.interpreter.float32 import flush, nearest
from weft.compiler.interpreter.intervals import between
from weft.compiler.interpreter.meaning import Launch, Value, bounded, means
from weft.compiler.interpreter.sums import sum_in_any_order
from weft.compiler.step.accum import AccumOp, Reduction, ScanOp
from weft.compiler.step.types import Element

__all__: list[str] = []

_INT32 = np.iinfo(np.int32)
_NEUTRAL = {Reduction.ADD: 0, Reduction.MAX: int(_INT32.min), Reduction.MIN: int(_INT32.max)}
"""What a reduction of i32 gives where there is nothing to reduce."""


@means(AccumOp)
def _accum(operation: AccumOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    given, reduction, axes = bounded(value), operation.reduction, operation.over
    if given.element is Element.I32:
        error = given.error.max(axis=axes, initial=0.0)
        reduced = {
            Reduction.ADD: lambda: wrap(given.value.sum(axis=axes)),
            Reduction.MAX: lambda: given.value.max(axis=axes, initial=_NEUTRAL[reduction]),
            Reduction.MIN: lambda: given.value.min(axis=axes, initial=_NEUTRAL[reduction]),
        }[reduction]()
        return (Bounded(Element.I32, np.asarray(reduced), np.asarray(error)),)
    if reduction is Reduction.ADD:
        return (sum_in_any_order(given, axes, operation.init),)
    return (_extreme(given, axes, operation.init, greatest=reduction is Reduction.MAX),)


def _extreme(given: Bounded, axes: tuple[int, ...], initial: float, *, greatest: bool) -> Bounded:
    """The greatest or least number; exact whatever the order. NaN if one is; +0 is above -0."""
    start = nearest(np.asarray(initial, np.float64))
    at = np.where(given.exact, flush(given.value), given.value)
    reach = np.where(given.judged, given.error, 0.0)
    ends = [at, np.where(given.exact, at, at - reach), np.where(given.exact, at, at + reach)]
    reduce = np.max if greatest else np.min
    sign = np.signbit if greatest else lambda x: ~np.signbit(x)
    found: list[Array] = []
    for each in ends:
        extreme = reduce(each, axis=axes, initial=float(start))
        alike = (sign(each) | (each != 0)).all(axis=axes) & (sign(start) | (start != 0))
        zero = np.where(alike == greatest, -0.0, 0.0)
        found.append(np.where(extreme == 0, zero, extreme))
    nan = (given.exact & np.isnan(given.value)).any(axis=axes) | np.isnan(start)
    low, high = (np.where(nan, np.nan, nearest(each)) for each in found[1:])
    unknown = ~given.judged.all(axis=axes) & ~nan
    return between(found[0], low, high, nearest(found[0]), unknown)


@means(ScanOp)
def _scan(operation: ScanOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    given, reduction, (axis,) = bounded(value), operation.reduction, operation.over
    if given.element is Element.I32:
        function = {Reduction.ADD: np.add, Reduction.MAX: np.maximum, Reduction.MIN: np.minimum}[reduction]
        error = np.maximum.accumulate(given.error, axis=axis)
        return (Bounded(Element.I32, wrap(function.accumulate(given.value, axis=axis)), error),)
    combine = {Reduction.ADD: add, Reduction.MAX: greater, Reduction.MIN: lesser}[reduction]
    terms = given.moved(lambda x: np.moveaxis(x, axis, 0))
    values, errors = np.empty(terms.shape), np.empty(terms.shape)
    start = np.broadcast_to(nearest(np.asarray(operation.init, np.float64)), terms.shape[1:])
    so_far = Bounded.exactly(Element.F32, start)
    for place in range(terms.shape[0]):
        so_far = combine(so_far, Bounded(Element.F32, terms.value[place], terms.error[place]))
        values[place], errors[place] = so_far.value, so_far.error
    return (Bounded(Element.F32, values, errors).moved(lambda x: np.moveaxis(x, 0, axis)),)
