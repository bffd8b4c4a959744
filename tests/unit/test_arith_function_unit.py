"""The function unit against its NumPy twin, and comparisons and selection against plain NumPy."""

import numpy as np
import pytest
from arith_bench import CORNERS, Bits, assert_same, corner_pairs, float_bits, floats, random_pairs, run

from weft.hw.arith import FunctionUnit
from weft.hw.numerics import Op, apply, equal, less, less_equal, maximum, minimum, mul, select

NAN = 0x7FC0_0000


def test_order_twins_equal_plain_numpy() -> None:
    a, b = (floats(np.concatenate(part)) for part in zip(corner_pairs(), random_pairs(50_000, seed=1), strict=True))
    # Without subnormals plain NumPy defines the order; zeros compare equal there as here.
    tiny = np.float32(2.0**-126)
    a, b = (np.where(np.abs(x) < tiny, np.copysign(np.float32(0), x), x) for x in (a, b))
    assert_same(float_bits(less(a, b)), float_bits((a < b).astype(np.float32)))
    assert_same(float_bits(less_equal(a, b)), float_bits((a <= b).astype(np.float32)))
    assert_same(float_bits(equal(a, b)), float_bits((a == b).astype(np.float32)))
    for twin, plain in ((maximum, np.maximum), (minimum, np.minimum)):
        expected = plain(a, b)
        same = expected == twin(a, b)
        assert np.all(same | np.isnan(expected))
        assert np.all(float_bits(twin(a, b))[np.isnan(expected)] == NAN)


def test_order_of_zeros_and_subnormals() -> None:
    plus, minus, subnormal = np.float32(0.0), np.float32(-0.0), np.float32(1e-40)
    for a, b in ((plus, minus), (minus, plus)):
        assert float_bits(maximum(a, b)) == 0
        assert float_bits(minimum(a, b)) == 0x8000_0000
    assert less(plus, subnormal) == 0.0
    assert equal(minus, subnormal) == 1.0
    assert float_bits(maximum(minus, subnormal)) == 0
    assert float_bits(minimum(-subnormal, plus)) == 0x8000_0000


def test_select_twin() -> None:
    b, c = np.float32(2), np.float32(3)
    assert select(np.float32(-0.0), b, c) == 3
    assert select(np.float32(1e-40), b, c) == 3
    assert select(np.float32(np.nan), b, c) == 2
    assert select(np.float32(-1e-30), b, c) == 2
    # The chosen word passes as it is: it may be an integer.
    assert float_bits(select(np.float32(1), floats(np.uint32(5)), c)) == 5
    assert float_bits(select(np.float32(0), b, floats(np.uint32(0xFF80_0001)))) == 0xFF80_0001


def operands(op: Op) -> tuple[Bits, Bits, Bits]:
    """Every corner with every corner in the two operands that matter most, and random bits."""
    if op is Op.MULADD:
        corner_a, corner_b = corner_pairs()
        a, b = (np.concatenate([x, y]) for x, y in zip((corner_a, corner_b), random_pairs(3000, seed=2), strict=True))
        # Random sums, and sums that almost cancel the product.
        c = np.concatenate([random_pairs(1500, seed=3)[0], CORNERS, np.zeros(len(a), np.uint32)])[: len(a)]
        c[::2] = float_bits(mul(floats(a), floats(b)))[::2] ^ 0x8000_0000
        c[::4] += np.uint32(1)
        return a, b, c
    a, c = (np.concatenate([x, y]) for x, y in zip(corner_pairs(), random_pairs(800, seed=4), strict=True))
    return a, np.roll(c if op.reads_b else a, 7), c


@pytest.mark.parametrize("op", list(Op))
@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.long)], ids=["some pairs", "all pairs"])
def test_function_unit(op: Op, step: int) -> None:
    """With a seventh of the pairs, each time another; all of them pass the unit compiled in `test_pcu_native.py`."""
    a, b, c = (each[op % step :: step] for each in operands(op))
    bypass = np.random.default_rng(6).random(len(a)) < 0.1
    got = run(
        FunctionUnit(),
        inputs={"a": a, "b": b, "c": c, "bypass": bypass},
        skew={"c": 1, "bypass": 1},
        constant={"op": op},
        latency=FunctionUnit.latency,
    )
    expected = np.where(bypass, c, float_bits(apply(op, floats(a), floats(b), floats(c))))
    assert_same(got, expected, a, b, c)


def test_function_unit_stalled() -> None:
    a, b = random_pairs(300, seed=7)
    c, _ = random_pairs(300, seed=8)
    got = run(
        FunctionUnit(),
        inputs={"a": a, "b": b, "c": c},
        skew={"c": 1},
        constant={"op": Op.MULADD},
        latency=FunctionUnit.latency,
        stall_seed=9,
    )
    assert_same(got, float_bits(apply(Op.MULADD, floats(a), floats(b), floats(c))), a, b, c)


def test_latencies() -> None:
    assert (FunctionUnit.latency, FunctionUnit.c_latency) == (3, 2)
