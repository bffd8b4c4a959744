"""Which beats make a step."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Pcu
from weft.hw.program.pcu import InputMode, Source
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

from .step import vector_layout

__all__ = ["Gather"]


class Gather(wiring.Component):
    """Watches the heads of the input queues, says when a step has all it needs, and pops what the step uses up.

    Combinational and without state. Modes, merge and the reference are those of `weft.hw.program.pcu`.

    Parameters
    ----------
    spec
        Number of inputs and shape of their beats.

    Members
    -------
    program : In(program_layout(Pcu, spec))
        The program; vector input 0 is unpacked already.
    vector, scalar : In(stream).array()
        Heads of the queues.
    take : In(1)
        The step is taken in this cycle; only while ``available``.
    configured : Out(1)
        The program has a reference, so that steps can ever be.
    available : Out(1)
        All beats of the next step are there.
    stop, void : Out
        Of the reference beat.
    registers, scalars : Out().array()
        What the step begins with; zero where there is no input.
    missing : Out(vector_inputs + scalar_inputs)
        Inputs that the next step waits for; vector inputs first.
    present : Out(1)
        An input that the next step uses holds a beat.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        super().__init__(
            {
                "program": In(program_layout(Pcu, spec)),
                "vector": In(beat_stream(spec, Network.VECTOR)).array(spec.vector_inputs),
                "scalar": In(beat_stream(spec, Network.SCALAR)).array(spec.scalar_inputs),
                "take": In(1),
                "configured": Out(1),
                "available": Out(1),
                "stop": Out(spec.stop_bits),
                "void": Out(1),
                "registers": Out(vector_layout(spec)).array(spec.vector_inputs),
                "scalars": Out(32).array(spec.scalar_inputs),
                "missing": Out(spec.vector_inputs + spec.scalar_inputs),
                "present": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        merge = self.program.merge
        can_merge = self.spec.vector_inputs > 1
        choice, no_block = Signal(), Signal()
        block_stop = Signal.like(self.stop)
        m.d.comb += [
            choice.eq(self.scalar[0].p.data != 0),
            no_block.eq(self.scalar[0].p.void),
            block_stop.eq(self.program.merge_rank + self.scalar[0].p.stop),
        ]

        needs: list[Value] = []
        haves: list[Value] = []
        for is_vector, streams in ((True, self.vector), (False, self.scalar)):
            for number, head in enumerate(streams):
                settings = (self.program.vector if is_vector else self.program.scalar)[number]
                source = Source(number) if is_vector else Source.scalar(number)
                name = f"{'vector' if is_vector else 'scalar'}_{number}"
                uses = Signal(name=f"{name}_uses")
                pops = Signal(name=f"{name}_pops")
                has_mode = settings.mode != InputMode.OFF
                m.d.comb += [
                    uses.eq(has_mode),
                    pops.eq((settings.mode == InputMode.EACH) | (has_mode & (self.stop >= settings.hold_rank))),
                    head.ready.eq(self.take & uses & pops),
                ]
                with m.If(~merge & (self.program.reference == source)):
                    m.d.comb += [self.stop.eq(head.p.stop), self.void.eq(head.p.void), self.configured.eq(has_mode)]
                loaded = self.registers[number] if is_vector else self.scalars[number]
                with m.If(has_mode):
                    m.d.comb += Value.cast(loaded).eq(Value.cast(head.p.data))

                there = head.valid
                if can_merge and is_vector and number < 2:
                    # An input without blocks says so with one beat, which no selector will ever ask for.
                    without = Signal(name=f"{name}_without_blocks")
                    m.d.comb += without.eq(
                        merge
                        & self.program.merge_empty
                        & head.valid
                        & head.p.void
                        & (head.p.stop > self.program.merge_rank)
                    )
                    with m.If(without):
                        m.d.comb += head.ready.eq(1)
                    there = head.valid & ~without
                    chosen = self.scalar[0].valid & (choice == number) & ~no_block
                    ends = head.p.stop >= self.program.merge_rank
                    with m.If(merge):
                        m.d.comb += [uses.eq(chosen), pops.eq(1)]
                        m.d.comb += Value.cast(loaded).eq(0)
                    with m.If(merge & (choice == number)):
                        m.d.comb += [self.stop.eq(Mux(ends, block_stop, head.p.stop)), self.void.eq(head.p.void)]
                if can_merge and not is_vector and number == 0:
                    with m.If(merge):
                        m.d.comb += [
                            uses.eq(1),
                            pops.eq(self.stop >= self.program.merge_rank),
                            self.configured.eq(1),
                            loaded.eq(0),
                        ]
                needs.append(uses)
                haves.append(there)

        if can_merge:
            with m.If(merge & no_block):
                m.d.comb += [self.stop.eq(block_stop), self.void.eq(1)]
            with m.Elif(merge):
                first, second = (Value.cast(head.p.data) for head in (self.vector[0], self.vector[1]))
                register = Value.cast(self.registers[0])
                with m.If(choice):
                    m.d.comb += register.eq(second)
                with m.Else():
                    m.d.comb += register.eq(first)

        m.d.comb += [
            self.missing.eq(Cat(*needs) & ~Cat(*haves)),
            self.present.eq((Cat(*needs) & Cat(*haves)).any()),
            self.available.eq(self.configured & (self.missing == 0)),
        ]
        return m
