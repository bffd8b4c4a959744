"""One scalar stream for several inputs."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.topology import Network

__all__ = ["Deal"]


class Deal(wiring.Component):
    """Gives ``count`` outputs the beats of its input in turn. A beat with a stop ends a round.

    What is left of the round are zeros with the same stop, one a cycle; so all outputs get as many beats. With a count
    of 1 all beats go to output 0. Combinational from ``i`` to ``o`` and back.

    Parameters
    ----------
    spec
        Shape of a beat.
    outputs
        How many there are, at least 1.

    Members
    -------
    count : In
        Outputs that are used.
    clear : In(1)
        Forget a round that is begun; nothing is taken in this cycle.
    i : In(stream), o : Out(stream).array(outputs)
        Scalar beats.

    Raises
    ------
    ValueError
        ``outputs`` is less than 1.
    """

    def __init__(self, *, spec: FabricSpec, outputs: int) -> None:
        if outputs < 1:
            raise ValueError(f"outputs must be at least 1, not {outputs!r}")
        beats = beat_stream(spec, Network.SCALAR)
        self._outputs = outputs
        super().__init__(
            {"count": In(range(outputs + 1)), "clear": In(1), "i": In(beats), "o": Out(beats).array(outputs)}
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        turn, fills, moves, last = Signal(range(self._outputs)), Signal(), Signal(), Signal()
        stop = Signal.like(self.i.p.stop)
        now = Signal.like(stop)
        m.d.comb += [last.eq(turn + 1 >= self.count), now.eq(Mux(fills, stop, self.i.p.stop))]
        with m.Switch(turn):
            for number, output in enumerate(self.o):
                with m.Case(number):
                    m.d.comb += [
                        output.valid.eq((self.i.valid | fills) & ~self.clear),
                        output.p.data.eq(Mux(fills, 0, self.i.p.data)),
                        output.p.stop.eq(now),
                        output.p.void.eq(self.i.p.void & ~fills),
                        self.i.ready.eq(output.ready & ~fills & ~self.clear),
                        moves.eq(output.valid & output.ready),
                    ]
        with m.If(moves):
            m.d.sync += [turn.eq(Mux(last, 0, turn + 1)), fills.eq((now != 0) & ~last), stop.eq(now)]
        with m.If(self.clear):
            m.d.sync += [turn.eq(0), fills.eq(0)]
        return m
