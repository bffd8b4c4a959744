"""Tokens that a consumer must pay back."""

from __future__ import annotations

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["CreditGate"]


class CreditGate(wiring.Component):
    """Lets a token pass for each credit it has; the consumer of the token returns the credit when done.

    With as many credits as the consumer has buffers, a token that has passed never waits for room (Plasticine,
    ISCA 2017). Latency 0, a token every cycle; a credit returned now can be used from the next cycle on. ``o.valid``
    never depends on ``o.ready``.

    Parameters
    ----------
    layout
        Shape of a token's payload.
    credits
        Credits at reset, which is also the most there ever are; at least 1.

    Members
    -------
    i : In(stream.Signature(layout))
        Tokens that wait for credit.
    o : Out(stream.Signature(layout))
        Tokens paid for.
    credit : In(1)
        One credit comes back in this cycle. Never more than were taken.

    Raises
    ------
    ValueError
        ``credits`` is less than 1.
    """

    def __init__(self, *, layout: ShapeLike, credits: int) -> None:
        if credits < 1:
            raise ValueError(f"credits must be at least 1, not {credits}")
        self._credits = credits
        super().__init__({"i": In(stream.Signature(layout)), "o": Out(stream.Signature(layout)), "credit": In(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        left = Signal(range(self._credits + 1), init=self._credits)
        spent = Signal()
        m.d.comb += [
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(self.i.valid & (left != 0)),
            self.i.ready.eq(self.o.ready & (left != 0)),
            spent.eq(self.o.valid & self.o.ready),
        ]
        with m.If(spent & ~self.credit):
            m.d.sync += left.eq(left - 1)
        with m.Elif(self.credit & ~spent):
            m.d.sync += left.eq(left + 1)
        return m
