"""A deep queue in memory."""

from __future__ import annotations

from amaranth.hdl import Module, ShapeLike, Value
from amaranth.lib import fifo, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Buffer"]


class Buffer(wiring.Component):
    """A first in, first out queue in block memory: a beat a cycle each way, latency 2, all outputs from registers.

    Parameters
    ----------
    layout
        Shape of the payload.
    depth
        Beats it holds.

    Members
    -------
    i : In(stream)
    o : Out(stream)

    Raises
    ------
    ValueError
        ``depth`` below 2.
    """

    def __init__(self, *, layout: ShapeLike, depth: int) -> None:
        if depth < 2:
            raise ValueError(f"depth must be at least 2, not {depth}")
        self._depth = depth
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        width = len(Value.cast(self.i.payload))
        m.submodules.fifo = queue = fifo.SyncFIFOBuffered(width=width, depth=self._depth)
        m.d.comb += [
            queue.w_data.eq(self.i.payload),
            queue.w_en.eq(self.i.valid),
            self.i.ready.eq(queue.w_rdy),
            self.o.payload.eq(queue.r_data),
            self.o.valid.eq(queue.r_rdy),
            queue.r_en.eq(self.o.ready),
        ]
        return m
