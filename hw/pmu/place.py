"""The loop nest of a PMU's write side: where the next beat of a block goes."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import WRITE_LEVELS, Pmu
from weft.hw.spec import FabricSpec
from weft.hw.tile.unit import program_layout

__all__ = ["WriteNest"]


class WriteNest(wiring.Component):
    """Walks the write levels, and around them a level without end, a beat a cycle.

    Like :class:`weft.hw.pmu.nest.Nest` each level keeps the address at which its current iteration began. It counts
    upwards, so that a program that comes when no block is begun finds it ready. A bound of 0 is 1.

    Parameters
    ----------
    spec
        Decides the widths.

    Members
    -------
    levels, stride : In
        ``write_levels`` and ``write_stride`` of the program.
    step : In(1)
        The beat is written: go to the next one.
    restart : In(1)
        Go to the first beat of a block; ``step`` is then not looked at.
    address : Out
        Line or word of the beat from the buffer's start, modulo a power of two larger than the scratchpad.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        program = program_layout(Pmu, spec)
        super().__init__(
            {
                "levels": In(program["write_levels"].shape),
                "stride": In(program["write_stride"].shape),
                "step": In(1),
                "restart": In(1),
                "address": Out(program["write_to"].shape),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        at = [Signal.like(self.address, name=f"at_{level}") for level in range(WRITE_LEVELS + 1)]
        done = [Signal.like(self.levels[level].bound, name=f"done_{level}") for level in range(WRITE_LEVELS)]

        # The lowest level that does not end goes one iteration on; those inside it begin there anew.
        moved = Signal.like(self.address)
        inner_end = Signal(WRITE_LEVELS + 1)
        m.d.comb += [self.address.eq(at[0]), moved.eq(at[-1] + self.stride), inner_end[0].eq(1)]
        for level, index in enumerate(done):
            m.d.comb += inner_end[level + 1].eq(inner_end[level] & (index + 1 >= self.levels[level].bound))
        for level in reversed(range(WRITE_LEVELS)):
            with m.If(~inner_end[level + 1]):
                m.d.comb += moved.eq(at[level] + self.levels[level].stride)

        with m.If(self.restart):
            m.d.sync += [signal.eq(0) for signal in (*at, *done)]
        with m.Elif(self.step):
            for level, address in enumerate(at):
                with m.If(inner_end[level]):
                    m.d.sync += address.eq(moved)
                    if level < WRITE_LEVELS:
                        m.d.sync += done[level].eq(Mux(inner_end[level + 1], 0, done[level] + 1))
        return m
