"""Two bf16 vectors from every packed beat."""

from __future__ import annotations

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.topology import Network

__all__ = ["UnpackPairs", "first_half", "second_half"]


def first_half(packed: Value) -> Value:
    """The low half of each word, as a bf16."""
    # Shifted as one wide word: what comes over from the neighbouring lane falls into the half that is cut off.
    return (packed << 16)[: len(packed)] & _upper_halves(packed)


def second_half(packed: Value) -> Value:
    """The high half of each word, as a bf16."""
    return packed & _upper_halves(packed)


def _upper_halves(packed: Value) -> Value:
    return Const(int("FFFF0000" * (len(packed) // 32), 16), len(packed))


class UnpackPairs(wiring.Component):
    """Makes two beats of every packed beat: the low, then the high half of each word, as a bf16.

    Combinational from ``i`` to ``o`` and back; a beat every cycle. The stop goes with the last beat of the two. A void
    beat makes one.

    Parameters
    ----------
    spec
        Shape of a beat.

    Members
    -------
    enable : In(1)
        Beats are packed; else they pass as they are.
    both : In(1)
        Packed beats pass as they are: a step takes both halves.
    odd : In(1)
        A packed beat with a stop holds one vector only, in its low halves.
    clear : In(1)
        Forget a beat that is half used.
    i : In(stream), o : Out(stream)
        Vector beats.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        beats = beat_stream(spec, Network.VECTOR)
        super().__init__(
            {"enable": In(1), "both": In(1), "odd": In(1), "clear": In(1), "i": In(beats), "o": Out(beats)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        packed = Value.cast(self.i.p.data)
        second = Signal()
        last, splits = Signal(), Signal()
        m.d.comb += splits.eq(self.enable & ~self.both)
        m.d.comb += last.eq(~splits | second | self.i.p.void | (self.odd & (self.i.p.stop != 0)))

        halves = Mux(second, second_half(packed), first_half(packed))
        m.d.comb += [
            self.o.valid.eq(self.i.valid),
            self.i.ready.eq(self.o.ready & last),
            self.o.p.data.eq(Mux(splits, halves, packed)),
            self.o.p.stop.eq(Mux(last, self.i.p.stop, 0)),
            self.o.p.void.eq(self.i.p.void),
        ]
        with m.If(self.clear):
            m.d.sync += second.eq(0)
        with m.Elif(self.o.valid & self.o.ready):
            m.d.sync += second.eq(~last)
        return m
