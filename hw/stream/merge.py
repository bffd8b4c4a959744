"""Many streams to one, chosen block by block."""

from __future__ import annotations

from amaranth.hdl import Module, Shape
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Merge"]


class Merge(wiring.Component):
    """Passes whole blocks of the inputs in the order in which ``select`` names them (STeP's Reassemble).

    A block ends with a beat whose ``stop`` is at least ``rank``; with it the selector is popped. Inputs not selected
    are not touched. Latency 0, a beat every cycle, also across the edge of two blocks.

    Parameters
    ----------
    layout
        Payload of inputs and output, with a field ``stop``.
    inputs
        Number of inputs, at least 2.

    Members
    -------
    rank : In(stop's shape)
        Rank that ends a block; stable while beats flow.
    select : In(stream.Signature(range(inputs)))
        Input of the next block; must be less than ``inputs``.
    i : In(stream.Signature(layout)).array(inputs)
        Streams to choose from.
    o : Out(stream.Signature(layout))
        The blocks.

    Raises
    ------
    ValueError
        ``inputs`` is less than 2, or ``layout`` has no field ``stop``.
    """

    def __init__(self, *, layout: data.StructLayout, inputs: int) -> None:
        if inputs < 2:
            raise ValueError(f"inputs must be at least 2, not {inputs}")
        if "stop" not in layout.members:
            raise ValueError(f"layout must have a field 'stop', not {layout!r}")
        super().__init__(
            {
                "rank": In(Shape.cast(layout.members["stop"])),
                "select": In(stream.Signature(Shape.cast(range(inputs)))),
                "i": In(stream.Signature(layout)).array(inputs),
                "o": Out(stream.Signature(layout)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        with m.Switch(self.select.payload):
            for index, each in enumerate(self.i):
                with m.Case(index):
                    m.d.comb += [
                        self.o.payload.eq(each.payload),
                        self.o.valid.eq(each.valid & self.select.valid),
                        each.ready.eq(self.o.ready & self.select.valid),
                    ]
        ends = self.o.payload.stop >= self.rank
        m.d.comb += self.select.ready.eq(self.o.valid & self.o.ready & ends)
        return m
