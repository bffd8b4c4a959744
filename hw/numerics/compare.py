"""Comparison, extremes and selection exactly as the units do them."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .format import NAN, Floats, bits_of, flush

__all__ = ["equal", "less", "less_equal", "maximum", "minimum", "select"]


def _order_key(x: Floats) -> NDArray[np.int32]:
    """Integers in the order of the numbers, -0 just below +0."""
    signed = x.view(np.int32)
    return signed ^ ((signed >> np.int32(31)) & np.int32(0x7FFF_FFFF))


def _extreme(a: ArrayLike, b: ArrayLike, *, greater: bool) -> Floats:
    x, y = np.broadcast_arrays(flush(a), flush(b))
    x_above = _order_key(x) >= _order_key(y)
    chosen = np.asarray(np.where(x_above == greater, x.view(np.uint32), y.view(np.uint32)))
    return np.where((x != x) | (y != y), np.uint32(NAN), chosen).view(np.float32)


def maximum(a: ArrayLike, b: ArrayLike) -> Floats:
    """The greater operand; NaN if either is NaN; +0 counts as greater than -0."""
    return _extreme(a, b, greater=True)


def minimum(a: ArrayLike, b: ArrayLike) -> Floats:
    """The lesser operand; NaN if either is NaN; -0 counts as less than +0."""
    return _extreme(a, b, greater=False)


def less(a: ArrayLike, b: ArrayLike) -> Floats:
    """1.0 where ``a < b``, else 0.0; NaN is not less than anything."""
    return np.asarray(flush(a) < flush(b)).astype(np.float32)


def less_equal(a: ArrayLike, b: ArrayLike) -> Floats:
    """1.0 where ``a <= b``, else 0.0; zeros of both signs are equal."""
    return np.asarray(flush(a) <= flush(b)).astype(np.float32)


def equal(a: ArrayLike, b: ArrayLike) -> Floats:
    """1.0 where ``a == b``, else 0.0; zeros of both signs are equal, NaN equals nothing."""
    return np.asarray(flush(a) == flush(b)).astype(np.float32)


def select(a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Floats:
    """``b`` where ``a`` is not zero (a NaN is not zero, a subnormal is), else ``c``, bit for bit."""
    return np.where(flush(a) != 0, bits_of(b), bits_of(c)).view(np.float32)
