"""From the numbers of small weights to fp32, between header and body."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Unpack
from weft.hw.spec import FabricSpec

from .convert import from_e2m1, from_int8
from .step import step_signature

__all__ = ["Widen"]


class Widen(wiring.Component):
    """Makes rows of fp32, one a register, of what `weft.hw.pcu.wide` puts into register 0; a drain step stays as it is.

    A rigid pipeline: a step every cycle, latency 1. With a format whose steps have one row it is bypassed: then the
    latency is 0 and it never moves. The register is in front, so that while it stands still nothing behind it changes.

    Parameters
    ----------
    spec
        Registers and inputs; ``Unpack.INT8`` fits.

    Members
    -------
    format : In(Unpack)
        What the weights are.
    i : In(step_signature), o : Out(step_signature)
        Steps. Registers beyond the step's width are zero.
    active : Out(1)
        There is something to move.
    """

    latency = 1

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        steps = step_signature(spec)
        super().__init__({"format": In(Unpack), "i": In(steps), "o": Out(steps), "active": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        formats = [each for each in (Unpack.INT8, Unpack.MXFP4) if each.fits(self.spec)]
        wide, valid = Signal(), Signal()
        for each in formats:
            with m.If(self.format == each):
                m.d.comb += wide.eq(1)
        m.d.sync += valid.eq(self.i.valid & wide)
        m.d.comb += [self.active.eq((self.i.valid & wide) | valid), self.o.valid.eq(Mux(wide, valid, self.i.valid))]

        step = step_signature(self.spec).create(path=("step",))
        words = ([each.control, *each.scalars, *each.registers] for each in (self.i, step, self.o))
        for now, held, out in zip(*(map(Value.cast, each) for each in words), strict=True):
            m.d.sync += held.eq(now)
            m.d.comb += out.eq(Mux(wide, held, now))
        for number, out in enumerate(self.o.registers):
            for each in formats:
                with m.If((self.format == each) & ~step.control.drain):
                    m.d.comb += Value.cast(out).eq(0)
                    if number < each.width:
                        m.d.comb += [
                            out[lane].eq(self._number(m, each, number, Value.cast(word)))
                            for lane, word in enumerate(step.registers[0])
                        ]
        return m

    def _number(self, m: Module, form: Unpack, row: int, word: Value) -> Value:
        if form is Unpack.INT8:
            return from_int8(m, word.word_select(row, 8))
        return from_e2m1(m, word.word_select(row, 4), word[16:24])
