"""Reductions across lanes in the fixed order of the hardware tree."""

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .basic import add
from .compare import maximum, minimum
from .format import Floats
from .ops import Reduction

__all__ = ["reduce", "tree_max", "tree_min", "tree_sum"]


def _tree(combine: Callable[[Floats, Floats], Floats], x: ArrayLike, axis: int) -> Floats:
    level = np.moveaxis(np.asarray(x, dtype=np.float32), axis, -1)
    lanes = level.shape[-1]
    if lanes < 1 or lanes & (lanes - 1):
        raise ValueError(f"the number of lanes must be a power of two, not {lanes}")
    while level.shape[-1] > 1:
        level = combine(level[..., 0::2], level[..., 1::2])
    return level[..., 0]


def tree_sum(x: ArrayLike, axis: int = -1) -> Floats:
    """Sum over ``axis``, level by level: element 2i is added to element 2i+1.

    Raises
    ------
    ValueError
        If the length of the axis is not a power of two.
    """
    return _tree(add, x, axis)


def tree_max(x: ArrayLike, axis: int = -1) -> Floats:
    """Greatest element over ``axis``, NaN if one is NaN.

    Raises
    ------
    ValueError
        If the length of the axis is not a power of two.
    """
    return _tree(maximum, x, axis)


def tree_min(x: ArrayLike, axis: int = -1) -> Floats:
    """Least element over ``axis``, NaN if one is NaN.

    Raises
    ------
    ValueError
        If the length of the axis is not a power of two.
    """
    return _tree(minimum, x, axis)


def reduce(op: Reduction, x: ArrayLike, axis: int = -1) -> Floats:
    """What the reduction tree computes for ``op``; a single lane passes unchanged.

    Raises
    ------
    ValueError
        If the length of the axis is not a power of two.
    """
    match op:
        case Reduction.NONE:
            return _tree(lambda left, right: left, x, axis)
        case Reduction.SUM:
            return tree_sum(x, axis)
        case Reduction.MAX:
            return tree_max(x, axis)
        case Reduction.MIN:
            return tree_min(x, axis)
