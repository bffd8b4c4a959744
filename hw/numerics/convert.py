"""Conversions between fp32, bf16 and int32, all carried in float32 arrays."""

import numpy as np
from numpy.typing import ArrayLike

from .format import Floats, bits_of, flush
from .ops import Conversion

__all__ = ["convert", "from_int32", "to_bf16", "to_int32"]

_INT32 = np.iinfo(np.int32)


@np.errstate(over="ignore")  # NumPy warns when a *scalar* wraps
def to_bf16(x: ArrayLike) -> Floats:
    """Round to bf16, nearest even; the result stays in a float32 array whose low halves are zero.

    The operand is flushed *before* it is rounded: no subnormal is rounded up to the smallest normal.
    """
    bits = bits_of(flush(x))
    odd = (bits >> np.uint32(16)) & np.uint32(1)
    # The canonical NaN has a zero low half and stays what it is.
    return ((bits + np.uint32(0x7FFF) + odd) & np.uint32(0xFFFF_0000)).view(np.float32)


@np.errstate(all="ignore")
def to_int32(x: ArrayLike) -> Floats:
    """Round to the nearest even integer, saturate to int32, NaN to 0; the bits are returned *as* float32."""
    values = np.rint(flush(x).astype(np.float64))
    limited = np.clip(np.where(np.isnan(values), 0.0, values), _INT32.min, _INT32.max)
    return np.asarray(limited).astype(np.int32).view(np.float32)


def from_int32(x: ArrayLike) -> Floats:
    """Round int32 values, given by the bits of a float32 array, to fp32, nearest even."""
    return bits_of(x).view(np.int32).astype(np.float32)


def convert(op: Conversion, x: ArrayLike) -> Floats:
    """What the conversion unit computes for ``op``."""
    match op:
        case Conversion.NONE:
            return np.asarray(x, dtype=np.float32)
        case Conversion.TO_BF16:
            return to_bf16(x)
        case Conversion.TO_INT32:
            return to_int32(x)
        case Conversion.FROM_INT32:
            return from_int32(x)
