"""One stream to many consumers."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["EagerFork"]


class EagerFork(wiring.Component):
    """Gives every beat to every output, each as soon as that output takes it.

    Latency 0; accepts a beat every cycle if all outputs are ready. A slow output holds up the next beat but not this
    one at the others (eager, as in latency-insensitive design), so a fork cannot deadlock against a join. ``o.valid``
    never depends on any ``o.ready``; ``i.ready`` does.

    Parameters
    ----------
    layout
        Shape of the payload.
    outputs
        Number of outputs, at least 1.

    Members
    -------
    i : In(stream.Signature(layout))
        Beats in.
    o : Out(stream.Signature(layout)).array(outputs)
        Copies.

    Raises
    ------
    ValueError
        ``outputs`` is less than 1.
    """

    def __init__(self, *, layout: ShapeLike, outputs: int) -> None:
        if outputs < 1:
            raise ValueError(f"outputs must be at least 1, not {outputs}")
        self._outputs = outputs
        signature = stream.Signature(layout)
        super().__init__({"i": In(signature), "o": Out(signature).array(outputs)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        sent = Signal(self._outputs)
        taken = Signal(self._outputs)
        m.d.comb += [
            taken.eq(sent | Cat(output.valid & output.ready for output in self.o)),
            self.i.ready.eq(taken.all()),
        ]
        for index, output in enumerate(self.o):
            m.d.comb += [output.payload.eq(self.i.payload), output.valid.eq(self.i.valid & ~sent[index])]
        with m.If(self.i.ready):
            m.d.sync += sent.eq(0)
        with m.Else():
            m.d.sync += sent.eq(taken)
        return m
