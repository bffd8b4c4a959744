"""What the fabric rounds of a checkpoint: matrices are bf16 there, whatever they are stored as."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weft.compiler.checkpoints.checkpoint import EMBEDDING, LlamaCheckpoint
from weft.compiler.errors import WeftError
from weft.hw.numerics import to_bf16

__all__ = ["Rounding", "rounding_of"]


@dataclass(frozen=True)
class Rounding:
    """How many of ``weights`` bf16 does not hold, and the largest difference that rounding makes."""

    weights: int
    rounded: int
    most: float
    """Between a weight and what it becomes."""
    most_relative: float
    """The same as a share of the weight."""


def rounding_of(checkpoint: LlamaCheckpoint) -> Rounding:
    """Over all matrices that are not quantised; an embedding counts where it is the head, too.

    Raises
    ------
    WeftError
        A weight is beyond the largest bf16.
    """
    names = [name for name in checkpoint.config.tensor_shapes() if checkpoint.config.is_matrix(name)]
    names += [EMBEDDING] if checkpoint.config.tie_word_embeddings else []
    weights, rounded, most, relative = 0, 0, 0.0, 0.0
    for name in names:
        if name in checkpoint.quantised:
            continue
        values = checkpoint.tensors[name]
        rests = np.abs(to_bf16(values) - values)
        weights += values.size
        changed = rests > 0
        if not changed.any():
            continue
        if not np.isfinite(rests).all():
            raise WeftError(f"tensor {name!r} must fit bf16, but {float(np.abs(values).max()):g} is beyond its range")
        rounded += int(np.count_nonzero(changed))
        most = max(most, float(rests.max()))
        relative = max(relative, float((rests[changed].astype(np.float64) / np.abs(values[changed])).max()))
    return Rounding(weights, rounded, most, relative)
