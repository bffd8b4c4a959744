"""The fp32 format as the hardware sees it: no subnormals, and a single NaN."""

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "EXPONENT_BIAS",
    "FRACTION_BITS",
    "INFINITY",
    "MIN_NORMAL",
    "NAN",
    "ONE",
    "SIGN",
    "Bits",
    "Floats",
    "bits_of",
    "floats_of",
    "flush",
]

Floats: TypeAlias = NDArray[np.float32]
Bits: TypeAlias = NDArray[np.uint32]

FRACTION_BITS = 23
EXPONENT_BIAS = 127

SIGN = 0x8000_0000
INFINITY = 0x7F80_0000
NAN = 0x7FC0_0000
MIN_NORMAL = 0x0080_0000
ONE = 0x3F80_0000

_MAGNITUDE = np.uint32(0x7FFF_FFFF)
_NORMAL_OR_INFINITE = np.uint32(INFINITY - MIN_NORMAL)


def bits_of(x: ArrayLike) -> Bits:
    """The bit patterns of an fp32 array, as an array (a view where possible)."""
    return np.asarray(x, dtype=np.float32).view(np.uint32)


def floats_of(bits: NDArray[Any]) -> Floats:
    """The fp32 array with these bit patterns, whatever integer type they come in."""
    return np.asarray(bits).astype(np.uint32, copy=False).view(np.float32)


@np.errstate(over="ignore")  # NumPy warns when a *scalar* wraps
def flush(x: ArrayLike) -> Floats:
    """Bring ``x`` to the values the units know: subnormals to zero of their sign, any NaN to `NAN`.

    Works on the bits, so that the flush-to-zero mode of the processor cannot change the result.
    May return ``x`` itself.
    """
    values = np.asarray(x, dtype=np.float32)
    bits = values.view(np.uint32)
    magnitude = bits & _MAGNITUDE
    # One unsigned comparison finds zeros and subnormals (the difference wraps) as well as NaNs.
    odd = magnitude - np.uint32(MIN_NORMAL) > _NORMAL_OR_INFINITE
    if not odd.any():
        return values
    replacement = np.where(magnitude > np.uint32(INFINITY), np.uint32(NAN), bits & np.uint32(SIGN))
    return np.asarray(np.where(odd, replacement, bits)).view(np.float32)
