"""What a merge of two streams refers to, as :mod:`weft.hw.program.pcu` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from weft.compiler.backend.buffering.beats import Bools, Ints, Shape
from weft.compiler.backend.buffering.process import Side, Where
from weft.hw.program import Pcu
from weft.hw.topology import Network

__all__ = ["Merged", "merged_of"]


@dataclass(frozen=True)
class Merged:
    """What a merge refers to: its steps, the input that all selectors choose, and which steps take a beat of it."""

    steps: Shape
    where: Where
    takes: Bools

    def side(self, steps: int, last: Bools | None) -> Side:
        """The chosen input in the first ``steps``, packed where ``last`` ends a packed beat.

        A void selector's step neither takes nor needs a beat of it.
        """
        takes = self.takes[:steps]
        popped = int(takes.sum())
        total = popped if last is None else int(last[:popped].sum())

        def firings() -> tuple[Ints, Ints]:
            done = np.cumsum(takes, dtype=np.int64)
            needs = done
            if last is not None:
                whole = np.append(0, np.cumsum(last))
                needs, done = np.where(done > 0, whole[done - 1] + 1, 0), whole[done]
            return needs, done

        return Side(self.where, total, firings)


def merged_of(program: Pcu, streams: Mapping[Where, Shape]) -> Merged | None:
    """The steps of a merge; None if data decide."""
    selector = streams.get((Network.SCALAR, 0))
    if selector is None or selector.value is None:
        return None
    where: Where = (Network.VECTOR, int(selector.value != 0))
    chosen = streams.get(where)
    if chosen is None:
        if not selector.void.all():
            return None
        chosen = Shape.of(np.zeros(0, np.int8))
    # Blocks that selectors choose, and a void step for each void selector; what follows the last end is no whole block.
    ends = np.flatnonzero(chosen.stop >= program.merge_rank) + 1
    blocks = ~selector.void
    number = np.cumsum(blocks)
    whole = int(np.searchsorted(number, len(ends), side="right"))  # selectors up to the first without a whole block
    sizes = np.ones(len(selector), np.int64)
    sizes[:whole][blocks[:whole]] = np.diff(ends, prepend=0)[: number[whole - 1] if whole else 0]
    if whole < len(selector):
        sizes[whole] = len(chosen) - (ends[-1] if len(ends) else 0)
    sizes = sizes[: whole + 1]
    takes = np.repeat(blocks[: len(sizes)], sizes)
    stop, void = np.zeros(len(takes), np.int8), np.ones(len(takes), bool)
    used = int(takes.sum())
    stop[takes], void[takes] = chosen.stop[:used], chosen.void[:used]
    stop[np.cumsum(sizes)[:whole] - 1] = program.merge_rank + selector.stop[:whole]
    return Merged(Shape(stop, void), where, takes)
