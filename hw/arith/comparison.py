"""Ordering two fp32 numbers in logic."""

from dataclasses import dataclass

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

from weft.hw.numerics.format import NAN

from .float32 import Float32

__all__ = ["Comparison", "compare"]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """What is known of two numbers ``a`` and ``b``; subnormals count as zero.

    Attributes
    ----------
    unordered
        One of them is a NaN; ``less`` and ``equal`` are then false.
    less, equal
        ``a < b`` and ``a == b``, where -0 equals +0.
    greatest, least
        32 bits, flushed; NaN if unordered; +0 is above -0.
    """

    unordered: Value
    less: Value
    equal: Value
    greatest: Value
    least: Value


def compare(m: Module, a: Value, b: Value) -> Comparison:
    """Add the combinational logic that compares two 32-bit values to ``m``."""
    keys: list[Signal] = []
    flushed: list[Signal] = []
    for name, number in (("a", Float32(a)), ("b", Float32(b))):
        magnitude = Signal(31, name=f"{name}_magnitude")
        key = Signal(signed(32), name=f"{name}_key")
        whole = Signal(32, name=f"{name}_flushed")
        m.d.comb += [
            magnitude.eq(Mux(number.is_nonzero, number.magnitude, 0)),
            key.eq(Mux(number.sign, -magnitude, magnitude)),
            whole.eq(Cat(magnitude, number.sign)),
        ]
        keys.append(key)
        flushed.append(whole)

    unordered = Signal()
    less = Signal(name="a_less")
    equal = Signal(name="a_equal")
    a_below = Signal()
    greatest = Signal(32)
    least = Signal(32)
    m.d.comb += [
        unordered.eq(Float32(a).is_nan | Float32(b).is_nan),
        less.eq(~unordered & (keys[0] < keys[1])),
        equal.eq(~unordered & (keys[0] == keys[1])),
        # Equal keys are equal bits, except for zeros: there the sign decides.
        a_below.eq(less | (equal & a[31])),
        greatest.eq(Mux(unordered, Const(NAN, 32), Mux(a_below, flushed[1], flushed[0]))),
        least.eq(Mux(unordered, Const(NAN, 32), Mux(a_below, flushed[0], flushed[1]))),
    ]
    return Comparison(unordered=unordered, less=less, equal=equal, greatest=greatest, least=least)
