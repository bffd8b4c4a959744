"""The elements that a walk visits, as NumPy indices."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.compiler.interpreter.bounded import Array
from weft.compiler.step.walk import Walk

__all__ = ["places", "taken"]

Indices = tuple[NDArray[np.int64], ...]


def places(walk: Walk, shape: tuple[int, ...], sizes: Mapping[str, int]) -> Indices:
    """For each dimension of what is walked, the index at each place of a stream of this shape."""
    indices = [np.full(shape, start.at(sizes), np.int64) for start in walk.start]
    for axis, (dim, step) in enumerate(zip(walk.dims, walk.by, strict=True)):
        if dim >= 0:
            along = [1] * len(shape)
            along[axis] = shape[axis]
            indices[dim] += step * np.arange(shape[axis]).reshape(along)
    return (*indices,)


def taken(array: Array, walk: Walk, shape: tuple[int, ...], sizes: Mapping[str, int], outer: int = 0) -> Array:
    """The elements that a walk visits; the ``outer`` first dimensions are not walked and stay as they are."""
    if 0 in shape:
        return np.empty(shape, array.dtype)
    dims = (*range(outer), *(dim if dim < 0 else dim + outer for dim in walk.dims))
    by = (*(1,) * outer, *walk.by)
    start = (*Walk.whole(outer).start, *walk.start)
    return np.asarray(array[places(Walk(dims, by, start), shape, sizes)])
