"""Exponential, reciprocal, reciprocal square root and sigmoid."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.numerics.format import EXPONENT_BIAS, FRACTION_BITS, INFINITY, NAN, ONE
from weft.hw.numerics.ops import Special
from weft.hw.numerics.special import LOG2_E, LOG2_E_BITS, SATURATED_EXPONENT
from weft.hw.numerics.tables import ARGUMENT_BITS, DELTA_BITS, exp2_table, inverse_table

from .float32 import Float32, round_to_float32
from .quadratic import PiecewiseQuadratic

__all__ = ["SpecialFunction"]

_ONE = 1 << ARGUMENT_BITS
_LONGEST_SHIFT = 63


class SpecialFunction(wiring.Component):
    """A function of one fp32 operand, bit for bit `weft.hw.numerics.special`.

    A rigid pipeline: an operand every cycle, latency 8 for every function. Stall it with an `EnableInserter`.

    Two quadratics in a row, 2^s and then 1/s or 1/sqrt(s): the sigmoid needs both, so no multiplier
    and no table serves only a single function.

    Members
    -------
    op : In(Special)
        Function. Used in several stages: let it change only when the unit is drained.
    x : In(32)
        Operand.
    r : Out(32)
        Result; ``x``, bit for bit, with `Special.NONE`.
    """

    latency = 1 + PiecewiseQuadratic.latency + PiecewiseQuadratic.latency + 1

    op: In(Special)
    x: In(32)
    r: Out(32)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.exp2 = exp2 = PiecewiseQuadratic(table=exp2_table(), decreasing=False)
        m.submodules.inverse = inverse = PiecewiseQuadratic(table=inverse_table(), decreasing=True)

        # First stage: the operand times log2(e).
        product = Signal(FRACTION_BITS + 1 + LOG2_E_BITS + 1, reset_less=True)
        m.d.sync += product.eq(Float32(self.x).significand * Const(LOG2_E))
        x_multiplied = Float32(_delayed(m, self.x, 1))

        # As a fixed-point number, and into the table of 2^s.
        power = self._power(m, x_multiplied, product)
        m.d.comb += [
            exp2.index.eq(power[DELTA_BITS:ARGUMENT_BITS]),
            exp2.delta.eq(power[:DELTA_BITS]),
        ]
        whole = _delayed(m, power[ARGUMENT_BITS:], exp2.latency).as_signed()
        x = _delayed(m, x_multiplied.as_value(), exp2.latency)
        exponent = self._inverse_argument(m, inverse, Float32(x), whole, exp2.r)

        # Last stage: round one of the two quadratics.
        x = Float32(_delayed(m, x, inverse.latency))
        rounded = round_to_float32(
            m,
            sign=x.sign & (self.op == Special.RECIPROCAL),
            exponent=_delayed(m, exponent, inverse.latency).as_signed(),
            significand=Mux(self.op == Special.EXP, _delayed(m, exp2.r, inverse.latency), inverse.r),
        )
        result = Signal(32, reset_less=True)
        m.d.sync += result.eq(self._with_special_values(m, x, rounded))
        m.d.comb += self.r.eq(result)
        return m

    def _power(self, m: Module, x: Float32, product: Value) -> Value:
        """``x`` (for the sigmoid, ``-x``) times log2(e) with 30 fraction bits; meaningless if it saturates."""
        distance = Signal(8)
        places = Signal(range(_LONGEST_SHIFT + 1))
        magnitude = Signal(ARGUMENT_BITS + 8)
        power = Signal(signed(ARGUMENT_BITS + 9))
        m.d.comb += [
            distance.eq(SATURATED_EXPONENT - 1 - x.exponent),
            places.eq(Mux(distance[6:].any(), _LONGEST_SHIFT, distance[:6])),
            magnitude.eq(product[FRACTION_BITS + LOG2_E_BITS - ARGUMENT_BITS - 6 :] >> places),
            power.eq(Mux(x.sign ^ (self.op == Special.SIGMOID), -magnitude, magnitude)),
        ]
        return power

    def _inverse_argument(
        self, m: Module, inverse: PiecewiseQuadratic, x: Float32, whole: Value, value: Value
    ) -> Value:
        """Feed the second quadratic, and return the exponent of the result to be rounded."""
        # The sum of 1 and 2^whole * value, relative to the power of two of the greater.
        is_below_one = Signal()
        distance = Signal(9)
        places = Signal(range(_LONGEST_SHIFT + 1))
        total = Signal(ARGUMENT_BITS + 2)
        greater = Signal(8)
        carry = total[-1]
        m.d.comb += [
            is_below_one.eq(whole < 0),
            distance.eq(Mux(is_below_one, -whole, whole)),
            places.eq(Mux(distance[6:].any(), _LONGEST_SHIFT, distance[:6])),
            total.eq(Mux(is_below_one, _ONE, value) + (Mux(is_below_one, value, _ONE) >> places)),
            greater.eq(Mux(is_below_one, 0, whole)),
        ]

        fraction = Signal(ARGUMENT_BITS)
        exponent = Signal(signed(10))
        m.d.comb += fraction.eq(Cat(Const(0, ARGUMENT_BITS - FRACTION_BITS), x.fraction))
        with m.Switch(self.op):
            with m.Case(Special.EXP):
                m.d.comb += exponent.eq(EXPONENT_BIAS + whole)
            with m.Case(Special.RECIPROCAL):
                m.d.comb += exponent.eq(2 * EXPONENT_BIAS - 1 - x.exponent)
            with m.Case(Special.RSQRT):
                m.d.comb += exponent.eq(EXPONENT_BIAS + 63 - ((x.exponent + 1) >> 1))
            with m.Default():
                m.d.comb += [
                    exponent.eq(EXPONENT_BIAS - 1 - greater - carry),
                    fraction.eq(Mux(carry, total[1:-1], total[:-2])),
                ]

        with m.If(self.op == Special.RSQRT):
            # The bias is odd: an even biased exponent belongs to an odd power of two.
            is_odd_power = ~x.exponent[0]
            m.d.comb += [
                inverse.index.eq(Cat(fraction[DELTA_BITS:], is_odd_power, Const(1, 1))),
                inverse.delta.eq(fraction[:DELTA_BITS]),
            ]
        with m.Else():
            m.d.comb += [
                inverse.index.eq(fraction[DELTA_BITS - 1 :]),
                inverse.delta.eq(fraction[: DELTA_BITS - 1]),
            ]
        return exponent

    def _with_special_values(self, m: Module, x: Float32, rounded: Value) -> Value:
        """The rounded result, or what takes its place at zeros, infinities, NaNs and where it saturates."""
        saturates = Signal()
        is_endless = Signal()
        result = Signal(32)
        m.d.comb += [
            saturates.eq(x.exponent >= SATURATED_EXPONENT),
            is_endless.eq(x.exponent == 255),
            result.eq(rounded),
        ]
        with m.Switch(self.op):
            with m.Case(Special.NONE):
                m.d.comb += result.eq(x.as_value())
            with m.Case(Special.EXP), m.If(saturates):
                m.d.comb += result.eq(Mux(x.sign, 0, INFINITY))
            with m.Case(Special.SIGMOID), m.If(saturates):
                m.d.comb += result.eq(Mux(x.sign, 0, ONE))
            with m.Case(Special.RECIPROCAL):
                with m.If(~x.is_nonzero):
                    m.d.comb += result.eq(Cat(Const(INFINITY, 31), x.sign))
                with m.Elif(is_endless):
                    m.d.comb += result.eq(Cat(Const(0, 31), x.sign))
            with m.Case(Special.RSQRT):
                with m.If(~x.is_nonzero):
                    m.d.comb += result.eq(Cat(Const(INFINITY, 31), x.sign))
                with m.Elif(x.sign):
                    m.d.comb += result.eq(NAN)
                with m.Elif(is_endless):
                    m.d.comb += result.eq(0)
        with m.If(x.is_nan & (self.op != Special.NONE)):
            m.d.comb += result.eq(NAN)
        return result


def _delayed(m: Module, value: Value, cycles: int) -> Value:
    """``value`` as it was ``cycles`` cycles ago."""
    for _ in range(cycles):
        later = Signal(len(value), reset_less=True)
        m.d.sync += later.eq(value)
        value = later
    return value
