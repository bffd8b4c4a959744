"""Multiplication and addition exactly as the units do them.

fp32, rounded to nearest even, operands and results flushed. A result is flushed if and only if its
magnitude, rounded to 24 bits as if the exponent had no bounds, is below 2^-126.
"""

import numpy as np
from numpy.typing import ArrayLike

from .format import MIN_NORMAL, SIGN, Floats, flush

__all__ = ["add", "mul", "muladd", "sub"]

# The midpoint between 2^-126 and the 24-bit number below it, which rounds up to the even 2^-126.
_LEAST_KEPT_PRODUCT = 2.0**-126 - 2.0**-151


@np.errstate(all="ignore")
def mul(a: ArrayLike, b: ArrayLike) -> Floats:
    """``a * b``."""
    x, y = np.broadcast_arrays(flush(a), flush(b))
    product = np.asarray(x * y)
    bits = product.view(np.uint32)
    # Without flushing in the processor, a product just below the smallest normal is rounded to a
    # *subnormal* spacing and can reach 2^-126 although its 24-bit rounding does not.
    suspect = (bits & np.uint32(~SIGN & 0xFFFF_FFFF)) == np.uint32(MIN_NORMAL)
    if suspect.any():
        exact = np.abs(x.astype(np.float64) * y.astype(np.float64))
        flushed = suspect & (exact < _LEAST_KEPT_PRODUCT)
        product = np.asarray(np.where(flushed, bits & np.uint32(SIGN), bits)).view(np.float32)
    return flush(product)


@np.errstate(all="ignore")
def add(a: ArrayLike, b: ArrayLike) -> Floats:
    """``a + b``. A sum below the smallest normal is exact, so flushing cannot disturb its rounding."""
    return flush(flush(a) + flush(b))


@np.errstate(all="ignore")
def sub(a: ArrayLike, b: ArrayLike) -> Floats:
    """``a - b``."""
    return flush(flush(a) - flush(b))


def muladd(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Floats:
    """``a * b + c`` with two roundings and a flush between them: not a fused multiply-add."""
    return add(mul(a, b), c)
