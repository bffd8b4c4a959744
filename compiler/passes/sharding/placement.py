"""How a stream is spread over shards: whole, cut along a dimension, or as terms of a reduction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from weft.compiler.step.accum import Reduction

__all__ = ["WHOLE", "Cut", "Partial", "Placement", "cuts_of"]


@dataclass(frozen=True)
class Cut:
    """Shard ``k`` has the indices from ``bounds[k]`` to ``bounds[k + 1]`` of dimension ``dim``."""

    dim: int
    bounds: tuple[int, ...]

    @property
    def shards(self) -> int:
        """How many parts there are."""
        return len(self.bounds) - 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """The size of each part along the dimension."""
        return tuple(end - begin for begin, end in zip(self.bounds, self.bounds[1:], strict=False))

    def along(self, dim: int, times: int = 1) -> Cut:
        """The same cut along another dimension, of which ``times`` indices belong to each of this one's."""
        return Cut(dim, tuple(bound * times for bound in self.bounds))


@dataclass(frozen=True)
class Partial:
    """Each shard has a term of every element, from its part of the first operand; ``reduction`` combines them."""

    reduction: Reduction
    cut: Cut


Placement: TypeAlias = Cut | Partial | None
WHOLE = None
"""One stream, which all shards may take: a multicast."""


def cuts_of(dim: int, size: int, shards: int) -> list[Cut]:
    """Cuts of a dimension into at most so many parts, as even as possible: in blocks of each divisor of its size."""
    found: list[Cut] = []
    for block in range(1, size // 2 + 1):
        if size % block:
            continue
        blocks = size // block
        parts = min(shards, blocks)
        found.append(Cut(dim, tuple(block * (blocks * part // parts) for part in range(parts + 1))))
    return list(dict.fromkeys(found))
