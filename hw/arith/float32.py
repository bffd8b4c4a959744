"""Reading and rounding fp32 numbers in logic."""

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, signed
from amaranth.lib import data

from weft.hw.numerics.format import INFINITY

__all__ = ["Float32", "normalise", "round_to_float32"]

_PRECISION = 24


class Float32(data.Struct):
    """The fields of an fp32 number; those of a subnormal are read as zero where it says so."""

    fraction: 23
    exponent: 8
    sign: 1

    @property
    def magnitude(self) -> Value:
        """The 31 bits below the sign; ordered like the absolute values, NaN above infinity."""
        return self.as_value()[:31]

    @property
    def is_nonzero(self) -> Value:
        """Neither zero nor a subnormal, which counts as zero. True for a NaN."""
        return self.exponent != 0

    @property
    def is_nan(self) -> Value:
        return self.magnitude > INFINITY

    @property
    def is_infinite(self) -> Value:
        return self.magnitude == INFINITY

    @property
    def significand(self) -> Value:
        """24 bits with the hidden one on top, or 0 for zero and subnormals."""
        return Mux(self.is_nonzero, Cat(self.fraction, Const(1, 1)), 0)


def normalise(m: Module, value: Value) -> tuple[Value, Value]:
    """Shift ``value`` left until its top bit is set; return it and the number of places, at most 31.

    Five halving steps on whole words, which is what a simulator does fastest. A zero stays zero.
    """
    width = len(value)
    empties: list[Value] = []
    for places in (16, 8, 4, 2, 1):
        empty = Signal(name=f"top_{places}_empty")
        shifted = Signal(width, name=f"normalised_by_{places}")
        m.d.comb += empty.eq(value[width - places :] == 0)
        m.d.comb += shifted.eq(Mux(empty, Cat(Const(0, places), value[: width - places]), value))
        empties.insert(0, empty)
        value = shifted
    return value, Cat(*empties)


def round_to_float32(m: Module, *, sign: Value, exponent: Value, significand: Value) -> Value:
    """Round a normalised number to fp32, nearest even; overflow to infinity, underflow to zero.

    Underflow is judged after rounding, which the carry into the exponent gives for free.

    Parameters
    ----------
    m
        Module that receives the logic, all combinational.
    sign
        One bit.
    exponent
        Biased exponent of the leading one, signed, within -512 and 510.
    significand
        At least 26 bits; the top bit is the leading one and taken for granted.
    """
    width = len(significand)
    last = width - _PRECISION
    round_up = Signal()
    rounded = Signal(33)
    rounded_exponent = Signal(signed(10))
    result = Signal(32)
    m.d.comb += [
        round_up.eq(significand[last - 1] & (significand[last] | significand[: last - 1].any())),
        # A carry out of the fraction leaves it zero and increments the exponent, as it should.
        rounded.eq(Cat(significand[last : width - 1], exponent[:10]) + round_up),
        rounded_exponent.eq(rounded[23:].as_signed()),
        result.eq(
            Cat(
                Mux(rounded_exponent <= 0, 0, Mux(rounded_exponent >= 255, INFINITY, rounded[:31]))[:31],
                sign,
            )
        ),
    ]
    return result
