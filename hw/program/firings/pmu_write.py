"""The write side of a PMU, as :mod:`weft.hw.program.pmu` says: which beats are kept, which blocks are handed over."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weft.hw.program.firings.process import RING, Process, Side, Where
from weft.hw.program.firings.stream import Bools, Ints, Shape, Stops
from weft.hw.program.pmu import Pmu, Port
from weft.hw.topology import Network

__all__ = ["Blocks", "Written", "write_port", "written_of"]


def write_port(program: Pmu) -> Where | None:
    """The input whose beats are kept."""
    return None if program.write is Port.OFF else (Network[program.write.name], 0)


@dataclass(frozen=True)
class Blocks:
    """The outer stop of each block, and the beats kept in it, [blocks]."""

    outer: Stops
    kept: Ints


@dataclass(frozen=True)
class Written:
    """What becomes of the beats that arrive. Block 0 is the one that has begun before them.

    ``block`` is the one that each beat belongs to, ``keep`` and ``ends`` say which are kept and which end a block,
    [beats]. ``outer`` is the outer stop of each block that ends, [blocks]. ``chosen`` says which blocks are handed
    over, ``kept`` how many beats are kept in each, those before included, [blocks + 1]: the last is for the block that
    has not ended, of which ``counted`` beats have come.
    """

    program: Pmu
    block: Ints
    keep: Bools
    ends: Bools
    outer: Stops
    chosen: Bools
    kept: Ints
    counted: int

    @property
    def blocks(self) -> Blocks:
        """Those that are handed over."""
        given = self.chosen[:-1]
        return Blocks(self.outer[given], self.kept[:-1][given])

    def process(self, held: int = 0) -> Process:
        """Its firings: each beat is one, and a beat that ends a block gives its buffer.

        Any beat needs a free buffer. ``held`` buffers are full from the turn or launch before.
        """
        port = write_port(self.program)
        assert port is not None
        hands_over = self.ends & self.chosen[self.block]

        ring = Side.of(RING, int(hands_over.sum()), lambda: hands_over, needs=True, held=held)
        return Process(len(self.ends), (Side.each(port, len(self.ends)),), (ring,))


def written_of(program: Pmu, beats: Shape, *, number: int = 0, counted: int = 0, begun: int = 0) -> Written:
    """What becomes of these beats.

    Parameters
    ----------
    number
        Blocks that have ended since the launch began.
    counted, begun
        Beats counted, and kept, of the block that has begun.
    """
    ends = beats.stop >= program.write_rank
    block = np.cumsum(ends, dtype=np.int64) - ends
    blocks = int(ends.sum())
    counts = ~beats.void
    before = np.cumsum(counts, dtype=np.int64) - counts
    begins = np.append(before, counts.sum())[np.flatnonzero(np.append(True, ends))]
    begins[0] = -counted
    chosen = np.ones(blocks + 1, bool)
    if program.period:
        place = (number + np.arange(blocks + 1)) % program.period
        chosen = (place >= program.block_from) & (place < program.block_to)
    index = before - begins[block]
    keep = counts & chosen[block] & (index >= program.write_from)
    if program.write_to:
        keep &= index < program.write_to
    kept = np.bincount(block[keep], minlength=blocks + 1).astype(np.int64)
    kept[0] += begun
    outer = beats.stop[ends] - np.uint8(program.write_rank)
    return Written(program, block, keep, ends, outer, chosen, kept, int(counts.sum() - begins[blocks]))
