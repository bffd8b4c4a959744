"""What a saved run holds, and its fields read from the metadata of a file."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.safetensors_file import SafetensorsFile
from weft.compiler.errors import WeftError
from weft.hw.shown import shown
from weft.sim.decoder import CACHES

__all__ = ["SavedRun", "read_fields"]

Floats = NDArray[np.float32]
_Value = TypeVar("_Value")


@dataclass(frozen=True)
class SavedRun:
    """Tokens, of which the first ``prompt`` were given, how the others are chosen, and the caches of the positions.

    There are no caches before anything was processed.

    ``failed_at`` is the first position at which the devices differed, or one did not end.
    """

    tokens: list[int]
    prompt: int
    temperature: float
    seed: int
    caches: dict[str, Floats] = field(default_factory=dict)
    failed_at: int | None = None

    @property
    def positions(self) -> int:
        """How many tokens have been processed."""
        return self.caches[CACHES[0]].shape[2] if self.caches else 0

    @property
    def last(self) -> int:
        """The last token that can be processed next."""
        return min(self.positions, len(self.tokens) - 1)

    def at(self, token: int) -> SavedRun:
        """The run as it was before it processed a token, counted from 0, with what of the prompt comes behind that.

        Raises
        ------
        WeftError
            There is no such token, or the tokens before it were not all processed.
        """
        if not 0 <= token <= self.last:
            raise WeftError(f"--at must be 0 to {self.last} in this run, not {token}")
        tokens = self.tokens[: max(token + 1, self.prompt)]
        return replace(self, tokens=tokens, caches={name: rows[:, :, :token] for name, rows in self.caches.items()})


def read_fields(opened: SafetensorsFile, hashes: Iterable[str]) -> SavedRun:
    """The run in a file that also has the metadata ``hashes``.

    Raises
    ------
    WeftError
        A field is missing or breaks its rule, or the caches are no caches of such a run.
    """
    fields = _Fields(opened)
    tokens = fields.tokens()
    for name in hashes:
        fields.text(name)
    return SavedRun(
        tokens=tokens,
        prompt=fields.whole("prompt", 1, len(tokens)),
        temperature=fields.temperature(),
        seed=fields.whole("seed", 0, None),
        failed_at=None if fields.text("failed_at") == "null" else fields.whole("failed_at", 0, len(tokens) - 1),
        caches=_caches(opened, len(tokens)),
    )


def _caches(opened: SafetensorsFile, tokens: int) -> dict[str, Floats]:
    caches = {name: opened.read(name) for name in CACHES}
    shapes = [values.shape for values in caches.values()]
    if any(len(shape) != 4 or shape[:3] != shapes[0][:3] or shape[2] > tokens for shape in shapes):
        given = " and ".join(f"{name} {list(values.shape)}" for name, values in caches.items())
        raise WeftError(
            f"{opened.file}: caches must be [layers, key heads, positions, size] of at most {tokens} positions, those "
            f"that have tokens, and but for their size alike, not {given}"
        )
    return caches


@dataclass(frozen=True)
class _Fields:
    """Metadata, each a text."""

    opened: SafetensorsFile

    def text(self, name: str) -> str:
        if name not in self.opened.metadata:
            raise WeftError(f"{self.opened.file}: field {name!r} of the run is missing")
        return self.opened.metadata[name]

    def whole(self, name: str, least: int, most: int | None) -> int:
        rule = f"a whole number of at least {least}" if most is None else f"a whole number of {least} to {most}"
        number = self._parsed(name, rule, int)
        self._require(name, rule, number >= least and (most is None or number <= most))
        return number

    def temperature(self) -> float:
        rule = "a number of at least 0"
        number = self._parsed("temperature", rule, float)
        self._require("temperature", rule, number >= 0 and not math.isnan(number))
        return number

    def tokens(self) -> list[int]:
        rule = "a list of token ids"
        given: object = self._parsed("tokens", rule, json.loads)
        tokens = cast(list[object], given) if isinstance(given, list) else []
        found = [each for each in tokens if isinstance(each, int) and not isinstance(each, bool) and each >= 0]
        self._require("tokens", rule, len(found) == len(tokens) > 0)
        return found

    def _parsed(self, name: str, rule: str, parse: Callable[[str], _Value]) -> _Value:
        text = self.text(name)
        try:
            return parse(text)
        except (ValueError, RecursionError):
            raise self._broken(name, rule) from None

    def _require(self, name: str, rule: str, holds: bool) -> None:
        if not holds:
            raise self._broken(name, rule)

    def _broken(self, name: str, rule: str) -> WeftError:
        return WeftError(f"{self.opened.file}: field {name!r} of the run must be {rule}, not {shown(self.text(name))}")
