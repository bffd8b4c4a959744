"""What a merge of two streams refers to, as :mod:`weft.hw.program.pcu` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from weft.hw.program import Pcu
from weft.hw.program.firings.process import Side, Where
from weft.hw.program.firings.stream import Bools, Ints, Shape, Stops
from weft.hw.topology import Network

__all__ = ["Merged", "merged_of"]

_INPUTS: tuple[Where, Where] = ((Network.VECTOR, 0), (Network.VECTOR, 1))


@dataclass(frozen=True)
class Merged:
    """What a merge refers to: its steps, and of each step the input that gives its beat (-1: none, a void selector).

    Inputs ``without`` blocks give a beat that makes no step, which is counted to the last one.
    """

    steps: Shape
    chosen: Ints
    without: tuple[bool, bool] = (False, False)

    def side(self, where: Where, steps: int, last: Bools | None) -> Side:
        """One of the two inputs in the first ``steps``, packed where ``last`` ends a packed beat."""
        takes = self.chosen[:steps] == where[1]
        if self.without[where[1]]:
            takes[-1:] = True
        popped = int(takes.sum())
        total = popped if last is None else int(last[:popped].sum())

        def firings() -> tuple[Ints, Ints]:
            done = np.cumsum(takes, dtype=np.int64)
            needs = done
            if last is not None:
                whole = np.append(0, np.cumsum(last))
                needs, done = np.where(done > 0, whole[done - 1] + 1, 0), whole[done]
            return needs, done

        return Side(where, total, firings)


def merged_of(
    program: Pcu, streams: Mapping[Where, Shape], selectors: Sequence[int], *, other_first: bool
) -> Merged | None:
    """The steps of a merge; None without a selector. What follows the last end of a block is no whole block.

    Which input each block comes from is a launch argument, or in ``selectors``, again and again; else data decide it,
    and it is taken to be all of one input and then all of the other, of input 1 before input 0 with ``other_first``.
    """
    selector = streams.get((Network.SCALAR, 0))
    if selector is None:
        return None
    empty = Shape.of(np.zeros(0, np.uint8))
    inputs = [streams.get(where, empty) for where in _INPUTS]
    without = (_without_blocks(program, inputs[0]), _without_blocks(program, inputs[1]))
    inputs = [empty if none else each for none, each in zip(without, inputs, strict=True)]
    ends = [np.flatnonzero(each.stop >= program.merge_rank) + 1 for each in inputs]
    which = _order(selector, [len(each) for each in ends], selectors, other_first=other_first)
    begins = [np.append(0, each)[:-1] for each in ends]
    taken = [0, 0]
    parts: list[tuple[Stops, Bools, int]] = []
    number = 0
    for stop, void in zip(selector.stop.tolist(), selector.void.tolist(), strict=True):
        if void:
            parts.append((np.full(1, program.merge_rank + stop, np.uint8), np.ones(1, bool), -1))
            continue
        source = int(which[number]) if number < len(which) else 0
        number += 1
        place, known = taken[source], ends[source]
        taken[source] += 1
        whole = place < len(known)
        begin, end = (int(begins[source][place]), int(known[place])) if whole else (int(known[-1:].sum()), None)
        stops = inputs[source].stop[begin:end].copy()
        if whole:
            stops[-1] = program.merge_rank + stop
        parts.append((stops, inputs[source].void[begin:end], source))
        if not whole:
            break
    stops, voids, sources = zip(*parts, strict=True) if parts else ((), (), ())
    chosen = np.repeat(np.array(sources, np.int64), [len(each) for each in stops])
    steps = Shape(np.concatenate([empty.stop, *stops]), np.concatenate([empty.void, *voids]))
    return Merged(steps, chosen, without)


def _without_blocks(program: Pcu, beats: Shape) -> bool:
    """Whether an input is one beat that says that there is nothing."""
    alone = program.merge_empty and len(beats) == 1
    return bool(alone and beats.void[0] and beats.stop[0] > program.merge_rank)


def _order(selector: Shape, blocks: Sequence[int], selectors: Sequence[int], *, other_first: bool) -> Ints:
    """The input of each block."""
    count = int((~selector.void).sum())
    if selector.value is not None:
        return np.full(count, int(selector.value != 0))
    if selectors:
        return np.resize(np.asarray(selectors, np.int64), count)
    order = (1, 0) if other_first else (0, 1)
    return np.repeat(order, [blocks[each] for each in order])[:count]
