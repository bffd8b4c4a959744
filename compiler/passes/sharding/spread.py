"""How far a program is to be spread: what the sharding pass is told."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.errors import WeftError
from weft.compiler.step.tensor import TensorOp

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
        try:
            given = json.loads(text)
        except ValueError as error:
            raise WeftError(f"plan {name} must be JSON, and is not: {error}") from None
        if not isinstance(given, dict) or set(given) - {"shards", "tensors"} or "shards" not in given:
            has = ", ".join(map(str, given)) if isinstance(given, dict) else "no fields"
            raise WeftError(
                f'plan {name} must have the fields "shards" and, if need be, "tensors", not {has or "none"}'
            )
        tensors = given.get("tensors", {})
        if not isinstance(tensors, dict):
            raise WeftError(f'"tensors" of plan {name} must be an object of a number for each name, not {tensors!r}')
        for field_name, count in {"shards": given["shards"], **tensors}.items():
            if type(count) is not int:
                raise WeftError(f'"{field_name}" of plan {name} must be a whole number, not {count!r}')
        return cls(given["shards"], tensors)

    def within(self, program: ModuleOp) -> Spread:
        """The same for a program that has only some of the tensors."""
        names = {op.label for op in program.ops if isinstance(op, TensorOp)}
        return Spread(self.shards, {name: count for name, count in self.tensors.items() if name in names})

    def of(self, tensor: str) -> int:
        """The most shards of a tensor."""
        return min(self.shards, self.tensors.get(tensor, self.shards))
