"""Number format conversion."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.numerics.format import EXPONENT_BIAS, NAN
from weft.hw.numerics.ops import Conversion

from .float32 import Float32, normalise, round_to_float32

__all__ = ["Convert"]

# The exponent at which the leading one of a significand is bit 30, the top of a positive int32.
_TOP_EXPONENT = EXPONENT_BIAS + 30
_LONGEST_SHIFT = 63


class Convert(wiring.Component):
    """Conversion between fp32, bf16 and int32, bit for bit `weft.hw.numerics.convert`.

    A rigid pipeline: an operand every cycle, latency 1. Stall it with an `EnableInserter`.

    Members
    -------
    op : In(Conversion)
        Conversion, presented with ``x``.
    x : In(32)
        Operand.
    r : Out(32)
        Result; ``x``, bit for bit, with `Conversion.NONE`.
    """

    latency = 1

    op: In(Conversion)
    x: In(32)
    r: Out(32)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        number = Float32(self.x)
        result = Signal(32, reset_less=True)
        m.d.comb += self.r.eq(result)

        to_bf16 = Signal(16)
        round_up = Signal()
        m.d.comb += [
            round_up.eq(self.x[15] & (self.x[16] | self.x[:15].any())),
            to_bf16.eq(
                Mux(
                    number.is_nan,
                    NAN >> 16,
                    Mux(number.is_nonzero, self.x[16:] + round_up, Cat(Const(0, 15), number.sign)),
                )
            ),
        ]

        # 32 bits before the binary point and 32 behind it; the leading one starts at bit 62.
        distance = Signal(8)
        fixed = Signal(64)
        magnitude = Signal(32)
        too_great = Signal()
        to_int32 = Signal(32)
        m.d.comb += [
            too_great.eq(number.exponent > _TOP_EXPONENT),
            distance.eq(_TOP_EXPONENT - number.exponent),
            fixed.eq(
                Cat(Const(0, 64 - 1 - 24), number.significand) >> Mux(distance[6:].any(), _LONGEST_SHIFT, distance[:6])
            ),
            magnitude.eq(fixed[32:] + (fixed[31] & (fixed[32] | fixed[:31].any()))),
        ]
        with m.If(number.is_nan):
            m.d.comb += to_int32.eq(0)
        with m.Elif(too_great):
            m.d.comb += to_int32.eq(Mux(number.sign, 1 << 31, (1 << 31) - 1))
        with m.Else():
            m.d.comb += to_int32.eq(Mux(number.sign, -magnitude, magnitude))

        absolute = Signal(32)
        m.d.comb += absolute.eq(Mux(self.x[31], -self.x, self.x))
        significand, leading_zeros = normalise(m, absolute)
        exponent = Signal(signed(10))
        m.d.comb += exponent.eq(EXPONENT_BIAS + 31 - leading_zeros)
        from_int32 = round_to_float32(m, sign=self.x[31], exponent=exponent, significand=significand)

        with m.Switch(self.op):
            with m.Case(Conversion.TO_BF16):
                m.d.sync += result.eq(Cat(Const(0, 16), to_bf16))
            with m.Case(Conversion.TO_INT32):
                m.d.sync += result.eq(to_int32)
            with m.Case(Conversion.FROM_INT32):
                m.d.sync += result.eq(Mux(significand[-1], from_int32, 0))
            with m.Default():
                m.d.sync += result.eq(self.x)
        return m
