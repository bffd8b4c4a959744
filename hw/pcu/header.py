"""The header: from input beats to steps."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, flipped

from weft.hw.numerics.format import ONE
from weft.hw.program import Pcu, Unpack
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_layout, beat_stream
from weft.hw.stream.connect import connect_streams
from weft.hw.stream.queue import Queue
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

from .deal import Deal
from .gather import Gather
from .sequencer import Sequencer
from .step import step_signature
from .unpack import UnpackPairs, first_half, second_half
from .wide import Wide

__all__ = ["Header"]


class Header(wiring.Component):
    """Queues the beats of every input and issues at most one step a cycle, of input beats or for a drain.

    Latency 1, that of the queues; there is no combinational path from a stream's input.

    Parameters
    ----------
    spec
        Inputs, depth of their queues, accumulators.

    Members
    -------
    program : In(program_layout(Pcu, spec))
        The program.
    launch : In(1)
        Begin anew; nothing is issued in this cycle.
    advance : In(1)
        The body moves; without it nothing is issued.
    vector, scalar : In(stream).array()
        Beats.
    o : Out(step_signature)
        The step issued in this cycle, with what it begins with: data of input beats, or for a drain. Rows of small
        weights are still as :class:`Wide` has them.
    missing : Out(vector_inputs + scalar_inputs)
        Inputs without the beat that the next step needs; vector inputs first. 0 if the next step is a drain that takes
        none, or if there can be none.
    unfinished : Out(1)
        A block is begun, or some of the beats of the next step are there.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        super().__init__(
            {
                "program": In(program_layout(Pcu, spec)),
                "launch": In(1),
                "advance": In(1),
                "vector": In(beat_stream(spec, Network.VECTOR)).array(spec.vector_inputs),
                "scalar": In(beat_stream(spec, Network.SCALAR)).array(spec.scalar_inputs),
                "o": Out(step_signature(spec)),
                "missing": Out(spec.vector_inputs + spec.scalar_inputs),
                "unfinished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.gather = gather = Gather(spec=self.spec)
        m.submodules.sequencer = sequencer = Sequencer(spec=self.spec)
        m.submodules.unpack = unpack = UnpackPairs(spec=self.spec)
        queues: dict[Network, list[Queue]] = {}
        for network, heads in ((Network.VECTOR, gather.vector), (Network.SCALAR, gather.scalar)):
            queues[network] = [Queue(layout=beat_layout(self.spec, network), depth=self.spec.fifo_depth) for _ in heads]
            for number, (queue, head) in enumerate(zip(queues[network], heads, strict=True)):
                m.submodules[f"{network.value}_{number}"] = queue
                if network is Network.VECTOR:
                    connect_streams(m, producer=flipped(self.vector[number]), consumer=queue.i)
                if network is Network.SCALAR or number:
                    connect_streams(m, producer=queue.o, consumer=head)
        connect_streams(m, producer=queues[Network.VECTOR][0].o, consumer=unpack.i)

        m.d.comb += [
            unpack.enable.eq(self.program.unpack == Unpack.BF16),
            unpack.both.eq(self.program.unpack_both),
            unpack.odd.eq(self.program.unpack_odd),
            unpack.clear.eq(self.launch),
            gather.program.eq(self.program),
            gather.take.eq(sequencer.take),
            sequencer.program.eq(self.program),
            sequencer.launch.eq(self.launch),
            sequencer.advance.eq(self.advance),
            sequencer.available.eq(gather.available),
            sequencer.stop.eq(gather.stop),
            sequencer.void.eq(gather.void),
            self.o.valid.eq(sequencer.valid),
            self.o.control.eq(sequencer.control),
            self.unfinished.eq(gather.present | ~sequencer.resting),
        ]
        with m.If(~sequencer.draining):
            m.d.comb += [
                Value.cast(out).eq(Value.cast(word))
                for out, word in zip(self.o.registers, gather.registers, strict=False)
            ]
            m.d.comb += [out.eq(word) for out, word in zip(self.o.scalars, gather.scalars, strict=True)]
            if self.spec.registers > 1:
                packed = Value.cast(gather.registers[0])
                with m.If(self.program.unpack_both):
                    m.d.comb += [
                        Value.cast(self.o.registers[0]).eq(first_half(packed)),
                        Value.cast(self.o.registers[1]).eq(second_half(packed)),
                    ]
        with m.Else():
            m.d.comb += [scalar.eq(ONE) for scalar in self.o.scalars]
        with m.If(gather.configured & ~sequencer.draining):
            m.d.comb += self.missing.eq(gather.missing)

        if not Unpack.INT8.fits(self.spec):
            connect_streams(m, producer=unpack.o, consumer=gather.vector[0])
            for beats, queue in zip(self.scalar, queues[Network.SCALAR], strict=True):
                connect_streams(m, producer=flipped(beats), consumer=queue.i)
            m.d.comb += sequencer.drainable.eq(1)
            return m
        self._add_wide(m, unpack, gather, sequencer, queues[Network.SCALAR])
        return m

    def _add_wide(
        self, m: Module, unpack: UnpackPairs, gather: Gather, sequencer: Sequencer, scalar: list[Queue]
    ) -> None:
        """Steps of several rows: what makes them of the beats, and a scalar input that feeds several queues."""
        width, drains = Signal(range(Unpack.MXFP4.width + 1)), Signal()
        with m.Switch(self.program.unpack):
            for format in (Unpack.INT8, Unpack.MXFP4):
                with m.Case(format):
                    m.d.comb += width.eq(format.width)
        m.submodules.wide = wide = Wide(spec=self.spec)
        connect_streams(m, producer=unpack.o, consumer=wide.i)
        connect_streams(m, producer=wide.o, consumer=gather.vector[0])
        m.d.comb += [
            drains.eq(sequencer.draining & self.program.drain_scale),
            wide.format.eq(self.program.unpack),
            wide.row.eq(self.program.unpack_row),
            wide.clear.eq(self.launch),
            wide.raw.eq(drains),
            wide.take_raw.eq(sequencer.valid & drains),
            sequencer.drainable.eq(~self.program.drain_scale | wide.i.valid),
        ]
        with m.If(drains):
            m.d.comb += [Value.cast(self.o.registers[1]).eq(Value.cast(wide.i.p.data)), self.missing.eq(~wide.i.valid)]

        outputs = Unpack.MXFP4.width if Unpack.MXFP4.fits(self.spec) else Unpack.INT8.width
        m.submodules.deal = deal = Deal(spec=self.spec, outputs=outputs)
        connect_streams(m, producer=flipped(self.scalar[0]), consumer=deal.i)
        m.d.comb += [deal.clear.eq(self.launch), deal.count.eq(Mux(width == 0, 1, width))]
        for number, (beats, queue) in enumerate(zip(self.scalar, scalar, strict=True)):
            dealt = deal.o[number] if number < outputs else None
            if dealt is None:
                connect_streams(m, producer=flipped(beats), consumer=queue.i)
            elif number == 0:
                connect_streams(m, producer=dealt, consumer=queue.i)
            else:
                own = number >= width
                m.d.comb += [
                    queue.i.valid.eq(Mux(own, beats.valid, dealt.valid)),
                    queue.i.payload.eq(Mux(own, Value.cast(beats.payload), Value.cast(dealt.payload))),
                    dealt.ready.eq(queue.i.ready),
                    beats.ready.eq(own & queue.i.ready),
                ]
            with m.If(width == number + 1):
                m.d.comb += wide.row_stop.eq(queue.o.p.stop)
        with m.If((width != 0) & ~sequencer.draining):
            # All queues that are dealt to wait for scalar input 0.
            vectors, dealt_to = self.spec.vector_inputs, Mux(width == 2, 0b11, 0b1111)
            waits = (gather.missing[vectors:] & dealt_to).any()
            m.d.comb += self.missing.eq(Cat(gather.missing[:vectors], waits) & gather.configured.replicate(vectors + 1))
