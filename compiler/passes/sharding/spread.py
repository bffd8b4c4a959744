"""How far a program is to be spread: what the sharding pass is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from weft.compiler.errors import WeftError

__all__ = ["MOST_SHARDS", "Spread"]

MOST_SHARDS = 64


@dataclass(frozen=True)
class Spread:
    """At most ``shards`` parts; of a tensor that ``tensors`` names, and what is cut along with it, at most so many.

    Raises
    ------
    WeftError
        A number that is not 1 to 64.
    """

    shards: int = 1
    tensors: Mapping[str, int] = field(default_factory=dict[str, int], hash=False)

    def __post_init__(self) -> None:
        for name, count in {"shards": self.shards, **{f"shards of @{k}": v for k, v in self.tensors.items()}}.items():
            if not 1 <= count <= MOST_SHARDS:
                raise WeftError(f"{name} must be 1 to {MOST_SHARDS}, not {count}")

    @classmethod
    def from_json(cls, text: str, name: str) -> Spread:
        """The plan in a JSON file ``name``: ``{"shards": 4, "tensors": {"keys": 2}}``.

        Raises
        ------
        WeftError
            Text that is no such object, or a number that is not 1 to 64.
        """
        form = '{"shards": N, "tensors": {NAME: N, ...}}'
        try:
            given = json.loads(text)
        except ValueError as error:
            raise WeftError(f"plan {name} must be JSON like {form}, but {error}") from None
        known = isinstance(given, dict) and set(given) <= {"shards", "tensors"} and "shards" in given
        tensors = given.get("tensors", {}) if known else None
        numbers = [given["shards"], *tensors.values()] if isinstance(tensors, dict) else []
        if not isinstance(tensors, dict) or not all(type(each) is int for each in numbers):
            raise WeftError(f"plan {name} must be JSON like {form}, with whole numbers")
        return cls(given["shards"], tensors)

    def of(self, tensor: str) -> int:
        """The most shards of a tensor."""
        return min(self.shards, self.tensors.get(tensor, self.shards))
