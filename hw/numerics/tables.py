"""Tables of the special functions: piecewise quadratics in integers.

A segment starts at a number s; delta is the distance from it, with 30 fraction bits. The quadratic is

    value = c0 + (c1 + c2 * delta) * delta      for 2^s,
    value = c0 - (c1 - c2 * delta) * delta      for 1/s and 1/sqrt(s),

so all three coefficients are positive. They come from the interpolation at the Chebyshev nodes of the segment,
which is close to the minimax polynomial; c0 is then chosen so that the errors that remain, those of
rounding c1 and c2 included, are centred. All in `decimal`: no machine gets other tables.
See J.-M. Muller, Elementary Functions, chapters 4 (table-based methods) and 3.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import cache
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ARGUMENT_BITS",
    "C1_BITS",
    "C2_BITS",
    "DELTA_BITS",
    "RECIPROCAL_SEGMENTS",
    "RSQRT_SEGMENTS",
    "SHORT_DELTA_BITS",
    "SQUARE_SHIFT",
    "Segment",
    "evaluate",
    "exp2_table",
    "inverse_table",
]

ARGUMENT_BITS = 30
"""Fraction bits of the argument; of the result too, counted below its leading one."""

DELTA_BITS = 23
SHORT_DELTA_BITS = 18
"""The product with ``c2`` sees only the upper bits of delta: an 18 x 18 bit multiplier does it."""

C1_BITS = 25
C2_BITS = 17
"""Fraction bits of the coefficients."""

SQUARE_SHIFT = C2_BITS + (ARGUMENT_BITS - DELTA_BITS + SHORT_DELTA_BITS) - C1_BITS
"""Aligns the product of ``c2`` and the short delta with ``c1``."""

EXP2_SEGMENTS = 128
RECIPROCAL_SEGMENTS = 256
RSQRT_SEGMENTS = 128
"""The last for each parity of the exponent."""

Integers = TypeVar("Integers", int, NDArray[np.int64])

_HIDDEN_ONE = 1 << ARGUMENT_BITS
_CONTEXT = Context(prec=40, rounding=ROUND_HALF_EVEN)
# The square root of 3/4: the outer Chebyshev nodes of a quadratic.
_NODE = Decimal(3).sqrt(_CONTEXT) / 2


@dataclass(frozen=True, kw_only=True)
class Segment:
    """Coefficients of a segment; the leading one of ``c0``, at bit 30, is included."""

    c0: int
    c1: int
    c2: int


def evaluate(c0: Integers, c1: Integers, c2: Integers, delta: Integers, *, decreasing: bool) -> Integers:
    """The quadratic as the hardware evaluates it, also on NumPy integer arrays of 64 bits.

    ``decreasing`` tells the inverses, whose results are below one and have 31 fraction bits, from 2^s, whose
    results have 30. Either way the leading one is bit 30.
    """
    square_term = (c2 * (delta >> (DELTA_BITS - SHORT_DELTA_BITS))) >> SQUARE_SHIFT
    if decreasing:
        return c0 - (((c1 - square_term) * delta) >> (C1_BITS - 1))
    return c0 + (((c1 + square_term) * delta) >> C1_BITS)


def _fit(function: Callable[[Decimal], Decimal], *, start: Decimal, width_bits: int, decreasing: bool) -> Segment:
    """Coefficients for the segment of width 2^-width_bits that begins at ``start``."""
    width = Decimal(2) ** -width_bits
    result_scale = 1 << (ARGUMENT_BITS + decreasing)

    middle = width / 2
    spread = middle * _NODE
    low, centre, high = (function(start + middle + offset) for offset in (-spread, Decimal(0), spread))
    curvature = (low + high - 2 * centre) / (2 * spread * spread)
    slope = (high - low) / (2 * spread) - 2 * curvature * middle
    c1 = int((abs(slope) * (1 << C1_BITS)).to_integral_value())
    c2 = int((curvature * (1 << C2_BITS)).to_integral_value())

    last = (1 << (ARGUMENT_BITS - width_bits)) - 1
    errors: list[Decimal] = []
    for delta in (last * step // 8 for step in range(9)):
        exact = function(start + Decimal(delta) / (1 << ARGUMENT_BITS)) * result_scale
        errors.append(exact - evaluate(0, c1, c2, delta, decreasing=decreasing))
    c0 = int(((min(errors) + max(errors)) / 2).to_integral_value())

    # The result must keep its leading one at bit 30, also where it comes close to the next power of two.
    ends = (0, evaluate(0, c1, c2, last, decreasing=decreasing))
    c0 = max(c0, _HIDDEN_ONE - min(ends))
    c0 = min(c0, 2 * _HIDDEN_ONE - 1 - max(ends))
    return Segment(c0=c0, c1=c1, c2=c2)


def _exp2(x: Decimal) -> Decimal:
    return Decimal(2) ** x


def _reciprocal(x: Decimal) -> Decimal:
    return 1 / x


def _rsqrt(x: Decimal) -> Decimal:
    return 1 / x.sqrt()


def _rsqrt_of_double(x: Decimal) -> Decimal:
    return 1 / (2 * x).sqrt()


def _segments(
    function: Callable[[Decimal], Decimal], *, origin: int, count: int, decreasing: bool
) -> tuple[Segment, ...]:
    with localcontext(_CONTEXT):
        return tuple(
            _fit(
                function,
                start=origin + Decimal(index) / count,
                width_bits=count.bit_length() - 1,
                decreasing=decreasing,
            )
            for index in range(count)
        )


@cache
def exp2_table() -> tuple[Segment, ...]:
    """2^s for s from 0 to 1, in 128 segments."""
    return _segments(_exp2, origin=0, count=EXP2_SEGMENTS, decreasing=False)


@cache
def inverse_table() -> tuple[Segment, ...]:
    """1/s in 256 segments, 1/sqrt(s) in 128 and 1/sqrt(2s) in 128, each for s from 1 to 2."""
    return (
        _segments(_reciprocal, origin=1, count=RECIPROCAL_SEGMENTS, decreasing=True)
        + _segments(_rsqrt, origin=1, count=RSQRT_SEGMENTS, decreasing=True)
        + _segments(_rsqrt_of_double, origin=1, count=RSQRT_SEGMENTS, decreasing=True)
    )
