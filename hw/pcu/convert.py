"""Small numbers as fp32, exactly: combinational, for one lane."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed

__all__ = ["from_e2m1", "from_int8"]

_BIAS = 127
_NAN = 0x7FC00000


def from_int8(m: Module, byte: Value) -> Value:
    """A two's complement byte as fp32."""
    magnitude, shifted, exponent = Signal(8), Signal(8), Signal(8)
    m.d.comb += magnitude.eq(Mux(byte[7], -byte, byte))
    for place in range(8):  # the highest bit that is set counts, because later assignments win
        with m.If(magnitude[place]):
            m.d.comb += [shifted.eq(magnitude << (7 - place)), exponent.eq(_BIAS + place)]
    return Cat(Const(0, 16), shifted[:7], exponent, byte[7])


def from_e2m1(m: Module, number: Value, scale: Value) -> Value:
    """A number of four bits times 2^(scale - 127) as fp32: zero where that is subnormal, infinite beyond fp32."""
    nonzero, fraction, octave = Signal(), Signal(), Signal(signed(3))
    exponent = Signal(signed(10))
    with m.Switch(number[1:3]):
        with m.Case(0):  # 0 and 0.5
            m.d.comb += [nonzero.eq(number[0]), octave.eq(-1)]
        with m.Default():
            m.d.comb += [nonzero.eq(1), fraction.eq(number[0]), octave.eq(number[1:3] - 1)]
    m.d.comb += exponent.eq(scale + octave)

    magnitude = Signal(31)
    with m.If(scale == 255):
        m.d.comb += magnitude.eq(_NAN)
    with m.Elif(nonzero & (exponent >= 255)):
        m.d.comb += magnitude.eq(255 << 23)
    with m.Elif(nonzero & (exponent > 0)):
        m.d.comb += magnitude.eq(Cat(Const(0, 22), fraction, exponent[:8]))
    return Cat(magnitude, number[3] & (scale != 255))
