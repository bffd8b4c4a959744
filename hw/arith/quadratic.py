"""A table of quadratics, and their evaluation."""

from collections.abc import Sequence

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from weft.hw.numerics.tables import (
    ARGUMENT_BITS,
    C1_BITS,
    DELTA_BITS,
    SHORT_DELTA_BITS,
    SQUARE_SHIFT,
    Segment,
)

__all__ = ["PiecewiseQuadratic"]


class PiecewiseQuadratic(wiring.Component):
    """A function by table and quadratic, bit for bit `weft.hw.numerics.tables.evaluate`.

    A rigid pipeline: an argument every cycle, latency 3 (table; slope; value).
    The table is one memory with a synchronous read port, of 72 bits at most a segment.

    Parameters
    ----------
    table
        The segments, a power of two of them and at least two.
    decreasing
        Whether the function falls, and its results lie between 1/2 and 1.

    Members
    -------
    index : In(ceil_log2(len(table)))
        Segment.
    delta : In(23)
        Distance from the beginning of the segment, 30 fraction bits.
    r : Out(31)
        Value; bit 30 is always set.

    Raises
    ------
    ValueError
        If the number of segments is not a power of two, or less than two.
    """

    latency = 3

    def __init__(self, *, table: Sequence[Segment], decreasing: bool) -> None:
        if len(table) < 2 or len(table) & (len(table) - 1):
            raise ValueError(f"the number of segments must be a power of two above 1, not {len(table)}")
        self.table = tuple(table)
        self.decreasing = decreasing
        super().__init__({"index": In(ceil_log2(len(table))), "delta": In(DELTA_BITS), "r": Out(ARGUMENT_BITS + 1)})

    def elaborate(self, platform: object) -> Module:
        m = Module()

        coefficients = data.StructLayout(
            {
                # The leading one of c0 is always there.
                "c0": ARGUMENT_BITS,
                "c1": max(segment.c1 for segment in self.table).bit_length(),
                "c2": max(segment.c2 for segment in self.table).bit_length(),
            }
        )
        rows = [{"c0": segment.c0 - (1 << ARGUMENT_BITS), "c1": segment.c1, "c2": segment.c2} for segment in self.table]
        m.submodules.rom = rom = Memory(shape=coefficients, depth=len(rows), init=rows)
        port = rom.read_port()
        read = port.data
        delta = Signal(DELTA_BITS, reset_less=True)
        m.d.comb += port.addr.eq(self.index)
        m.d.sync += delta.eq(self.delta)

        square_term = Signal(C1_BITS + 1)
        slope = Signal(C1_BITS + 1, reset_less=True)
        slope_delta = Signal(DELTA_BITS, reset_less=True)
        base = Signal(ARGUMENT_BITS, reset_less=True)
        m.d.comb += square_term.eq((read.c2 * delta[DELTA_BITS - SHORT_DELTA_BITS :]) >> SQUARE_SHIFT)
        m.d.sync += [
            slope.eq(read.c1 - square_term if self.decreasing else read.c1 + square_term),
            slope_delta.eq(delta),
            base.eq(read.c0),
        ]

        step = Signal(ARGUMENT_BITS)
        start = Signal(ARGUMENT_BITS + 1)
        value = Signal(ARGUMENT_BITS + 1, reset_less=True)
        m.d.comb += [
            step.eq((slope * slope_delta) >> (C1_BITS - self.decreasing)),
            start.eq(Cat(base, Const(1, 1))),
            self.r.eq(value),
        ]
        m.d.sync += value.eq(start - step if self.decreasing else start + step)
        return m
