"""A FIFO of beats."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Shape, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Queue"]


class Queue(wiring.Component):
    """Keeps up to ``depth`` beats in order and shows the oldest (first word falls through).

    Latency 1. Accepts a beat every cycle while not full; with ``depth >= 2`` a producer and a consumer that never
    wait run at full rate, with depth 1 at half of it, because ``i.ready`` never depends on ``o.ready``. ``o.valid`` and
    ``i.ready`` come from registers, ``o.payload`` from registers through the read multiplexer.

    Beats lie still in a memory with a moving read pointer, which is cheaper to simulate than shifting them and
    becomes distributed RAM on an FPGA.

    Parameters
    ----------
    layout
        Shape of the payload, at least 1 bit.
    depth
        Beats kept; need not be a power of two.

    Members
    -------
    i : In(stream.Signature(layout))
        Beats in.
    o : Out(stream.Signature(layout))
        The same beats.
    level : Out(range(depth + 1))
        Beats kept now.

    Raises
    ------
    TypeError
        ``depth`` is not an integer.
    ValueError
        ``depth`` is less than 1, or ``layout`` is empty.
    """

    def __init__(self, *, layout: ShapeLike, depth: int) -> None:
        if not isinstance(depth, int):
            raise TypeError(f"depth must be an integer, not {depth!r}")
        if depth < 1:
            raise ValueError(f"depth must be at least 1, not {depth}")
        if Shape.cast(layout).width == 0:
            raise ValueError(f"layout must be at least 1 bit wide, not {layout!r}")
        self._layout = layout
        self._depth = depth
        super().__init__(
            {
                "i": In(stream.Signature(layout)),
                "o": Out(stream.Signature(layout)),
                "level": Out(range(depth + 1)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        pushed = Signal()
        popped = Signal()
        level = Signal.like(self.level)
        m.d.comb += [
            self.level.eq(level),
            self.i.ready.eq(level != self._depth),
            self.o.valid.eq(level != 0),
            pushed.eq(self.i.valid & self.i.ready),
            popped.eq(self.o.valid & self.o.ready),
        ]
        with m.If(pushed & ~popped):
            m.d.sync += level.eq(level + 1)
        with m.Elif(popped & ~pushed):
            m.d.sync += level.eq(level - 1)

        if self._depth == 1:
            word = Signal(self._layout, reset_less=True)
            m.d.comb += self.o.payload.eq(word)
            with m.If(pushed):
                m.d.sync += word.eq(self.i.payload)
            return m

        m.submodules.memory = memory = Memory(shape=self._layout, depth=self._depth, init=[])
        write = memory.write_port()
        read = memory.read_port(domain="comb")
        m.d.comb += [
            write.data.eq(self.i.payload),
            write.en.eq(pushed),
            self.o.payload.eq(read.data),
        ]
        for pointer, moves, name in ((write.addr, pushed, "write_at"), (read.addr, popped, "read_at")):
            position = Signal(range(self._depth), name=name)
            m.d.comb += pointer.eq(position)
            with m.If(moves):
                m.d.sync += position.eq(Mux(position == self._depth - 1, 0, position + 1))
        return m
