"""Conversions: unit against twin, twin against ml_dtypes and exact arithmetic."""

import ml_dtypes
import numpy as np
import pytest
from arith_bench import CORNERS, assert_same, float_bits, floats, random_pairs, run

from weft.hw.arith import Convert
from weft.hw.numerics import Conversion, convert, from_int32, to_bf16, to_int32


def operands(count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    magnitudes = rng.uniform(-2.0, 33.0, count)
    moderate = (np.exp2(magnitudes) * rng.choice([-1, 1], count)).astype(np.float32)
    halves = (np.arange(-40, 40) / 4).astype(np.float32)
    edges = np.float32([2**31, -(2**31), 2**31 - 128, -(2**31) - 256, 2**24 + 1, 2**23 + 0.5, 2**22 + 0.25])
    integers = np.array([0, 1, -1, 2**31 - 1, -(2**31), 2**24 + 1, 2**25 + 2, 2**25 + 6, 2**31 - 64, 2**31 - 65])
    bf16_ties = random_pairs(count, seed=seed)[0] & 0xFFFF_0000 | 0x8000
    parts = [CORNERS, float_bits(moderate), float_bits(halves), float_bits(edges), integers & 0xFFFF_FFFF]
    parts += [bf16_ties, random_pairs(count, seed=seed + 1)[0], rng.integers(-3000, 3000, count) & 0xFFFF_FFFF]
    return np.concatenate([np.asarray(part).astype(np.uint32) for part in parts])


@pytest.mark.parametrize("op", list(Conversion))
def test_convert(op: Conversion) -> None:
    x = operands(600, 1)
    got = run(Convert(), inputs={"x": x}, constant={"op": op}, latency=Convert.latency)
    assert_same(got, float_bits(convert(op, floats(x))), x)


def test_operation_travels_with_the_operand_and_stalls() -> None:
    x = operands(60, 5)
    op = np.random.default_rng(6).integers(0, len(Conversion), len(x))
    got = run(Convert(), inputs={"x": x, "op": op}, latency=Convert.latency, stall_seed=7)
    every = np.stack([float_bits(convert(each, floats(x))) for each in Conversion])
    assert_same(got, every[op, np.arange(len(x))], x)


def test_to_bf16_equals_ml_dtypes() -> None:
    bits = np.concatenate([operands(200_000, 2), np.arange(0x7F7F_0000, 0x7F80_0001, dtype=np.uint32)])
    exponent = bits >> np.uint32(23) & np.uint32(0xFF)
    nan = (exponent == 255) & (bits & np.uint32(0x7F_FFFF) != 0)
    with np.errstate(all="ignore"):
        rounded = floats(bits).astype(ml_dtypes.bfloat16).view(np.uint16).astype(np.uint32) << np.uint32(16)
    expected = np.where(exponent == 0, bits & np.uint32(0x8000_0000), rounded)
    expected = np.where(nan, np.uint32(0x7FC0_0000), expected)
    assert_same(float_bits(to_bf16(floats(bits))), expected, bits)


def test_to_int32_equals_exact_rounding() -> None:
    bits = operands(20_000, 3)
    for pattern, result in zip(bits[:4000], float_bits(to_int32(floats(bits)))[:4000], strict=True):
        value = float(floats(pattern))
        if np.isnan(value):
            expected = 0
        elif np.isinf(value):
            expected = 2**31 - 1 if value > 0 else -(2**31)
        else:
            expected = min(max(round(value), -(2**31)), 2**31 - 1)  # Python rounds to even
        assert int(result) == expected & 0xFFFF_FFFF, hex(int(pattern))


def test_from_int32_equals_exact_rounding() -> None:
    bits = operands(50_000, 4)
    expected = bits.view(np.int32).astype(np.float64).astype(np.float32)  # exact, then rounded once
    assert_same(float_bits(from_int32(floats(bits))), float_bits(expected), bits)


def test_small_integers_survive_the_way_back() -> None:
    integers = np.arange(-70_000, 70_000, dtype=np.int32)
    back = to_int32(from_int32(integers.view(np.float32))).view(np.int32)
    assert np.array_equal(back, integers)
