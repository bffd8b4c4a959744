"""What an AGCU takes from its vector input, to store it or to sink it."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Agcu, AgcuKind
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

__all__ = ["StoreInput"]


class StoreInput(wiring.Component):
    """Takes vector beats up to the one that ends the launch and makes of them the words to store.

    A beat a cycle, latency 1. With ``pack`` two beats become one of bf16 pairs: the upper halves of the first in the
    lower halves of the result, those of the second in the upper. A void beat makes nothing, but its stop pads.

    Parameters
    ----------
    spec
        Decides the shapes.

    Members
    -------
    program : In
        The AGCU's.
    begin, running : In(1)
        Of the :class:`weft.hw.agcu.sequencer.Sequencer`.
    beat : In(stream)
        Vector beats. ``ready`` depends on ``ready`` of ``words``.
    words : Out(stream)
        What is to be written, from registers.
    taken : Out(1)
        A beat has been taken in this cycle.
    starving : Out(1)
        A beat is waited for.
    ended : Out(1)
        The last beat has been taken and its words, too.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "program": In(program_layout(Agcu, spec)),
                "begin": In(1),
                "running": In(1),
                "beat": In(beat_stream(spec, Network.VECTOR)),
                "words": Out(stream.Signature(unsigned(32 * spec.lanes))),
                "taken": Out(1),
                "starving": Out(1),
                "ended": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        program, beat = self.program, self.beat.payload
        lanes = range(self._spec.lanes)

        last_taken, wanted, is_last = Signal(), Signal(), Signal()
        sink = program.kind == AgcuKind.SINK.value
        store = program.kind == AgcuKind.STORE.value
        m.d.comb += [
            wanted.eq(self.running & (store | sink) & ~last_taken),
            is_last.eq(beat.stop >= program.end_rank),
            self.beat.ready.eq(wanted & (~self.words.valid | self.words.ready)),
            self.taken.eq(self.beat.valid & self.beat.ready),
            self.starving.eq(wanted & ~self.beat.valid),
            self.ended.eq(self.running & last_taken & ~self.words.valid),
        ]

        # Lower halves of a pair whose second beat has not come.
        lower = Signal(16 * self._spec.lanes)
        has_lower, pads = Signal(), Signal()
        first, second, whole = Signal.like(lower), Signal.like(lower), Signal.like(self.words.payload)
        m.d.comb += [
            pads.eq(beat.stop.any() | is_last),
            first.eq(Mux(has_lower, lower, Cat(beat.data[lane][16:] for lane in lanes))),
            second.eq(Mux(has_lower & ~beat.void, Cat(beat.data[lane][16:] for lane in lanes), Const(0))),
            whole.eq(Cat(beat.data[lane] for lane in lanes)),
        ]
        pairs = Cat(Cat(first.word_select(lane, 16), second.word_select(lane, 16)) for lane in lanes)
        makes_words = Mux(program.pack, (has_lower & (pads | ~beat.void)) | (pads & ~beat.void), ~beat.void)

        with m.If(self.words.ready):
            m.d.sync += self.words.valid.eq(0)
        with m.If(self.taken):
            m.d.sync += last_taken.eq(is_last)
            with m.If(makes_words & store):
                m.d.sync += [
                    self.words.valid.eq(1),
                    self.words.payload.eq(Mux(program.pack, pairs, whole)),
                    has_lower.eq(0),
                ]
            with m.Elif(program.pack & ~beat.void):
                m.d.sync += [has_lower.eq(1), lower.eq(first)]
        with m.If(self.begin):
            m.d.sync += [last_taken.eq(0), has_lower.eq(0)]
        return m
