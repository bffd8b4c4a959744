"""One lane of one PCU stage."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.numerics.format import ONE, SIGN
from weft.hw.numerics.ops import Op

from .adder import Adder
from .comparison import compare
from .float32 import Float32
from .multiplier import Multiplier

__all__ = ["FunctionUnit"]


class FunctionUnit(wiring.Component):
    """Multiply, add, compare and select on fp32, add and compare on int32, bit for bit `weft.hw.numerics.apply`.

    A rigid pipeline: operands every cycle, latency 3 from ``a`` and ``b``, but 2 from ``c`` and ``bypass``,
    so that an accumulator loop from ``r`` to ``c`` holds nothing but the adder.
    Stall it with an `EnableInserter`.

    Attributes
    ----------
    latency : int
        Cycles from ``a`` and ``b`` to ``r``.
    c_latency : int
        Cycles from ``c`` and ``bypass`` to ``r``.

    Members
    -------
    op : In(Op)
        Operation. Used in both of the cycles in which operands arrive: let it change only when the
        unit is drained.
    a, b : In(32)
        First operands.
    c : In(32)
        Third operand, presented one cycle after ``a`` and ``b``.
    bypass : In(1)
        Presented with ``c``: the result is ``c``, bit for bit, whatever the operation.
    r : Out(32)
        Result.
    """

    latency = Multiplier.latency + Adder.latency
    c_latency = Adder.latency

    op: In(Op)
    a: In(32)
    b: In(32)
    c: In(32)
    bypass: In(1)
    r: Out(32)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.multiplier = multiplier = Multiplier()
        m.submodules.adder = adder = Adder()

        a = Signal(32, reset_less=True)
        b = Signal(32, reset_less=True)
        c = self.c
        m.d.comb += [multiplier.a.eq(self.a), multiplier.b.eq(self.b)]
        m.d.sync += [a.eq(self.a), b.eq(self.b)]

        # Adding -0 changes no number, but flushes a subnormal and makes a NaN canonical.
        neutral = Const(SIGN, 32)
        choose_b = Signal()
        m.d.comb += choose_b.eq(Float32(a).is_nonzero)
        m.d.comb += [adder.a.eq(a), adder.b.eq(c)]
        with m.Switch(self.op):
            with m.Case(Op.MUL):
                m.d.comb += [adder.a.eq(multiplier.r), adder.b.eq(neutral)]
            with m.Case(Op.MULADD):
                m.d.comb += adder.a.eq(multiplier.r)
            with m.Case(Op.SUB):
                m.d.comb += adder.b.eq(Cat(c[:31], ~c[31]))

        # Integers and what only passes have no use for the adder; a - c is a + ~c + 1.
        subtracts = Signal()
        integer = Signal(32)
        integer_less = Signal()
        m.d.comb += [
            subtracts.eq(self.op == Op.ISUB),
            integer.eq(a + (c ^ subtracts.replicate(32)) + subtracts),
            integer_less.eq(a.as_signed() < c.as_signed()),
        ]

        order = compare(m, a, c)
        with m.Switch(self.op):
            with m.Case(Op.PASS):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(a)]
            with m.Case(Op.MAX):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(order.greatest)]
            with m.Case(Op.MIN):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(order.least)]
            with m.Case(Op.LT):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(Mux(order.less, ONE, 0))]
            with m.Case(Op.LE):
                m.d.comb += [
                    adder.replace.eq(1),
                    adder.replacement.eq(Mux(order.less | order.equal, ONE, 0)),
                ]
            with m.Case(Op.EQ):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(Mux(order.equal, ONE, 0))]
            with m.Case(Op.SELECT):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(Mux(choose_b, b, c))]
            with m.Case(Op.IADD, Op.ISUB):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(integer)]
            with m.Case(Op.IMAX):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(Mux(integer_less, c, a))]
            with m.Case(Op.ILT):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(Mux(integer_less, ONE, 0))]
            with m.Case(Op.IEQ):
                m.d.comb += [adder.replace.eq(1), adder.replacement.eq(Mux(a == c, ONE, 0))]
        with m.If(self.bypass):
            m.d.comb += [adder.replace.eq(1), adder.replacement.eq(c)]

        m.d.comb += self.r.eq(adder.r)
        return m
