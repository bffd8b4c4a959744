"""The steps of a merge of two streams, as :mod:`weft.hw.program.pcu` says of ``merge``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.hw.program.firings.stream import NOTHING, Bools, Ints, Shape, Stops
from weft.hw.program.pcu import Pcu

__all__ = ["Merged", "blocks_in", "makes_steps", "merged_of"]


@dataclass(frozen=True)
class Merged:
    """What a merge refers to: its steps, and of each the input that gives its beat (-1: none, a void selector)."""

    steps: Shape
    port: Ints


def makes_steps(program: Pcu, beats: Shape) -> Bools:
    """Which beats of input 0 or 1 are not popped without a step, [beats]."""
    if not program.merge_empty:
        return np.ones(len(beats), bool)
    return ~(beats.void & (beats.stop > program.merge_rank))


def blocks_in(program: Pcu, beats: Shape) -> int:
    """Whole blocks of input 0 or 1."""
    return int(((beats.stop >= program.merge_rank) & makes_steps(program, beats)).sum())


def merged_of(program: Pcu, inputs: Sequence[Shape], selector: Shape) -> Merged:
    """The steps of two inputs without the beats that make none, and a selector whose words are known.

    What follows the last end of a block is no whole block, and the last to be taken.
    """
    values = selector.values()
    assert values is not None
    ends = [np.flatnonzero(each.stop >= program.merge_rank) + 1 for each in inputs]
    begin, number = [0, 0], [0, 0]
    parts: list[tuple[Stops, Bools, int]] = []
    for word, outer, void in zip(values.tolist(), selector.stop.tolist(), selector.void.tolist(), strict=True):
        last = program.merge_rank + outer
        if void:
            parts.append((np.full(1, last, np.uint8), np.ones(1, bool), -1))
            continue
        port = int(word != 0)
        beats, whole = inputs[port], number[port] < len(ends[port])
        end = int(ends[port][number[port]]) if whole else len(beats)
        stops = beats.stop[begin[port] : end].copy()
        if whole:
            stops[-1] = last
        parts.append((stops, beats.void[begin[port] : end], port))
        begin[port], number[port] = end, number[port] + 1
        if not whole:
            break
    stops, voids, ports = zip(*parts, strict=True) if parts else ((), (), ())
    port = np.repeat(np.array(ports, np.int64), [len(each) for each in stops])
    return Merged(Shape(np.concatenate([NOTHING.stop, *stops]), np.concatenate([NOTHING.void, *voids])), port)
