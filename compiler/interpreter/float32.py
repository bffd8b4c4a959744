"""The float32 of docs/numerics.md, in float64 arrays: rounded to nearest even, subnormals flushed, one NaN.

A sum, difference or product of two float32 numbers that is computed in float64 and then rounded by :func:`nearest` is
the float32 result: float64 has more than twice the digits, so rounding twice is rounding once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["LARGEST", "ROUNDING", "SMALLEST", "flush", "nearest", "nearest_bf16", "ulp"]

Floats = NDArray[np.float64]

SMALLEST = 2.0**-126
"""The smallest normal magnitude."""
LARGEST = 2.0**128 - 2.0**104
"""The largest finite one."""
ROUNDING = 2.0**-24
"""What rounding to nearest changes a number by at most, relative to it."""
_LEAST_KEPT = 2.0**-126 - 2.0**-151
"""The midpoint between 2^-126 and the number of 24 bits below it: it rounds up, so it is not flushed."""


def flush(x: Floats) -> Floats:
    """Subnormals become the zero of their sign."""
    return np.where(np.abs(x) < SMALLEST, np.copysign(0.0, x), x)


def nearest(x: Floats) -> Floats:
    """The nearest float32, ties to even; flushed if it is below 2^-126 after rounding to 24 bits; infinite beyond."""
    with np.errstate(over="ignore", under="ignore", invalid="ignore"):
        rounded = x.astype(np.float32).astype(np.float64)
    return np.where(np.abs(x) < _LEAST_KEPT, np.copysign(0.0, x), rounded)


def nearest_bf16(x: Floats) -> Floats:
    """The nearest bf16, ties to even, of a float32 that is flushed first."""
    bits = flush(x).astype(np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0x7FFF + (bits >> np.uint64(16) & np.uint64(1))) & np.uint64(0xFFFF_0000)
    result = rounded.astype(np.uint32).view(np.float32).astype(np.float64)
    return np.where(np.isnan(x), np.nan, result)


def ulp(x: Floats) -> Floats:
    """A unit of the last place: 2^-23 times the power of two at or below the magnitude; 0 for 0, infinities and NaN."""
    regular = np.isfinite(x) & (x != 0)
    _, exponent = np.frexp(np.where(regular, x, 1.0))
    return np.where(regular, np.ldexp(1.0, np.maximum(exponent - 24, -149)), 0.0)
