"""A two-entry buffer that cuts every combinational path through a stream."""

from __future__ import annotations

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["SkidBuffer"]


class SkidBuffer(wiring.Component):
    """Registers a stream both ways: ``i.ready``, ``o.valid`` and ``o.payload`` come from registers alone.

    Latency 1, accepts a beat every cycle. Two entries are what a hop needs to run at full rate without a
    combinational ready (Zhang et al., ISCA 2019). A beat that meets an empty or leaving head is written there and
    nowhere else, so that an idle buffer costs a simulator nothing.

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
        head = Signal(self._layout, reset_less=True)
        spare = Signal(self._layout, reset_less=True)
        head_valid = Signal()
        spare_valid = Signal()
        m.d.comb += [self.o.payload.eq(head), self.o.valid.eq(head_valid), self.i.ready.eq(~spare_valid)]

        with m.If(self.o.ready | ~head_valid):
            with m.If(spare_valid):
                m.d.sync += [head.eq(spare), spare_valid.eq(0)]
            with m.Else():
                m.d.sync += head_valid.eq(self.i.valid)
                with m.If(self.i.valid):
                    m.d.sync += head.eq(self.i.payload)
        with m.Elif(self.i.valid & ~spare_valid):
            m.d.sync += [spare.eq(self.i.payload), spare_valid.eq(1)]
        return m
