"""Rotary position embedding: its parameters, and the table of cosines and sines."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from weft.compiler.checkpoints.json_fields import JsonFields
from weft.compiler.errors import WeftError


@dataclass(frozen=True, kw_only=True)
class Llama3Scaling:
    """How Llama 3.1 stretches the slow frequencies to a longer context (transformers' rope_type "llama3")."""

    factor: float
    low_freq_factor: float
    high_freq_factor: float
    original_max_position_embeddings: float

    def apply(self, frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        """Slow frequencies divided by `factor`, fast ones kept, those between blended; in radians a token."""
        turns = self.original_max_position_embeddings * frequency / (2.0 * math.pi)
        blend = (turns - self.low_freq_factor) / (self.high_freq_factor - self.low_freq_factor)
        kept = np.clip(blend, 0.0, 1.0)
        return kept * frequency + (1.0 - kept) * frequency / self.factor


@dataclass(frozen=True, kw_only=True)
class Rotary:
    """Element pair `(i, i + head_dim/2)` of a head turns by `position * theta**(-2i/head_dim)` radians."""

    theta: float = 10000.0
    scaling: Llama3Scaling | None = None

    def frequencies(self, head_dim: int) -> NDArray[np.float64]:
        """Radians a token, shape [head_dim/2]."""
        frequency = self.theta ** -(np.arange(0, head_dim, 2, dtype=np.float64) / head_dim)
        return frequency if self.scaling is None else self.scaling.apply(frequency)

    def table(
        self, head_dim: int, positions: int, dtype: DTypeLike = np.float32
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Cosines and sines, each [positions, head_dim/2], computed in float64, then rounded to `dtype`."""
        angles = np.outer(np.arange(positions, dtype=np.float64), self.frequencies(head_dim))
        return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)

    @classmethod
    def from_fields(cls, fields: JsonFields) -> "Rotary":
        """Reads `rope_parameters` (newer) or `rope_theta` and `rope_scaling` (older) of a `config.json`.

        Raises:
            WeftError: the kind is neither "default" nor "llama3", or only a part of each head turns.
            WeftError: the two spellings contradict each other, or a value breaks its rule.
        """
        newer, older = fields.inner("rope_parameters"), fields.inner("rope_scaling")
        for part in (fields, newer, older):
            share = part.positive("partial_rotary_factor", 1.0)
            part.require("partial_rotary_factor", share, "1", share == 1.0)
        theta = newer.positive("rope_theta", fields.positive("rope_theta", 10000.0))
        if fields.has("rope_theta"):
            rule = f"the same as in rope_parameters, {theta!r}"
            fields.require("rope_theta", fields.fields["rope_theta"], rule, fields.positive("rope_theta") == theta)
        return cls(theta=theta, scaling=_scaling(newer if newer.fields else older))


def _scaling(fields: JsonFields) -> Llama3Scaling | None:
    kind = fields.fields.get("rope_type") or fields.fields.get("type") or "default"
    if kind == "default":
        return None
    if kind != "llama3":
        raise WeftError(f"{fields.file}: field 'rope_type' must be 'default' or 'llama3', not {kind!r}")
    scaling = Llama3Scaling(
        factor=fields.positive("factor"),
        low_freq_factor=fields.positive("low_freq_factor"),
        high_freq_factor=fields.positive("high_freq_factor"),
        original_max_position_embeddings=fields.positive("original_max_position_embeddings"),
    )
    above = scaling.high_freq_factor > scaling.low_freq_factor
    rule = f"above low_freq_factor, {scaling.low_freq_factor!r}"
    fields.require("high_freq_factor", scaling.high_freq_factor, rule, above)
    return scaling
