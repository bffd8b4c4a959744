"""The fp32 multiplier."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.numerics.format import EXPONENT_BIAS, INFINITY, NAN

from .float32 import Float32, round_to_float32

__all__ = ["Multiplier"]


class Multiplier(wiring.Component):
    """Product of two fp32 numbers, bit for bit `weft.hw.numerics.mul`.

    A rigid pipeline: operands every cycle, latency 1. Stall it with an `EnableInserter`.

    Members
    -------
    a, b : In(32)
        Operands.
    r : Out(32)
        Product.
    """

    latency = 1

    a: In(32)
    b: In(32)
    r: Out(32)

    def elaborate(self, platform: object) -> Module:
        m = Module()

        a, b = Float32(self.a), Float32(self.b)
        product = Signal(48)
        above_two = Signal()
        significand = Signal(48)
        exponent = Signal(signed(10))
        sign = Signal()
        m.d.comb += [
            sign.eq(a.sign ^ b.sign),
            product.eq(Cat(a.fraction, Const(1, 1)) * Cat(b.fraction, Const(1, 1))),
            above_two.eq(product[47]),
            significand.eq(Mux(above_two, product, product << 1)),
            exponent.eq(a.exponent + b.exponent + above_two - EXPONENT_BIAS),
        ]
        rounded = round_to_float32(m, sign=sign, exponent=exponent, significand=significand)

        is_zero = Signal()
        is_infinite = Signal()
        is_nan = Signal()
        m.d.comb += [
            is_zero.eq(~a.is_nonzero | ~b.is_nonzero),
            is_infinite.eq(a.is_infinite | b.is_infinite),
            is_nan.eq(a.is_nan | b.is_nan | (is_infinite & is_zero)),
        ]

        result = Signal(32, reset_less=True)
        with m.If(is_nan):
            m.d.sync += result.eq(NAN)
        with m.Elif(is_infinite):
            m.d.sync += result.eq(Cat(Const(INFINITY, 31), sign))
        with m.Elif(is_zero):
            m.d.sync += result.eq(Cat(Const(0, 31), sign))
        with m.Else():
            m.d.sync += result.eq(rounded)
        m.d.comb += self.r.eq(result)
        return m
