"""The token that the write side of a PMU gives to the read side: a filled buffer."""

from __future__ import annotations

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, fifo, stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Pmu
from weft.hw.spec import FabricSpec
from weft.hw.tile.unit import program_layout

__all__ = ["BlockQueue", "block_layout"]


def block_layout(spec: FabricSpec) -> data.StructLayout:
    """Beats that the block has kept, the lines that they fill, and its outer stop."""
    count = program_layout(Pmu, spec)["write_to"].shape
    return data.StructLayout({"kept": count, "lines": count, "outer": unsigned(spec.stop_bits)})


class BlockQueue(wiring.Component):
    """The blocks handed over and not yet given back, oldest first.

    Latency 2, a block in and a block out every cycle. It has room for as many blocks as the scratchpad has lines, so
    the producer never waits for it.

    Parameters
    ----------
    spec
        Decides widths and depth.

    Members
    -------
    i : In(stream.Signature(block_layout(spec)))
        Blocks just filled.
    o : Out(stream.Signature(block_layout(spec)))
        The oldest block.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._depth = spec.pmu_lines
        self._layout = block_layout(spec)
        super().__init__({"i": In(stream.Signature(self._layout)), "o": Out(stream.Signature(self._layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        # One more for the output register, so that the memory inside has a power of two of words.
        m.submodules.queue = queue = fifo.SyncFIFOBuffered(width=self._layout.size, depth=self._depth + 1)
        m.d.comb += [
            queue.w_data.eq(self.i.payload.as_value()),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            self.o.payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        return m
