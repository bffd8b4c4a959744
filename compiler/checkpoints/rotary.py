"""Rotary position embedding: its parameters, and the table of cosines and sines."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from weft.compiler.checkpoints.json_fields import JsonFields
from weft.compiler.errors import WeftError
from weft.hw.shown import shown


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
        return self._turned(np.arange(positions, dtype=np.float64)[:, None], head_dim, dtype)

    def at(
        self, head_dim: int, position: int, dtype: DTypeLike = np.float32
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """The row of `table` for a position, each [head_dim/2]."""
        return self._turned(np.float64(position), head_dim, dtype)

    def _turned(
        self, position: NDArray[np.float64] | np.float64, head_dim: int, dtype: DTypeLike
    ) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        angles = position * self.frequencies(head_dim)
        return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)

    @classmethod
    def from_fields(cls, fields: JsonFields) -> "Rotary":
        """Reads the settings of a `config.json`: `rope_parameters`, or of transformers 4 `rope_theta`, `rope_scaling`.

        Where both stand `rope_scaling` decides, as it does in transformers. What the two versions of transformers read
        differently, for it stands twice with two values, is refused.

        Raises:
            WeftError: the kind is neither "default" nor "llama3", or only a part of each head turns.
            WeftError: one setting stands in two places with two values, or a value breaks its rule.
            WeftError: there is a setting that this kind does not have.
        """
        newer, older = fields.inner("rope_parameters"), fields.inner("rope_scaling")
        for part in (fields, newer, older):
            share = part.positive("partial_rotary_factor", 1.0)
            part.require("partial_rotary_factor", share, "1", share == 1.0)
        places = {"rope_parameters": newer, "rope_scaling": older, "": fields}
        theta = _in_one_of("rope_theta", places)
        name, chosen = ("rope_scaling", older) if any(map(older.has, older.fields)) else ("rope_parameters", newer)
        if chosen is older and newer.has("rope_theta") and not (older.has("rope_theta") or fields.has("rope_theta")):
            rule = f"{_THETA!r}, or stand in rope_scaling, which decides here"
            newer.require("rope_parameters.rope_theta", theta, rule, theta == _THETA)
        longest = _in_one_of(_ORIGINAL, {name: chosen, "": fields})
        return cls(
            theta=_THETA if theta is None else theta,
            scaling=_scaling(name, chosen, longest or fields.integer("max_position_embeddings")),
        )


_THETA = 10000.0
"""Where none is given."""
_ORIGINAL = "original_max_position_embeddings"
_LLAMA3 = ("factor", "low_freq_factor", "high_freq_factor", _ORIGINAL)


def _in_one_of(name: str, places: dict[str, JsonFields]) -> float | None:
    """A number above 0 that may stand in several objects, but with one value; "" is the outermost."""
    found = {place: fields.positive(name) for place, fields in places.items() if fields.has(name)}
    for place, value in found.items():
        first = next(iter(found))
        path = f"{place}.{name}".removeprefix(".")
        places[place].require(path, value, f"the same as in {first}, {found[first]!r}", value == found[first])
    return next(iter(found.values()), None)


def _scaling(name: str, fields: JsonFields, longest: float) -> Llama3Scaling | None:
    """The scaling that the object `name` asks for; `longest` is the context that the model was first trained with."""
    kinds = {key: fields.fields[key] for key in ("rope_type", "type") if fields.has(key)}
    kind = next(iter(kinds.values()), "default")
    same = all(each == kind for each in kinds.values())
    fields.require(f"{name}.type", kinds.get("type"), f"the same as rope_type, {kind!r}", same)
    if kind not in ("default", "llama3"):
        raise WeftError(f"{fields.file}: field 'rope_type' must be 'default' or 'llama3', not {shown(kind)}")
    known = {"rope_type", "type", "rope_theta", "partial_rotary_factor", *(_LLAMA3 if kind == "llama3" else ())}
    for key in filter(fields.has, fields.fields):
        if key not in known:
            raise WeftError(
                f"{fields.file}: field '{name}.{key}' must not be there, for rope_type {kind!r} has no such setting"
            )
    if kind == "default":
        return None
    scaling = Llama3Scaling(
        factor=fields.positive("factor"),
        low_freq_factor=fields.positive("low_freq_factor"),
        high_freq_factor=fields.positive("high_freq_factor"),
        original_max_position_embeddings=longest,
    )
    above = scaling.high_freq_factor > scaling.low_freq_factor
    rule = f"above low_freq_factor, {scaling.low_freq_factor!r}"
    fields.require("high_freq_factor", scaling.high_freq_factor, rule, above)
    return scaling
