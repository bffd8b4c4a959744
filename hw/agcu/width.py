"""Between channel beats and vector beats."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Narrow", "Widen"]


def _check(narrow: int, wide: int) -> None:
    if narrow < 1 or wide % narrow or (wide // narrow) & (wide // narrow - 1):
        raise ValueError(f"wide must be a power of two times narrow = {narrow} bits, not {wide}")


class Widen(wiring.Component):
    """Puts narrow beats together, the first lowest. Takes a beat every cycle, always; the last one makes the wide beat
    in the same cycle.

    Parameters
    ----------
    narrow, wide
        Bits of the beats.

    Members
    -------
    narrow : In(stream), always ready
    wide : Out(stream)
        Must be taken at once.

    Raises
    ------
    ValueError
        ``wide`` is not a power of two times ``narrow``.
    """

    def __init__(self, *, narrow: int, wide: int) -> None:
        _check(narrow, wide)
        self._parts = wide // narrow
        super().__init__(
            {
                "narrow": In(stream.Signature(unsigned(narrow))),
                "wide": Out(stream.Signature(unsigned(wide))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.d.comb += self.narrow.ready.eq(1)
        if self._parts == 1:
            m.d.comb += [self.wide.valid.eq(self.narrow.valid), self.wide.payload.eq(self.narrow.payload)]
            return m
        phase = Signal(range(self._parts))
        kept = Signal(len(self.wide.payload) - len(self.narrow.payload))
        joined = Cat(kept, self.narrow.payload)
        m.d.comb += [self.wide.valid.eq(self.narrow.valid & phase.all()), self.wide.payload.eq(joined)]
        with m.If(self.narrow.valid):
            m.d.sync += [phase.eq(phase + 1), kept.eq(joined[len(self.narrow.payload) :])]
        return m


class Narrow(wiring.Component):
    """Takes wide beats apart, the lowest part first. A narrow beat every cycle, latency 1.

    Parameters
    ----------
    wide, narrow
        Bits of the beats.

    Members
    -------
    wide : In(stream)
        ``ready`` depends on ``ready`` of ``narrow``.
    narrow : Out(stream)
        From registers.

    Raises
    ------
    ValueError
        ``wide`` is not a power of two times ``narrow``.
    """

    def __init__(self, *, wide: int, narrow: int) -> None:
        _check(narrow, wide)
        self._parts = wide // narrow
        super().__init__(
            {"wide": In(stream.Signature(unsigned(wide))), "narrow": Out(stream.Signature(unsigned(narrow)))}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        kept = Signal(len(self.wide.payload))
        left = Signal(range(self._parts + 1))
        width = len(self.narrow.payload)
        m.d.comb += [
            self.narrow.valid.eq(left != 0),
            self.narrow.payload.eq(kept[:width]),
            self.wide.ready.eq((left == 0) | ((left == 1) & self.narrow.ready)),
        ]
        with m.If(self.narrow.valid & self.narrow.ready):
            m.d.sync += [left.eq(left - 1), kept.eq(kept >> width)]
        with m.If(self.wide.valid & self.wide.ready):
            m.d.sync += [left.eq(self._parts), kept.eq(self.wide.payload)]
        return m
