"""The header: from input beats to steps."""

from __future__ import annotations

from amaranth.hdl import Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, flipped

from hw.program import Pcu
from hw.spec import FabricSpec
from hw.stream.beat import beat_layout, beat_stream
from hw.stream.connect import connect_streams
from hw.stream.queue import Queue
from hw.tile.unit import program_layout
from hw.topology import Network

from .gather import Gather
from .sequencer import Sequencer
from .step import control_layout, vector_layout
from .unpack import Unpack

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
    valid : Out(1), control : Out(control_layout)
        The step issued in this cycle.
    registers, scalars : Out().array()
        Data of the step's input beats.
    missing : Out(vector_inputs + scalar_inputs)
        Inputs without the beat that the next step needs; vector inputs first. 0 if the next step is a drain, or if
        there can be none.
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
                "valid": Out(1),
                "control": Out(control_layout(spec)),
                "registers": Out(vector_layout(spec)).array(spec.vector_inputs),
                "scalars": Out(32).array(spec.scalar_inputs),
                "missing": Out(spec.vector_inputs + spec.scalar_inputs),
                "unfinished": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.gather = gather = Gather(spec=self.spec)
        m.submodules.sequencer = sequencer = Sequencer(spec=self.spec)
        m.submodules.unpack = unpack = Unpack(spec=self.spec)
        for network, streams, heads in (
            (Network.VECTOR, self.vector, gather.vector),
            (Network.SCALAR, self.scalar, gather.scalar),
        ):
            for number, (beats, head) in enumerate(zip(streams, heads, strict=True)):
                queue = Queue(layout=beat_layout(self.spec, network), depth=self.spec.fifo_depth)
                m.submodules[f"{network.value}_{number}"] = queue
                connect_streams(m, producer=flipped(beats), consumer=queue.i)
                if network is Network.VECTOR and number == 0:
                    connect_streams(m, producer=queue.o, consumer=unpack.i)
                    connect_streams(m, producer=unpack.o, consumer=head)
                else:
                    connect_streams(m, producer=queue.o, consumer=head)

        m.d.comb += [
            unpack.enable.eq(self.program.unpack),
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
            self.valid.eq(sequencer.valid),
            self.control.eq(sequencer.control),
            self.unfinished.eq(gather.present | ~sequencer.resting),
        ]
        for word, gathered in zip([*self.registers, *self.scalars], [*gather.registers, *gather.scalars], strict=True):
            m.d.comb += Value.cast(word).eq(Value.cast(gathered))
        with m.If(gather.configured & ~sequencer.draining):
            m.d.comb += self.missing.eq(gather.missing)
        return m
