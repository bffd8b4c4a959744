"""Multiplier and adder against their NumPy twins, and the twins against exact arithmetic."""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from arith_bench import assert_same, corner_pairs, float_bits, floats, random_pairs, run
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.hw.arith import Adder, Multiplier
from weft.hw.numerics import add, flush, mul, muladd, sub


def operands(seed: int, count: int = 3000) -> tuple[Any, Any]:
    corner_a, corner_b = corner_pairs()
    random_a, random_b = random_pairs(count, seed=seed)
    return np.concatenate([corner_a, random_a]), np.concatenate([corner_b, random_b])


def exactly_rounded(value: Fraction, zero_is_negative: bool) -> int:
    """Bits of a rational rounded to nearest even with an unbounded exponent, then flushed."""
    sign = 0x8000_0000 if value < 0 or (value == 0 and zero_is_negative) else 0
    magnitude = abs(value)
    if magnitude == 0:
        return sign
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length()
    if magnitude < Fraction(2) ** exponent:
        exponent -= 1
    significand = round(magnitude / Fraction(2) ** (exponent - 23))  # Python rounds to even
    if significand == 1 << 24:
        significand, exponent = 1 << 23, exponent + 1
    if exponent < -126:
        return sign
    if exponent > 127:
        return sign | 0x7F80_0000
    return sign | (exponent + 127) << 23 | (significand - (1 << 23))


def finite(bits: int) -> Fraction:
    """The value of a pattern, flushed."""
    exponent = bits >> 23 & 0xFF
    if exponent == 0:
        return Fraction(0)
    value = Fraction((bits & 0x7F_FFFF) | 0x80_0000) * Fraction(2) ** (exponent - 150)
    return -value if bits >> 31 else value


patterns = st.one_of(
    st.integers(0, 0xFFFF_FFFF),
    st.builds(
        lambda sign, exponent, fraction: sign << 31 | exponent << 23 | fraction,
        st.integers(0, 1),
        st.sampled_from([0, 1, 2, 24, 25, 63, 64, 126, 127, 128, 150, 253, 254]),
        st.one_of(st.sampled_from([0, 1, 0x40_0000, 0x7F_FFFE, 0x7F_FFFF]), st.integers(0, 0x7F_FFFF)),
    ),
).filter(lambda bits: bits >> 23 & 0xFF != 0xFF)


@settings(max_examples=1500, deadline=None)
@given(a=patterns, b=patterns)
def test_twins_equal_exact_arithmetic(a: int, b: int) -> None:
    x, y = floats(np.array([a, b], dtype=np.uint32)).reshape(2, 1)
    negative_product = bool((a ^ b) >> 31)
    both_negative = bool((a & b) >> 31)
    assert float_bits(mul(x, y))[0] == exactly_rounded(finite(a) * finite(b), negative_product)
    assert float_bits(add(x, y))[0] == exactly_rounded(finite(a) + finite(b), both_negative)


@pytest.mark.parametrize(("twin", "plain"), [(mul, np.multiply), (add, np.add), (sub, np.subtract)])
def test_twins_equal_plain_numpy_where_nothing_is_flushed(twin: Callable[..., Any], plain: Callable[..., Any]) -> None:
    a, b = (floats(bits) for bits in operands(1, 200_000))
    with np.errstate(all="ignore"):
        expected = plain(a, b)
        least = np.float32(2.0**-125)
        ordinary = np.isfinite(expected) & (np.abs(expected) >= least)
        ordinary &= (np.abs(a) >= least) & (np.abs(b) >= least)
    assert np.count_nonzero(ordinary) > 50_000
    assert_same(float_bits(twin(a, b)[ordinary]), float_bits(expected[ordinary]))


def test_product_is_flushed_by_its_24_bit_rounding() -> None:
    # (1 - 2^-24) * 2^-126 rounds to the smallest normal as a subnormal, but is below it with 24 bits.
    below = floats(np.array([0x3F7FFFFF], dtype=np.uint32))
    smallest = floats(np.array([0x00800000], dtype=np.uint32))
    assert float_bits(mul(below, smallest))[0] == 0
    assert float_bits(mul(-below, smallest))[0] == 0x8000_0000
    # (2 - 2^-23) * (1 - 2^-24) * 2^-127 = (1 - 2^-23 + 2^-48) * 2^-126 stays below with 24 bits, too.
    almost_two = floats(np.array([0x3FFFFFFF], dtype=np.uint32))
    half_smallest = np.float32(2.0**-64) * np.float32(1 - 2.0**-24)
    assert float_bits(mul(almost_two * np.float32(2.0**-63), half_smallest))[0] == 0


def test_special_values() -> None:
    inf, nan, one = np.float32(np.inf), np.float32(np.nan), np.float32(1)
    for value in (mul(inf, 0), mul(nan, 0), add(inf, -inf), sub(inf, inf), add(nan, one), muladd(inf, one, -inf)):
        assert float_bits(value) == 0x7FC0_0000
    assert float_bits(mul(-inf, one)) == 0xFF80_0000
    assert float_bits(add(one, -one)) == 0
    assert float_bits(add(np.float32(-0.0), np.float32(-0.0))) == 0x8000_0000
    assert float_bits(flush(np.float32(-1e-40))) == 0x8000_0000
    # A subnormal operand is a zero, and infinity times zero is no number.
    assert float_bits(mul(inf, np.float32(1e-40))) == 0x7FC0_0000


def test_twins_broadcast() -> None:
    column, row = np.ones((3, 1), np.float32), np.full((1, 4), 2, np.float32)
    assert mul(column, row).shape == add(column, row).shape == (3, 4)


@pytest.mark.parametrize("stall_seed", [None, 11])
def test_multiplier(stall_seed: int | None) -> None:
    a, b = operands(2, 3000 if stall_seed is None else 0)
    got = run(Multiplier(), inputs={"a": a, "b": b}, latency=Multiplier.latency, stall_seed=stall_seed)
    assert_same(got, float_bits(mul(floats(a), floats(b))), a, b)


@pytest.mark.parametrize("stall_seed", [None, 12])
def test_adder(stall_seed: int | None) -> None:
    a, b = operands(3, 4000 if stall_seed is None else 0)
    got = run(Adder(), inputs={"a": a, "b": b}, latency=Adder.latency, stall_seed=stall_seed)
    assert_same(got, float_bits(add(floats(a), floats(b))), a, b)


def test_adder_replacement_keeps_step() -> None:
    a, b = random_pairs(400, seed=4)
    replacement, _ = random_pairs(400, seed=5)
    replace = np.arange(400) % 3 == 0
    inputs = {"a": a, "b": b, "replace": replace, "replacement": replacement}
    expected = np.where(replace, replacement, float_bits(add(floats(a), floats(b))))
    assert_same(run(Adder(), inputs=inputs, latency=Adder.latency), expected, a, b)
