"""Functions of bounded numbers: the bound of the result from those of the operands.

An operand stands for the interval of ``value - error`` to ``value + error``. The functions here are monotone in each
operand, so the extremes of the result lie at the corners. Rounding is monotone, too: a device's result lies between the
rounded extremes, and where they are one number the result is exact.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np
from numpy.typing import NDArray

from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.float32 import LARGEST, SMALLEST, flush, nearest, ulp
from weft.compiler.step.types import Element

__all__ = ["accurate", "between", "rounded", "widened"]

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

_FLOAT64 = 2.0**-50
"""More than what float64 itself rounds away in a function, relative."""


def rounded(function: Callable[..., Floats], *operands: Bounded) -> Bounded:
    """An operation that rounds its result to the nearest float32: a sum, difference, product, maximum or minimum."""
    value, low, high, unknown = _corners(function, operands)
    return between(value, nearest(low), nearest(high), nearest(value), unknown)


def accurate(function: Callable[..., Floats], operand: Bounded, ulps: float) -> Bounded:
    """A function whose result a device computes within so many units of the last place; at 0 and infinities exactly.

    Results below 2^-126 are flushed, but one so near that it may round to 2^-126 can be that, too.
    """
    value, low, high, unknown = _corners(function, (operand,))
    inexact = ~(operand.exact & ((flush(operand.value) == 0) | np.isinf(operand.value)))
    low = np.where(inexact, low - ulps * ulp(low), low)
    high = np.where(inexact, high + ulps * ulp(high), high)
    low, high = (np.where(np.abs(each) < SMALLEST, np.copysign(0.0, value), each) for each in (low, high))
    low, high = (np.where(np.abs(each) > LARGEST, np.copysign(np.inf, each), each) for each in (low, high))
    return between(value, low, high, low, unknown)


def widened(given: Bounded, ulps: float) -> Bounded:
    """The same with bounds of at least so many units of the last place; 0, infinities and NaN stay as they are."""
    return Bounded(given.element, given.value, np.maximum(given.error, ulps * ulp(given.value)))


def between(value: Floats, low: Floats, high: Floats, same: Floats, unknown: Flags) -> Bounded:
    """Numbers that a device computes within ``low`` to ``high``; ``same`` is what it computes where these are one.

    NaN on one side alone, or ``unknown``, is not judged.
    """
    with np.errstate(invalid="ignore"):
        nans = np.isnan(low) & np.isnan(high)
        exact = ((low == high) & (np.signbit(low) == np.signbit(high))) | nans
        middle = np.clip(value, low, high)
        error = np.maximum(np.maximum(high - middle, middle - low) * (1 + _FLOAT64), 2.0**-149)
    error = np.where(np.isnan(error) | unknown, np.inf, error)
    exact &= ~unknown
    return Bounded(Element.F32, np.where(exact, same, middle), np.where(exact, 0.0, error))


def _corners(function: Callable[..., Floats], operands: tuple[Bounded, ...]) -> tuple[Floats, Floats, Floats, Flags]:
    """The function at the operands, its least and greatest corner, and where nothing can be said.

    Both corners are NaN where every corner is, or where an operand is NaN, and one of them where some are.
    """
    values = [np.where(each.exact, flush(each.value), each.value) for each in operands]
    with np.errstate(all="ignore"):
        value = function(*values)
        if all(each.exact.all() for each in operands):
            return value, value, value, np.zeros(value.shape, bool)
        low = high = value
        nans = np.isnan(value)
        for signs in product((-1.0, 1.0), repeat=len(operands)):
            ends = [
                np.where(each.exact, at, at + sign * each.error)
                for each, at, sign in zip(operands, values, signs, strict=True)
            ]
            corner = function(*ends)
            nans = nans & np.isnan(corner)
            low, high = np.minimum(low, corner), np.maximum(high, corner)
        inexact = ~np.logical_and.reduce([np.broadcast_to(each.exact, value.shape) for each in operands])
        low = np.where(inexact & np.isfinite(low), low - _FLOAT64 * np.abs(low), low)
        high = np.where(inexact & np.isfinite(high), high + _FLOAT64 * np.abs(high), high)
    given = np.zeros(value.shape, bool)
    unjudged = np.zeros(value.shape, bool)
    for each in operands:
        given |= each.exact & np.isnan(each.value)
        unjudged |= ~each.judged
    low = np.where(given, np.nan, low)
    high = np.where(given | (np.isnan(high) & ~nans), np.nan, high)
    some = (np.isnan(low) | np.isnan(high)) & ~nans & ~given
    return value, low, high, (unjudged | some) & ~given
