"""The read side of a PMU, as :mod:`weft.hw.program.pmu` says: its runs over the blocks that the write side gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weft.hw.program.firings.nest import Loop, Nest, Walk
from weft.hw.program.firings.pmu_write import Blocks
from weft.hw.program.firings.process import RING, Process, Side, Where
from weft.hw.program.firings.stream import NOTHING, Bools, Ints, Shape, Stops
from weft.hw.program.pmu import Pmu, Port, Trigger
from weft.hw.topology import Network

__all__ = ["Read", "read_of", "trigger_of"]


def trigger_of(program: Pmu) -> Where | None:
    """The input whose beats start runs."""
    if program.read is Port.OFF or program.trigger is Trigger.BLOCK:
        return None
    return (Network.SCALAR, 1) if program.trigger.by_scalar else (Network.CONTROL, 0)


@dataclass(frozen=True)
class Read:
    """The runs of the read side, those over nothing with a length of 0 in ``walk``.

    ``block`` is the block that each reads, ``outer`` its outer stop, ``frees`` whether it gives the buffer back, and
    ``address`` what is added to its offset, [runs]; None where a reader does not know it.
    """

    program: Pmu
    block: Ints
    outer: Stops
    frees: Bools
    address: Ints | None
    walk: Walk

    @property
    def freed(self) -> int:
        """Buffers given back."""
        return int(self.frees.sum())

    @property
    def needed(self) -> int:
        """Buffers that it looks at."""
        return int(self.block[-1]) + 1 if len(self.block) else 0

    @property
    def outputs(self) -> dict[Network, Shape]:
        """The stream at each output that is used."""
        outputs = {Network[self.program.read.name]: self.walk.shape}
        if self.program.control_out:
            outputs[Network.CONTROL] = Shape.of(self.outer)
        return outputs

    @property
    def process(self) -> Process:
        """Its firings: a beat each, and one before each run that something starts or that sends a control beat."""
        where, network = trigger_of(self.program), Network[self.program.read.name]
        begins_apart = where is not None or self.program.control_out
        runs, beats = len(self.block), self.walk.sizes
        total, after = self.walk.beats + begins_apart * runs, self.walk.after + begins_apart * np.arange(1, runs + 1)

        def run() -> Ints:
            return np.repeat(np.arange(runs), beats + begins_apart)

        def ring() -> tuple[Ints, Ints]:
            last = np.zeros(total, bool)
            last[after - 1] = self.frees
            return self.block[run()] + 1, self.block[run()] + last

        def begun() -> tuple[Ints, Ints]:
            return run() + 1, run() + 1

        def sends() -> Bools:
            each = np.ones(total, bool)
            if begins_apart:
                each[after - beats - 1] = False
            return each

        def cycles() -> Ints:
            # A run is begun while the last beat of the one before is read.
            each = np.ones(total, np.int64)
            each[after - 1] = 0
            return each

        takes = [Side(RING, self.freed, ring)]
        if where is not None:
            takes.append(Side(where, runs, begun))
        gives = [Side.of((network, 0), self.walk.beats, sends)]
        if self.program.control_out:
            gives.append(Side((Network.CONTROL, 0), runs, begun))
        return Process(total, tuple(takes), tuple(gives), cycles if begins_apart else None)


def read_of(program: Pmu, blocks: Blocks | None, trigger: Shape | None, *, lanes: int) -> Read:
    """The runs of a PMU with ``lanes`` lanes over these blocks, which beats of ``trigger`` start.

    There are as many runs as there are blocks for. Without ``blocks`` it is taken to find as many as it needs. With
    ``Trigger.LENGTH`` the words of the trigger must be known.
    """
    values = None
    if program.trigger is Trigger.BLOCK:
        assert blocks is not None
        block, outer = np.arange(len(blocks.outer)), blocks.outer
        frees, void = np.ones(len(block), bool), np.zeros(len(block), bool)
    else:
        trigger = NOTHING if trigger is None else trigger
        frees = trigger.stop >= program.free_rank
        block = np.cumsum(frees, dtype=np.int64) - frees
        count = len(block) if blocks is None else int(np.searchsorted(block, len(blocks.outer)))
        block, frees, outer = block[:count], frees[:count], trigger.stop[:count]
        void = trigger.void[:count] & program.trigger.by_scalar
        values = trigger.values()
    address: Ints | None = np.zeros(len(block), np.int64)
    levels = tuple(Loop(max(1, level.bound), level.stride, level.rank) for level in program.levels) or (Loop(1, 0, 0),)
    length = np.full(len(block), levels[0].count)
    if program.trigger is Trigger.LENGTH:
        assert values is not None
        length = np.maximum(0, values[: len(block)])
    elif program.by_length and blocks is not None:
        length = blocks.kept[block]
        if program.transposed and program.read is Port.VECTOR:
            length = -(-program.lines_filled(length, lanes=lanes) // lanes)
    if program.trigger is Trigger.ADDRESS:
        address = None if values is None else values[: len(block)]
    if blocks is not None:
        void = void | (blocks.kept[block] == 0)
    walk = Walk(Nest(levels), np.where(void, 0, length), outer + np.uint8(program.read_rank))
    return Read(program, block, outer, frees, address, walk)
