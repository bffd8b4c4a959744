"""A PCU, as :mod:`weft.hw.program.pcu` says: which of its steps take and give a beat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program.firings.accumulate import Blocks
from weft.hw.program.firings.header import Header, header_of
from weft.hw.program.firings.process import ACCUMULATOR_CYCLES, Process, Side, Where
from weft.hw.program.firings.stream import Bools, Ints, Shape
from weft.hw.program.firings.wide import Wide, wide_of
from weft.hw.program.pcu import Accumulate, Pcu, Source, Stage
from weft.hw.topology import Network

__all__ = ["PcuFirings", "firings_of"]


@dataclass(frozen=True)
class PcuFirings:
    """What a PCU does with its inputs.

    ``header`` makes its steps, ``blocks`` say where they stand, if stages accumulate; ``output`` is the stream that
    leaves the tail.
    """

    program: Pcu
    header: Header | Wide
    blocks: Blocks | None
    output: Shape

    @property
    def taken(self) -> dict[Where, int]:
        """Beats of each input that are taken."""
        if isinstance(self.header, Wide):
            return self.header.taken
        return {where: take.total for where, take in self.header.takes.items()}

    @property
    def outputs(self) -> dict[Network, Shape]:
        """The stream at each output that is used."""
        used = [(Network.VECTOR, self.program.vector_out), (Network.SCALAR, self.program.scalar_out)]
        return {network: self.output for network, on in used if on}

    @property
    def process(self) -> Process:
        """Its firings: the steps, and the drain steps after each block.

        A step needs room for a result even if it gives none, because a result at the pipeline's end without room stops
        the header.
        """
        if isinstance(self.header, Wide):
            return self.header.process
        accumulate, blocks = self.program.accumulate, self.blocks
        takes, firings = tuple(take.side for take in self.header.takes.values()), len(self.header.steps)
        drains = blocks.drains if blocks is not None and accumulate is Accumulate.DRAIN else None
        if drains is not None:
            firings += len(drains.stop)
            takes = tuple(drains.follow(side) for side in takes)

        def gives() -> Bools:
            if blocks is None or accumulate is Accumulate.SCAN:
                return np.ones(firings, bool)
            return blocks.ends if drains is None else drains.is_drain

        def cycles() -> Ints:
            assert blocks is not None
            alone = blocks.alone if drains is None else drains.of_firings(blocks.alone)
            return np.where(alone, ACCUMULATOR_CYCLES, 1)

        outputs = tuple(Side.of((network, 0), len(self.output), gives, needs=True) for network in self.outputs)
        return Process(firings, takes, outputs, None if blocks is None else cycles)


def firings_of(program: Pcu, given: Mapping[Where, Shape]) -> PcuFirings:
    """What a PCU does with these streams. The words of a merge's selector are known."""
    header = wide_of(program, given) if program.unpack.is_wide else header_of(program, given)
    steps, blocks = header.steps, None
    stop, void = steps.stop, steps.void
    if program.accumulate is not Accumulate.OFF:
        blocks = Blocks(program, stop)
    if blocks is not None and program.accumulate is not Accumulate.SCAN:
        stop = stop[blocks.ends] if program.accumulate is Accumulate.REDUCE else blocks.drains.stop
        stop = stop[: len(header.drain_beats)] if isinstance(header, Wide) else stop
        void = np.zeros(len(stop), bool)
    stop = np.where(stop >= program.stop_rank, stop - program.stop_sub + program.stop_add, stop).astype(np.uint8)
    return PcuFirings(program, header, blocks, Shape(stop, void, _passed(program, given)))


def _passed(program: Pcu, given: Mapping[Where, Shape]) -> int | None:
    """What a PCU sends where it only passes a scalar on that a launch decides."""
    first, *others = program.stages or (Stage(),)
    if program.accumulate is not Accumulate.OFF or program.merge or first.op is not Op.PASS or first.dst:
        return None
    if any(each != Stage() for each in others) or first.a < Source.SCALAR0:
        return None
    if (program.reduction, program.special, program.conversion) != (Reduction.NONE, Special.NONE, Conversion.NONE):
        return None
    number = given.get((Network.SCALAR, first.a - Source.SCALAR0))
    return number.value if number is not None and isinstance(number.value, int) else None
