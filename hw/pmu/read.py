"""The read side of a PMU: addresses into beats."""

from __future__ import annotations

from amaranth.hdl import Assert, Cat, Format, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Port
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_layout, beat_stream
from weft.hw.stream.connect import connect_streams
from weft.hw.stream.queue import Queue
from weft.hw.topology import Network

from .nest import item_layout
from .scratchpad import scratchpad_members

__all__ = ["ReadSide"]

DEPTH = 4
"""Beats in an output queue; 3 hide the way from a read to the return of its credit."""


class ReadSide(wiring.Component):
    """Reads the line of each item, or a word of the lines from it on, or one word, and sends it as a beat.

    A beat a cycle, three cycles after its item. An item is read only if its beat has room in the output queue
    (credits), so nothing behind the read ever stalls.

    Parameters
    ----------
    spec
        Of the fabric.
    checks
        Assert in simulation that a queue always has the room it was thought to have.

    Members
    -------
    port : In(2)
        The network beats go to, see :class:`weft.hw.program.pmu.Port`.
    transposed : In(1)
        Vector beats go across the lines, see :mod:`weft.hw.program.pmu`.
    item : In(stream)
        See :func:`weft.hw.pmu.nest.item_layout`.
    read, read_line, read_word, read_across : Out
        To the scratchpad.
    read_data : In
        From the scratchpad, a cycle later.
    vector, scalar : Out(beat_stream)
        Beats read. From registers and the queues' read multiplexers.
    full : Out(1)
        No room for another beat.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        memory = {name: each.shape for name, each in scratchpad_members(spec).items()}
        super().__init__(
            {
                "port": In(2),
                "transposed": In(1),
                "item": In(stream.Signature(item_layout(spec))),
                "read": Out(1),
                "read_line": Out(memory["read_line"]),
                "read_word": Out(memory["read_word"]),
                "read_across": Out(1),
                "read_data": In(memory["read_data"]),
                "vector": Out(beat_stream(spec, Network.VECTOR)),
                "scalar": Out(beat_stream(spec, Network.SCALAR)),
                "full": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, item = self._spec, self.item.payload
        m.submodules.vector = vector = Queue(layout=beat_layout(spec, Network.VECTOR), depth=DEPTH)
        m.submodules.scalar = scalar = Queue(layout=beat_layout(spec, Network.SCALAR), depth=DEPTH)
        connect_streams(m, producer=vector.o, consumer=self.vector)
        connect_streams(m, producer=scalar.o, consumer=self.scalar)

        # One count for both queues: at a change of program one may still hold beats while the other fills.
        unsent = Signal(range(DEPTH + 1))
        issued, sent_vector, sent_scalar = Signal(), Signal(), Signal()
        m.d.comb += [
            self.full.eq(unsent == DEPTH),
            issued.eq(self.item.valid & ~self.full),
            sent_vector.eq(vector.o.valid & vector.o.ready),
            sent_scalar.eq(scalar.o.valid & scalar.o.ready),
        ]
        m.d.sync += unsent.eq(unsent + issued - sent_vector - sent_scalar)

        to_scalar, in_words = Signal(), Signal()
        word_bits = (spec.lanes - 1).bit_length()
        m.d.comb += [
            to_scalar.eq(self.port == Port.SCALAR.value),
            in_words.eq(to_scalar | self.transposed),
            self.item.ready.eq(~self.full),
            self.read.eq(issued & ~item.void),
            self.read_line.eq(Mux(in_words, item.address >> word_bits, item.address)),
            self.read_word.eq(Mux(in_words, item.address, 0)),
            self.read_across.eq(~to_scalar & self.transposed),
        ]

        # A beat across the lines shows those up to the block's end. That none is left means all of the scratchpad.
        left = Signal.like(self.read_line)
        shows = Signal(spec.lanes)
        m.d.comb += [
            left.eq(item.end - self.read_line),
            shows.eq(Cat(~self.read_across | (left > lane) | (left == 0) for lane in range(spec.lanes))),
        ]

        # The words come a cycle after their read; what else makes the beat waits for them here.
        comes, comes_scalar = Signal(), Signal()
        shown = Signal(spec.lanes)
        stop, void = Signal(spec.stop_bits), Signal()
        m.d.sync += comes.eq(issued)
        with m.If(issued):
            m.d.sync += [
                comes_scalar.eq(to_scalar),
                shown.eq(Mux(item.void, 0, shows)),
                stop.eq(item.stop),
                void.eq(item.void),
            ]
        m.d.comb += [
            vector.i.valid.eq(comes & ~comes_scalar),
            scalar.i.valid.eq(comes & comes_scalar),
            scalar.i.payload.data.eq(Mux(shown[0], self.read_data[0], 0)),
        ]
        m.d.comb += [
            vector.i.payload.data[lane].eq(Mux(shown[lane], self.read_data[lane], 0)) for lane in range(spec.lanes)
        ]
        for queue in (vector, scalar):
            m.d.comb += [queue.i.payload.stop.eq(stop), queue.i.payload.void.eq(void)]

        if self._checks:
            for queue, network in ((vector, "vector"), (scalar, "scalar")):
                with m.If(queue.i.valid):
                    m.d.sync += Assert(queue.i.ready, Format(f"a beat finds no room in the {network} queue"))
        return m
