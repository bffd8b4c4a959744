"""Arithmetic on words as int32, exactly as the units do it: two's complement that wraps around, nothing is flushed."""

import numpy as np
from numpy.typing import ArrayLike

from .format import Floats, bits_of

__all__ = ["integer_add", "integer_equal", "integer_less", "integer_max", "integer_sub"]


@np.errstate(over="ignore")
def integer_add(a: ArrayLike, b: ArrayLike) -> Floats:
    """``a + b``, modulo 2^32."""
    return np.asarray(bits_of(a) + bits_of(b)).view(np.float32)


@np.errstate(over="ignore")
def integer_sub(a: ArrayLike, b: ArrayLike) -> Floats:
    """``a - b``, modulo 2^32."""
    return np.asarray(bits_of(a) - bits_of(b)).view(np.float32)


def integer_less(a: ArrayLike, b: ArrayLike) -> Floats:
    """1.0 where ``a < b``, else 0.0."""
    return np.asarray(bits_of(a).view(np.int32) < bits_of(b).view(np.int32)).astype(np.float32)


def integer_max(a: ArrayLike, b: ArrayLike) -> Floats:
    """The greater of ``a`` and ``b``."""
    return np.asarray(np.maximum(bits_of(a).view(np.int32), bits_of(b).view(np.int32))).view(np.float32)


def integer_equal(a: ArrayLike, b: ArrayLike) -> Floats:
    """1.0 where ``a == b``, else 0.0: every bit counts."""
    return np.asarray(bits_of(a) == bits_of(b)).astype(np.float32)
