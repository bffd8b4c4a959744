"""How far the logits of one model are from those of another."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.sim.choosing import check_logits, choose
from weft.sim.reference import Reference

__all__ = ["Accuracy", "accuracy"]


@dataclass(frozen=True)
class Accuracy:
    """Over ``positions`` of a text: mean and least cosine of the logits, and how often the largest is the same one.

    There is no cosine where all logits are zero, of both models at every position.
    """

    positions: int
    cosine: float | None
    least_cosine: float | None
    agreement: float


def accuracy(original: LlamaCheckpoint, changed: LlamaCheckpoint, positions: int) -> Accuracy:
    """Both in the reference, on text that the original samples from token 0 (temperature 1, seed 0).

    No more positions than the context has.

    Raises
    ------
    LogitsError
        A model gives logits that are NaN or infinite.
    """
    first, second = Reference(original), Reference(changed)
    random = np.random.default_rng(0)
    count = min(positions, original.config.max_position_embeddings)
    token, cosines, same = 0, list[float](), 0
    for position in range(count):
        expected, given = (each.step(token).astype(np.float64) for each in (first, second))
        check_logits(expected, position, "the model")
        check_logits(given, position, "the smaller model")
        lengths = np.linalg.norm(expected), np.linalg.norm(given)
        if any(lengths):
            cosines.append(float(expected @ given / np.prod(lengths)) if all(lengths) else 0.0)
        same += int(expected.argmax() == given.argmax())
        token = choose(expected.astype(np.float32), 1.0, random)
    mean, least = (float(np.mean(cosines)), min(cosines)) if cosines else (None, None)
    return Accuracy(count, mean, least, same / count)
