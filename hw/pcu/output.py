"""From the end of the pipeline to the output ports."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, flipped

from weft.hw.program import Pcu
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_layout, beat_stream
from weft.hw.stream.connect import connect_streams
from weft.hw.stream.fork import EagerFork
from weft.hw.stream.queue import Queue
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

from .step import result_signature

__all__ = ["Output"]

_DEPTH = 2  # a result can leave every cycle without a combinational path from a port's ready


class Output(wiring.Component):
    """Changes the stop of a result as the program says and sends it to the outputs in use, each as soon as it has room.

    Latency 1, a result every cycle. ``ready`` comes from registers alone. With no output in use, results vanish.

    Parameters
    ----------
    spec
        Shape of the beats.

    Members
    -------
    program : In(program_layout(Pcu, spec))
        The program.
    i : In(result_signature)
        The result.
    ready : Out(1)
        It is taken in this cycle.
    vector, scalar : Out(stream)
        Beats; the scalar is lane 0.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        super().__init__(
            {
                "program": In(program_layout(Pcu, spec)),
                "i": In(result_signature(spec)),
                "ready": Out(1),
                "vector": Out(beat_stream(spec, Network.VECTOR)),
                "scalar": Out(beat_stream(spec, Network.SCALAR)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        program = self.program
        changed_stop = Signal.like(self.i.stop)
        m.d.comb += changed_stop.eq(
            Mux(self.i.stop >= program.stop_rank, self.i.stop - program.stop_sub + program.stop_add, self.i.stop)
        )
        m.submodules.fork = fork = EagerFork(layout=beat_layout(self.spec, Network.VECTOR), outputs=2)
        m.d.comb += [
            fork.i.valid.eq(self.i.valid),
            Value.cast(fork.i.p.data).eq(Value.cast(self.i.data)),
            fork.i.p.stop.eq(changed_stop),
            fork.i.p.void.eq(self.i.void),
            self.ready.eq(fork.i.ready),
        ]
        for network, port, branch, used in (
            (Network.VECTOR, self.vector, fork.o[0], program.vector_out),
            (Network.SCALAR, self.scalar, fork.o[1], program.scalar_out),
        ):
            queue = Queue(layout=beat_layout(self.spec, network), depth=_DEPTH)
            m.submodules[network.value] = queue
            words = Value.cast(queue.i.p.data)
            m.d.comb += [
                queue.i.valid.eq(branch.valid & used),
                branch.ready.eq(queue.i.ready | ~used),
                words.eq(Value.cast(branch.p.data)[: len(words)]),
                queue.i.p.stop.eq(branch.p.stop),
                queue.i.p.void.eq(branch.p.void),
            ]
            connect_streams(m, producer=queue.o, consumer=flipped(port))
        return m
