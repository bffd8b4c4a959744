"""A two-entry buffer that cuts every combinational path through a stream."""

from __future__ import annotations

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """Registers a stream both ways: no output depends on an input within a cycle.

    Latency 1, accepts a beat every cycle. Two entries are what a hop needs to run at full rate without a
    combinational ready (Zhang et al., ISCA 2019). ``o.valid`` and ``i.ready`` are registers themselves,
    ``o.payload`` is one of two entries.

    A beat is written once and never moved, so that an idle buffer costs a simulator next to nothing.

    Parameters
    ----------
    layout
        Shape of the payload.

    Members
    -------
    i : In(stream.Signature(layout))
        Beats to pass.
    o : Out(stream.Signature(layout))
        The same beats.
    """

    def __init__(self, *, layout: ShapeLike) -> None:
        self._layout = layout
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout))})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.entries = entries = Memory(shape=self._layout, depth=2, init=[])
        write = entries.write_port()
        read = entries.read_port(domain="comb")

        any_kept = Signal()
        room = Signal(init=1)
        write_at = Signal()
        read_at = Signal()
        pushed = Signal()
        popped = Signal()
        m.d.comb += [
            self.i.ready.eq(room),
            self.o.valid.eq(any_kept),
            self.o.payload.eq(read.data),
            pushed.eq(self.i.valid & room),
            popped.eq(any_kept & self.o.ready),
            write.addr.eq(write_at),
            write.data.eq(self.i.payload),
            write.en.eq(pushed),
            read.addr.eq(read_at),
        ]
        m.d.sync += [
            write_at.eq(write_at ^ pushed),
            read_at.eq(read_at ^ popped),
            any_kept.eq(pushed | ~room | (any_kept & ~popped)),
            room.eq(popped | ~any_kept | (room & ~pushed)),
        ]
        return m
