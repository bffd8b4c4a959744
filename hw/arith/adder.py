"""The fp32 adder."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.numerics.format import INFINITY, NAN

from .float32 import Float32, normalise, round_to_float32

__all__ = ["Adder"]

# Guard and round bit, and the sticky bit that stands for everything below them.
_EXTRA_BITS = 3
_SUM_BITS = 24 + _EXTRA_BITS + 1
_LONGEST_ALIGNMENT = 31


class Adder(wiring.Component):
    """Sum of two fp32 numbers, bit for bit `weft.hw.numerics.add`.

    A rigid pipeline: operands every cycle, latency 2 (align and add; normalise and round).
    Stall it with an `EnableInserter`.

    The multiplexer for infinities and NaNs can be borrowed: a value that has no use for the adder
    but must keep in step with it enters at ``replacement``.

    Members
    -------
    a, b : In(32)
        Operands.
    replace : In(1)
        The result is ``replacement``, whatever the operands.
    replacement : In(32)
        Result to be given instead of the sum, bit for bit.
    r : Out(32)
        Sum, or the replacement.
    """

    latency = 2

    a: In(32)
    b: In(32)
    replace: In(1)
    replacement: In(32)
    r: Out(32)

    def elaborate(self, platform: object) -> Module:
        m = Module()

        # First stage: align the lesser magnitude with the greater, and add or subtract.
        a, b = Float32(self.a), Float32(self.b)
        swap = Signal()
        subtract = Signal()
        great, small = Signal(Float32), Signal(Float32)
        m.d.comb += [
            swap.eq(a.magnitude < b.magnitude),
            subtract.eq(a.sign ^ b.sign),
            great.eq(Mux(swap, self.b, self.a)),
            small.eq(Mux(swap, self.a, self.b)),
        ]

        distance = Signal(8)
        places = Signal(range(_LONGEST_ALIGNMENT + 1))
        shifted = Signal(24 + _LONGEST_ALIGNMENT + 1)
        aligned = Signal(24 + _EXTRA_BITS)
        reference = Signal(24 + _EXTRA_BITS)
        below = len(shifted) - len(aligned) + 1
        m.d.comb += [
            distance.eq(great.exponent - small.exponent),
            places.eq(Mux(distance[5:].any(), _LONGEST_ALIGNMENT, distance[:5])),
            shifted.eq(Cat(Const(0, _LONGEST_ALIGNMENT + 1), small.significand) >> places),
            aligned.eq(Cat(shifted[:below].any(), shifted[below:])),
            reference.eq(Cat(Const(0, _EXTRA_BITS), great.significand)),
        ]

        is_nan = Signal()
        m.d.comb += is_nan.eq(great.is_nan | (small.is_infinite & subtract))

        total = Signal(_SUM_BITS, reset_less=True)
        exponent = Signal(8, reset_less=True)
        sign = Signal(reset_less=True)
        zero_sign = Signal(reset_less=True)
        replaced = Signal(reset_less=True)
        replacement = Signal(32, reset_less=True)
        m.d.sync += [
            total.eq(Mux(subtract, reference - aligned, reference + aligned)),
            exponent.eq(great.exponent),
            sign.eq(great.sign),
            zero_sign.eq(a.sign & b.sign),
            replaced.eq(self.replace | (great.exponent == 255)),
            replacement.eq(
                Mux(
                    self.replace,
                    self.replacement,
                    Mux(is_nan, NAN, Cat(Const(INFINITY, 31), great.sign)),
                )
            ),
        ]

        # Second stage: bring the leading one to the top, and round.
        significand, leading_zeros = normalise(m, total)
        normal_exponent = Signal(signed(10))
        m.d.comb += normal_exponent.eq(exponent + 1 - leading_zeros)
        rounded = round_to_float32(m, sign=sign, exponent=normal_exponent, significand=significand)

        result = Signal(32, reset_less=True)
        is_nonzero = significand[-1]
        m.d.sync += result.eq(Mux(replaced, replacement, Mux(is_nonzero, rounded, Cat(Const(0, 31), zero_sign))))
        m.d.comb += self.r.eq(result)
        return m
