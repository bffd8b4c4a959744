"""From beats of a matrix of small weights to steps of several rows."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import BLOCK, Unpack
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.topology import Network

__all__ = ["Wide"]

_GROUPS = BLOCK // Unpack.MXFP4.width
"""Rows of steps that share exponents."""


class Wide(wiring.Component):
    """Makes two steps of every beat of a matrix in ``INT8`` or ``MXFP4``, as :mod:`weft.hw.program.unpack` says.

    Combinational from ``i`` to ``o`` and back; a step every cycle, but for a cycle for each beat of exponents, which
    are kept for their block. In a step each word holds the numbers of its rows, 16 bits, and above them their exponent;
    `weft.hw.pcu.widen` makes fp32 of them. Beats of other formats pass as they are.

    Parameters
    ----------
    spec
        Shape of a beat; ``acc_depth`` steps are the longest row.

    Members
    -------
    format : In(Unpack)
        What the beats hold.
    row : In
        Steps of a row.
    clear : In(1)
        Forget a matrix that is begun; nothing is taken in this cycle.
    row_stop : In
        Stop of the numbers that the row is multiplied by; not 0 with the last row of a matrix.
    raw : In(1)
        The next beat is not unpacked but taken from ``i`` by ``take_raw``.
    take_raw : In(1)
        Only while ``raw`` and ``i.valid``.
    i : In(stream), o : Out(stream)
        Beats, and steps.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        beats = beat_stream(spec, Network.VECTOR)
        super().__init__(
            {
                "format": In(Unpack),
                "row": In(spec.acc_depth.bit_length()),
                "clear": In(1),
                "row_stop": In(spec.stop_bits),
                "raw": In(1),
                "take_raw": In(1),
                "i": In(beats),
                "o": Out(beats),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        wide, loads = Signal(), Signal()
        second, column = Signal(), Signal(range(self.spec.acc_depth))
        row_ends, matrix_ends, beat_ends, moves = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            wide.eq((self.format == Unpack.INT8) | (self.format == Unpack.MXFP4)),
            row_ends.eq(column + 1 == self.row),
            matrix_ends.eq(row_ends & (self.row_stop != 0)),
            beat_ends.eq(second | matrix_ends),
            self.o.valid.eq(self.i.valid & ~loads & ~self.raw),
            Value.cast(self.o.p.data).eq(Value.cast(self.i.p.data)),
            self.o.p.stop.eq(Mux(wide, Mux(row_ends, self.row_stop + 1, 0), self.i.p.stop)),
            self.o.p.void.eq(self.i.p.void & ~wide),
            moves.eq(wide & self.o.valid & self.o.ready),
        ]
        with m.If(self.raw):
            m.d.comb += self.i.ready.eq(self.take_raw)
        with m.Elif(loads):
            m.d.comb += self.i.ready.eq(~self.clear)
        with m.Else():
            m.d.comb += self.i.ready.eq(self.o.ready & (beat_ends | ~wide))

        with m.If(moves):
            m.d.sync += [second.eq(~beat_ends), column.eq(Mux(row_ends, 0, column + 1))]
        with m.If(self.clear):
            m.d.sync += [second.eq(0), column.eq(0)]

        exponents: Value = Const(0, 8 * self.spec.lanes)
        if Unpack.MXFP4.fits(self.spec):
            exponents = self._exponents(m, column, loads, moves & row_ends, matrix_ends)
        with m.If(wide):
            for lane, word in enumerate(self.o.p.data):
                halves = Value.cast(self.i.p.data[lane])
                m.d.comb += word.eq(Cat(Mux(second, halves[16:], halves[:16]), exponents.word_select(lane, 8)))
        return m

    def _exponents(self, m: Module, column: Value, loads: Signal, row_moves: Value, matrix_ends: Value) -> Value:
        """The exponents of the step's columns, a byte a lane. ``loads`` while those of a block are still to come."""
        group, loaded, at = Signal(range(_GROUPS)), Signal(), Signal(range(-(-self.spec.acc_depth // 4)))
        m.submodules.exponents = store = memory.Memory(
            shape=unsigned(32 * self.spec.lanes), depth=max(1, self.spec.acc_depth // 4), init=[]
        )
        write, read = store.write_port(), store.read_port(domain="comb")
        m.d.comb += [
            loads.eq((self.format == Unpack.MXFP4) & ~loaded),
            write.addr.eq(at),
            write.data.eq(Value.cast(self.i.p.data)),
            write.en.eq(loads & self.i.valid & ~self.clear),
            read.addr.eq(column >> 2),
        ]
        with m.If(write.en):
            last = (at << 2) + 4 >= self.row
            m.d.sync += [loaded.eq(last), at.eq(Mux(last, 0, at + 1))]
        with m.If(row_moves):
            m.d.sync += group.eq(group + 1)
            with m.If(matrix_ends | (group == _GROUPS - 1)):
                m.d.sync += [group.eq(0), loaded.eq(0)]
        with m.If(self.clear):
            m.d.sync += [group.eq(0), loaded.eq(0), at.eq(0)]
        chosen = Signal(8 * self.spec.lanes)
        m.d.comb += [
            chosen[8 * lane : 8 * lane + 8].eq(read.data[32 * lane : 32 * lane + 32].word_select(column[:2], 8))
            for lane in range(self.spec.lanes)
        ]
        return chosen
