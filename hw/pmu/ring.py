"""Where the buffers of a PMU begin."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from hw.program import Pmu
from hw.spec import FabricSpec
from hw.tile.unit import program_layout

__all__ = ["Ring"]


class Ring(wiring.Component):
    """Walks round the ``blocks`` buffers of ``block_lines`` lines and shows where the current one begins.

    By addition and comparison, so neither number need be a power of two. A step takes effect in the next cycle.

    Parameters
    ----------
    spec
        Decides the widths.

    Members
    -------
    blocks, block_lines : In
        As in the program.
    step : In(1)
        Go to the next buffer.
    reset : In(1)
        Go to line 0.
    line : Out(range(pmu_lines))
        First line of the current buffer.
    next_line : Out(range(pmu_lines))
        First line of the one after it.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        program = program_layout(Pmu, spec)
        super().__init__(
            {
                "blocks": In(program["blocks"].shape),
                "block_lines": In(program["block_lines"].shape),
                "step": In(1),
                "reset": In(1),
                "line": Out(range(spec.pmu_lines)),
                "next_line": Out(range(spec.pmu_lines)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number = Signal.like(self.blocks)
        next_number = Signal.like(self.blocks)
        last = Signal()
        m.d.comb += [
            next_number.eq(number + 1),
            # Not an equality: a new program may have a shorter ring than the position that was kept.
            last.eq(next_number >= self.blocks),
            self.next_line.eq(Mux(last, 0, self.line + self.block_lines)),
        ]
        with m.If(self.reset):
            m.d.sync += [number.eq(0), self.line.eq(0)]
        with m.Elif(self.step):
            m.d.sync += [number.eq(Mux(last, 0, next_number)), self.line.eq(self.next_line)]
        return m
