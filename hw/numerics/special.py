"""Special functions exactly as the unit computes them: integers from the first step to the last.

Each is a piecewise quadratic of `weft.hw.numerics.tables` between an exact range reduction and one rounding.
Nothing here depends on the processor's floating point or on a mathematical library.
"""

from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .format import EXPONENT_BIAS, FRACTION_BITS, INFINITY, MIN_NORMAL, NAN, SIGN, Floats, bits_of, floats_of
from .ops import Special
from .tables import (
    ARGUMENT_BITS,
    DELTA_BITS,
    RECIPROCAL_SEGMENTS,
    RSQRT_SEGMENTS,
    Segment,
    evaluate,
    exp2_table,
    inverse_table,
)

__all__ = ["LOG2_E", "LOG2_E_BITS", "SATURATED_EXPONENT", "exp", "reciprocal", "rsqrt", "sigmoid", "special"]

LOG2_E_BITS = 36
LOG2_E = 0x17_1547_652C
"""log2(e) to the nearest with 36 fraction bits."""

#: From this exponent on, 2^7, an exponential saturates whatever the fraction.
SATURATED_EXPONENT = EXPONENT_BIAS + 7

_Integers = NDArray[np.int64]
_ONE = 1 << ARGUMENT_BITS
_FRACTION_MASK = _ONE - 1
_EXCESS_BITS = ARGUMENT_BITS - FRACTION_BITS


def _columns(segments: tuple[Segment, ...]) -> tuple[_Integers, _Integers, _Integers]:
    c0 = np.array([segment.c0 for segment in segments], dtype=np.int64)
    c1 = np.array([segment.c1 for segment in segments], dtype=np.int64)
    c2 = np.array([segment.c2 for segment in segments], dtype=np.int64)
    return c0, c1, c2


@cache
def _exp2_columns() -> tuple[_Integers, _Integers, _Integers]:
    return _columns(exp2_table())


@cache
def _inverse_columns() -> tuple[_Integers, _Integers, _Integers]:
    return _columns(inverse_table())


def _exp2_of(fraction: _Integers) -> _Integers:
    """2^(fraction / 2^30) with 30 fraction bits."""
    c0, c1, c2 = (column[fraction >> DELTA_BITS] for column in _exp2_columns())
    return evaluate(c0, c1, c2, fraction & ((1 << DELTA_BITS) - 1), decreasing=False)


def _inverse(index: _Integers, delta: _Integers) -> _Integers:
    c0, c1, c2 = (column[index] for column in _inverse_columns())
    return evaluate(c0, c1, c2, delta, decreasing=True)


def _fields(x: ArrayLike) -> tuple[_Integers, _Integers, _Integers]:
    """Bits, biased exponent and significand with 23 fraction bits (0 for zeros and subnormals)."""
    bits = bits_of(x).astype(np.int64)
    exponent = bits >> FRACTION_BITS & 0xFF
    significand = np.where(exponent == 0, 0, bits & (MIN_NORMAL - 1) | MIN_NORMAL)
    return bits, exponent, significand


def _round(exponent: _Integers, value: _Integers) -> _Integers:
    """Pack a positive number with its leading one at bit 30, rounded to nearest even and flushed."""
    rest = value & ((1 << _EXCESS_BITS) - 1)
    last = value >> _EXCESS_BITS & 1
    half = 1 << (_EXCESS_BITS - 1)
    round_up = (rest > half) | ((rest == half) & (last == 1))
    packed = (exponent << FRACTION_BITS) + (value >> _EXCESS_BITS) - MIN_NORMAL + round_up
    return np.where(packed < MIN_NORMAL, 0, np.minimum(packed, INFINITY))


def _choose(result: _Integers, *cases: tuple[NDArray[np.bool_], int | _Integers]) -> Floats:
    """The value of the first case that holds, else ``result``."""
    for condition, value in reversed(cases):
        result = np.where(condition, value, result)
    return floats_of(result)


def _is_nan(bits: _Integers) -> NDArray[np.bool_]:
    return (bits & (SIGN - 1)) > INFINITY


def _exp2_parts(x: _Integers, exponent: _Integers, significand: _Integers) -> tuple[_Integers, _Integers]:
    """e^x as 2^whole * value / 2^30, for the sign in bit 31 of ``x``; meaningless if saturated."""
    product = significand * LOG2_E
    places = np.clip(SATURATED_EXPONENT - 1 - exponent, 0, 40)
    magnitude = product >> (FRACTION_BITS + LOG2_E_BITS - ARGUMENT_BITS - 6) >> places
    power = np.where(x & SIGN, -magnitude, magnitude)
    return power >> ARGUMENT_BITS, _exp2_of(power & _FRACTION_MASK)


def _reciprocal_of(fraction: _Integers) -> _Integers:
    """2^61 / (2^30 + fraction), approximately."""
    delta_bits = DELTA_BITS - 1
    return _inverse(fraction >> delta_bits, fraction & ((1 << delta_bits) - 1))


def exp(x: ArrayLike) -> Floats:
    """e^x."""
    bits, exponent, significand = _fields(x)
    whole, value = _exp2_parts(bits, exponent, significand)
    return _choose(
        _round(whole + EXPONENT_BIAS, value),
        (_is_nan(bits), NAN),
        (exponent >= SATURATED_EXPONENT, np.where(bits & SIGN, 0, INFINITY)),
    )


def reciprocal(x: ArrayLike) -> Floats:
    """1/x; infinity of its sign for a zero, zero of its sign for an infinity."""
    bits, exponent, significand = _fields(x)
    sign = bits & SIGN
    value = _reciprocal_of((significand << _EXCESS_BITS) & _FRACTION_MASK)
    return _choose(
        _round(2 * EXPONENT_BIAS - 1 - exponent, value) | sign,
        (_is_nan(bits), NAN),
        (exponent == 0, INFINITY | sign),
        (exponent == 0xFF, sign),
    )


def rsqrt(x: ArrayLike) -> Floats:
    """1/sqrt(x); infinity of its sign for a zero, NaN below it."""
    bits, exponent, significand = _fields(x)
    sign = bits & SIGN
    fraction = (significand << _EXCESS_BITS) & _FRACTION_MASK
    # The bias is odd: an even biased exponent belongs to an odd power of two.
    index = RECIPROCAL_SEGMENTS + np.where(exponent & 1, 0, RSQRT_SEGMENTS) + (fraction >> DELTA_BITS)
    value = _inverse(index, fraction & ((1 << DELTA_BITS) - 1))
    return _choose(
        _round(EXPONENT_BIAS + 63 - ((exponent + 1) >> 1), value),
        (_is_nan(bits), NAN),
        (exponent == 0, INFINITY | sign),
        (sign != 0, NAN),
        (exponent == 0xFF, 0),
    )


def sigmoid(x: ArrayLike) -> Floats:
    """1 / (1 + e^-x), accurate relative to the result also where that is tiny."""
    bits, exponent, significand = _fields(x)
    whole, value = _exp2_parts(bits ^ SIGN, exponent, significand)
    # The sum of 1 and e^-x, relative to the power of two of the greater.
    greater = np.maximum(whole, 0)
    places = np.minimum(np.abs(whole), 63)
    total = np.where(whole < 0, _ONE + (value >> places), value + (_ONE >> places))
    carry = total >> (ARGUMENT_BITS + 1)
    quotient = _reciprocal_of((total >> carry) & _FRACTION_MASK)
    return _choose(
        _round(EXPONENT_BIAS - 1 - greater - carry, quotient),
        (_is_nan(bits), NAN),
        (exponent >= SATURATED_EXPONENT, np.where(bits & SIGN, 0, EXPONENT_BIAS << FRACTION_BITS)),
    )


def special(op: Special, x: ArrayLike) -> Floats:
    """What the special function unit computes for ``op``."""
    match op:
        case Special.NONE:
            return np.asarray(x, dtype=np.float32)
        case Special.EXP:
            return exp(x)
        case Special.RECIPROCAL:
            return reciprocal(x)
        case Special.RSQRT:
            return rsqrt(x)
        case Special.SIGMOID:
            return sigmoid(x)
