"""The first register of the body."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import FabricSpec

from .step import step_signature

__all__ = ["Load"]


class Load(wiring.Component):
    """Puts a step that was issued before the first stage.

    A rigid pipeline: a step every cycle, latency 1.

    Parameters
    ----------
    spec
        Registers and inputs.

    Members
    -------
    keeps : In(registers)
        Registers that matter; the others stand still.
    i : In(step_signature), o : Out(step_signature)
        The step.
    active : Out(1)
        There is something to move.
    """

    latency = 1

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        steps = step_signature(spec)
        super().__init__({"keeps": In(spec.registers), "i": In(steps), "o": Out(steps), "active": Out(1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        valid = Signal()
        control = Signal.like(self.i.control, reset_less=True)
        m.d.sync += [valid.eq(self.i.valid), control.eq(self.i.control)]
        m.d.comb += [self.o.valid.eq(valid), self.o.control.eq(control), self.active.eq(self.i.valid | valid)]

        for number, (word, loaded) in enumerate(zip(self.i.registers, self.o.registers, strict=True)):
            held = Signal(len(Value.cast(word)), name=f"register_{number}", reset_less=True)
            m.d.comb += Value.cast(loaded).eq(held)
            with m.If(self.keeps[number]):
                m.d.sync += held.eq(Value.cast(word))
        for number, (scalar, loaded) in enumerate(zip(self.i.scalars, self.o.scalars, strict=True)):
            held = Signal(len(scalar), name=f"scalar_{number}", reset_less=True)
            m.d.sync += held.eq(scalar)
            m.d.comb += loaded.eq(held)
        return m
