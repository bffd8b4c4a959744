"""Properties of the NumPy twins that every unit relies on."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arith_bench import CORNERS, float_bits, floats
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.hw import numerics
from weft.hw.numerics import Conversion, Op, Reduction, Special

words = st.lists(st.integers(0, 0xFFFF_FFFF) | st.sampled_from([int(c) for c in CORNERS]), min_size=1, max_size=8)

ARITHMETIC = [op for op in Op if op not in (Op.PASS, Op.SELECT) and not op.is_integer]
"""Operations on floats; what passes keeps its bits, and integers are not flushed."""


def is_flushed(bits: Any) -> bool:
    """No subnormal, and no NaN but the canonical one."""
    magnitude = bits & np.uint32(0x7FFF_FFFF)
    subnormal = (magnitude != 0) & (magnitude < 0x0080_0000)
    other_nan = (magnitude > 0x7F80_0000) & (bits != 0x7FC0_0000)
    return not np.any(subnormal | other_nan)


@given(words)
def test_flush_changes_only_what_is_not_a_number_here(patterns: list[int]) -> None:
    bits = np.array(patterns, dtype=np.uint32)
    flushed = float_bits(numerics.flush(floats(bits)))
    assert is_flushed(flushed)
    for before, after in zip(patterns, flushed.tolist(), strict=True):
        magnitude = before & 0x7FFF_FFFF
        if 0x0080_0000 <= magnitude <= 0x7F80_0000:
            assert after == before
        elif magnitude > 0x7F80_0000:
            assert after == 0x7FC0_0000
        else:
            assert after == before & 0x8000_0000


@settings(max_examples=300)
@given(words, st.integers(0, 1 << 32))
def test_results_are_flushed_and_operands_too(patterns: list[int], seed: int) -> None:
    a = floats(np.array(patterns, dtype=np.uint32))
    rng = np.random.default_rng(seed)
    b, c = (floats(rng.choice(CORNERS, len(a))) for _ in range(2))
    flushed = [numerics.flush(x) for x in (a, b, c)]
    for op in ARITHMETIC:
        result = float_bits(numerics.apply(op, a, b, c))
        assert is_flushed(result)
        assert np.array_equal(result, float_bits(numerics.apply(op, *flushed)))
    for function in (numerics.exp, numerics.reciprocal, numerics.rsqrt, numerics.sigmoid, numerics.to_bf16):
        result = float_bits(function(a))
        assert is_flushed(result)
        assert np.array_equal(result, float_bits(function(flushed[0])))


def test_operands_are_never_written() -> None:
    a = floats(CORNERS.copy())
    for op in ARITHMETIC:
        numerics.apply(op, a, a, a)
    for function in (numerics.exp, numerics.rsqrt, numerics.to_int32, numerics.from_int32):
        function(a)
    assert np.array_equal(float_bits(a), CORNERS)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: numerics.apply(Op.PASS, x, x, x),
        lambda x: numerics.special(Special.NONE, x),
        lambda x: numerics.convert(Conversion.NONE, x),
        lambda x: numerics.reduce(Reduction.NONE, x[:, None]),
    ],
)
def test_what_passes_keeps_its_bits(call: Callable[[Any], Any]) -> None:
    assert np.array_equal(float_bits(call(floats(CORNERS))), CORNERS)


def test_operands_an_operation_does_not_read_do_not_matter() -> None:
    a, b = (floats(x.ravel()) for x in np.meshgrid(CORNERS, CORNERS))
    garbage = np.roll(a, 5)
    for op in Op:
        one = numerics.apply(op, a, b if op.reads_b else garbage, b if op.reads_c else garbage)
        other = numerics.apply(op, a, b, b)
        assert np.array_equal(float_bits(one), float_bits(other))


def test_bits_and_floats() -> None:
    assert np.array_equal(numerics.bits_of(numerics.floats_of(CORNERS)), CORNERS)
    assert np.array_equal(numerics.bits_of(numerics.floats_of(CORNERS.astype(np.int64))), CORNERS)
    assert int(numerics.bits_of(1.0)) == 0x3F80_0000
