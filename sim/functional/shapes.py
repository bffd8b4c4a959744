"""What the description of a unit's firings is told of beats."""

from __future__ import annotations

import numpy as np

from weft.hw.program.firings.stream import Shape
from weft.sim.device import Beats

__all__ = ["shape_of"]


def shape_of(beats: Beats) -> Shape:
    """Stop and void of each beat, and what scalar beats carry."""
    value = None
    if beats.data.ndim == 1 or beats.data.shape[1] == 1:
        value = np.ascontiguousarray(beats.data, np.float32).reshape(-1).view(np.int32).astype(np.int64)
    return Shape(np.asarray(beats.stop, np.uint8), np.asarray(beats.void, bool), value)
