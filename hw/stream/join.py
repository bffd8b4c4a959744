"""Many streams to one that moves when all of them can."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth.hdl import Cat, Module, ShapeLike
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Join"]


class Join(wiring.Component):
    """Pairs up beats (STeP's Zip): a beat of the output holds one beat of every input.

    Latency 0, a beat every cycle. ``o.valid`` never depends on ``o.ready``; an input's ready depends on the
    other inputs' valid, so feed a join from registers or from an eager fork, never from a stream that waits for ready.

    Parameters
    ----------
    layouts
        Names and payload shapes of the inputs; no input may be called ``o``.

    Members
    -------
    (name) : In(stream.Signature(layouts[name]))
        An input for each name.
    o : Out(stream.Signature(StructLayout(layouts)))
        The pairs.

    Raises
    ------
    ValueError
        No inputs, or one called ``o``.
    """

    def __init__(self, *, layouts: Mapping[str, ShapeLike]) -> None:
        if not layouts:
            raise ValueError("layouts must name at least one input, not none")
        if "o" in layouts:
            raise ValueError("layouts must not name an input 'o', which is the output")
        self._names = tuple(layouts)
        super().__init__(
            {
                **{name: In(stream.Signature(shape)) for name, shape in layouts.items()},
                "o": Out(stream.Signature(data.StructLayout(dict(layouts)))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        inputs = {name: getattr(self, name) for name in self._names}
        m.d.comb += self.o.valid.eq(Cat(each.valid for each in inputs.values()).all())
        for name, each in inputs.items():
            m.d.comb += [self.o.payload[name].eq(each.payload), each.ready.eq(self.o.valid & self.o.ready)]
        return m
