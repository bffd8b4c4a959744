"""Which runs of the nest an AGCU makes in a launch."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Agcu, AgcuKind
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

from .nest import job_layout

__all__ = ["Jobs"]


class Jobs(wiring.Component):
    """Makes the jobs of a turn: one for each part of a load, one after the other for a store, one for each index.

    A job a cycle; an index takes one cycle through the multiplier. A store whose nest is empty has no jobs.

    Parameters
    ----------
    spec
        Decides the shapes.

    Members
    -------
    program : In
        The AGCU's.
    base : In(address_bits)
        Address of a nest in vector beats, without the index.
    begin, running : In(1)
        Of the :class:`weft.hw.agcu.sequencer.Sequencer`.
    empty : In(1)
        A bound of the nest is 0.
    index : In(stream)
        Scalar beats; taken up to one with a stop of at least ``end_rank``, and only with ``indexed``.
    job : Out(stream)
        Jobs.
    over : Out(1)
        No job will come any more in this launch.
    starving : Out(1)
        An index is waited for.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._address_bits = spec.address_bits
        super().__init__(
            {
                "program": In(program_layout(Agcu, spec)),
                "base": In(spec.address_bits),
                "begin": In(1),
                "running": In(1),
                "empty": In(1),
                "index": In(beat_stream(spec, Network.SCALAR)),
                "job": Out(stream.Signature(job_layout(spec))),
                "over": Out(1),
                "starving": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        program, index = self.program, self.index.payload
        store, sink = Signal(), Signal()
        m.d.comb += [
            store.eq(program.kind == AgcuKind.STORE.value),
            sink.eq(program.kind == AgcuKind.SINK.value),
        ]

        # The last job has been given (nothing indexed), or the last index been taken.
        last = Signal()
        with m.If(self.begin):
            m.d.sync += last.eq(sink)

        offset, offset_valid = Signal(self._address_bits), Signal()
        stop, void = Signal.like(index.stop), Signal()
        with m.If(program.indexed):
            m.d.comb += [
                self.job.valid.eq(offset_valid),
                self.job.payload.base.eq(self.base + offset),
                self.job.payload.stop.eq(program.nest_rank + stop),
                self.job.payload.void.eq(void),
                self.index.ready.eq(self.running & ~last & (~offset_valid | self.job.ready)),
                self.starving.eq(self.running & ~last & ~self.index.valid),
                self.over.eq(last & ~offset_valid),
            ]
        with m.Else():
            never = store & self.empty
            m.d.comb += [
                self.job.valid.eq(self.running & ~last & ~never),
                self.job.payload.base.eq(self.base),
                self.job.payload.stop.eq(program.end_rank),
                self.over.eq(last | never),
            ]
            given = self.job.valid & self.job.ready & ~store
            with m.If(given):
                m.d.sync += last.eq(1)
            self._parts(m, given, last)

        with m.If(self.job.ready):
            m.d.sync += offset_valid.eq(0)
        with m.If(self.index.valid & self.index.ready):
            m.d.sync += [
                offset.eq(index.data.as_signed() * program.index_stride),
                # An empty dimension of indices, or of the nest, has nowhere to store to.
                offset_valid.eq(~((index.void | self.empty) & store)),
                stop.eq(index.stop),
                void.eq(index.void),
                last.eq(index.stop >= program.end_rank),
            ]
        return m

    def _parts(self, m: Module, given: Value, last: Signal) -> None:
        """The nests of a load that follow the first one."""
        parts = self.program.parts
        part = Signal(range(len(parts) + 1))
        with m.If(self.begin):
            m.d.sync += part.eq(0)
        with m.Elif(given):
            m.d.sync += part.eq(part + 1)
        m.d.comb += self.job.payload.part.eq(part)
        for number, each in enumerate(parts):
            with m.If(given & (part == number) & each.beats.any()):
                m.d.sync += last.eq(0)
            with m.If(part == number + 1):
                m.d.comb += self.job.payload.base.eq(self.base + each.offset)
