"""The selectors of a merge that are data: examples of them, for the counts of beats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from weft.hw.program import Pcu
from weft.hw.program.firings.merge import blocks_in
from weft.hw.program.firings.process import Where
from weft.hw.program.firings.stream import NOTHING, Shape
from weft.hw.program.firings.unpacked import unpacked_of
from weft.hw.topology import Network

__all__ = ["SELECTOR", "with_selectors"]

SELECTOR: Where = (Network.SCALAR, 0)


def with_selectors(
    program: Pcu, given: Mapping[Where, Shape], selectors: Sequence[int], *, other_first: bool
) -> dict[Where, Shape]:
    """What a merge is given, with words of its selector.

    Where the launch does not decide them they are ``selectors``, again and again. If there are none, all blocks of
    input 0 come before those of input 1, with ``other_first`` after them.
    """
    selector = given[SELECTOR]
    if selector.value is not None:
        return dict(given)
    if not selectors:
        order = (1, 0) if other_first else (0, 1)
        streams = [given.get((Network.VECTOR, port), NOTHING) for port in (0, 1)]
        streams[0] = unpacked_of(program, streams[0]).shape if program.unpack else streams[0]
        blocks = [blocks_in(program, streams[port]) for port in order]
        selectors = [*np.repeat(order, blocks).tolist(), *[0] * len(selector)]
    words = np.zeros(len(selector), np.int64)
    words[~selector.void] = np.resize(selectors, int((~selector.void).sum()))
    return {**given, SELECTOR: replace(selector, value=words)}
