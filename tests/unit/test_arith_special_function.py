# amaranth: UnusedElaboratable=no
# (a component that refuses its parameters is never elaborated)
"""The special function unit against its twin, and the twin against extended precision."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from arith_bench import CORNERS, assert_same, float_bits, floats, random_pairs, run

from weft.hw.arith import SpecialFunction
from weft.hw.arith.quadratic import PiecewiseQuadratic
from weft.hw.numerics import Special, exp, reciprocal, rsqrt, sigmoid, special
from weft.hw.numerics.tables import evaluate, exp2_table, inverse_table

NAN, INF, MINUS_INF, ONE, MINUS_ZERO = 0x7FC0_0000, 0x7F80_0000, 0xFF80_0000, 0x3F80_0000, 0x8000_0000

# The bound that docs/numerics.md states; a correctly rounded result would stay within 0.5.
WORST_ULP = 0.6

Function = Callable[[Any], Any]
FUNCTIONS: list[tuple[Function, Function]] = [
    (exp, np.exp),
    (reciprocal, lambda x: 1 / x),
    (rsqrt, lambda x: 1 / np.sqrt(x)),
    (sigmoid, lambda x: 1 / (1 + np.exp(-x))),
]


def operands(per_binade: int, seed: int) -> np.ndarray:
    """Corners, every binade of both signs, the useful range of the exponential, and segment borders."""
    rng = np.random.default_rng(seed)
    binades = np.arange(512, dtype=np.uint32)[:, None] << np.uint32(23)
    spread = (binades | rng.integers(0, 1 << 23, (512, per_binade), dtype=np.uint32)).ravel()
    useful = rng.uniform(-110, 110, 100 * per_binade).astype(np.float32).view(np.uint32)
    borders = (np.arange(0, 512, dtype=np.uint32)[:, None] << np.uint32(15)) + np.uint32(0x3F80_0000)
    borders = (borders + np.arange(-2, 3)).astype(np.uint32).ravel()
    limits = np.array([0x42B1_7217, 0x42B1_7218, 0x42B1_7219, 0xC2AE_AC4F, 0xC2AE_AC50, 0xC2AE_AC51], np.uint32)
    return np.concatenate([CORNERS, spread, useful, borders, limits, limits ^ np.uint32(MINUS_ZERO)])


@pytest.mark.parametrize("op", list(Special))
def test_special_function(op: Special) -> None:
    x = operands(3, 1)
    got = run(SpecialFunction(), inputs={"x": x}, constant={"op": op}, latency=SpecialFunction.latency)
    assert_same(got, float_bits(special(op, floats(x))), x)


@pytest.mark.parametrize("op", [Special.SIGMOID, Special.RSQRT])
def test_special_function_stalled(op: Special) -> None:
    x = random_pairs(300, seed=2)[0] & 0x7FFF_FFFF
    got = run(SpecialFunction(), inputs={"x": x}, constant={"op": op}, latency=SpecialFunction.latency, stall_seed=3)
    assert_same(got, float_bits(special(op, floats(x))), x)


@pytest.mark.parametrize(("twin", "exact"), FUNCTIONS, ids=[twin.__name__ for twin, _ in FUNCTIONS])
def test_twin_accuracy(twin: Function, exact: Function) -> None:
    x = floats(operands(2000, 4))
    x = x[np.isfinite(x) & (np.abs(x) >= 2.0**-126)]
    if twin is rsqrt:
        x = np.abs(x)
    with np.errstate(all="ignore"):
        truth = exact(x.astype(np.longdouble))
    got = twin(x)

    # Away from the edges of the range every result is normal, and within the bound.
    inside = (np.abs(truth) >= 2.0**-126) & (np.abs(truth) < 2.0**128 * (1 - 2.0**-24))
    assert np.count_nonzero(inside) > 100_000
    assert np.all(np.isfinite(got[inside]))
    unit = np.exp2(np.floor(np.log2(np.abs(truth[inside]))) - 23)
    worst = np.max(np.abs(got[inside].astype(np.longdouble) - truth[inside]) / unit)
    assert worst <= WORST_ULP

    # Beyond them it has become infinite or zero, but for a last place in doubt.
    assert np.all(np.isinf(got[np.abs(truth) >= 2.0**128]))
    assert np.all(got[np.abs(truth) < 2.0**-126 * (1 - 2.0**-24)] == 0)


@pytest.mark.parametrize(
    ("twin", "x", "expected"),
    [
        (exp, 0, ONE),
        (exp, MINUS_ZERO, ONE),
        (exp, 1, ONE),
        (exp, INF, INF),
        (exp, MINUS_INF, 0),
        (exp, 0x7F7F_FFFF, INF),
        (exp, 0xFF7F_FFFF, 0),
        (exp, 0x7F80_0001, NAN),
        (reciprocal, 0, INF),
        (reciprocal, MINUS_ZERO, MINUS_INF),
        (reciprocal, 0x8000_0001, MINUS_INF),
        (reciprocal, INF, 0),
        (reciprocal, MINUS_INF, MINUS_ZERO),
        (reciprocal, 0xFFC0_0000, NAN),
        (reciprocal, ONE, ONE),
        (reciprocal, 0x0080_0000, 0x7E80_0000),
        (reciprocal, 0x7E80_0000, 0x0080_0000),
        (reciprocal, 0xFE80_0001, MINUS_ZERO),
        (rsqrt, 0, INF),
        (rsqrt, MINUS_ZERO, MINUS_INF),
        (rsqrt, INF, 0),
        (rsqrt, MINUS_INF, NAN),
        (rsqrt, 0xBF80_0000, NAN),
        (rsqrt, 0x7F80_0001, NAN),
        (rsqrt, ONE, ONE),
        (rsqrt, 0x4080_0000, 0x3F00_0000),
        (rsqrt, 0x0080_0000, 0x5F00_0000),
        (sigmoid, 0, 0x3F00_0000),
        (sigmoid, MINUS_ZERO, 0x3F00_0000),
        (sigmoid, INF, ONE),
        (sigmoid, MINUS_INF, 0),
        (sigmoid, 0x4480_0000, ONE),
        (sigmoid, 0xC480_0000, 0),
        (sigmoid, 0xFF80_0001, NAN),
    ],
)
def test_twin_special_values(twin: Function, x: int, expected: int) -> None:
    assert int(float_bits(twin(floats(np.uint32(x))))) == expected


def test_powers_of_four_have_exact_inverse_roots() -> None:
    exponents = np.arange(-126, 127, 2)
    powers = np.exp2(exponents).astype(np.float32)
    assert np.array_equal(rsqrt(powers), np.exp2(-exponents / 2).astype(np.float32))


# 1/s has 256 segments, so its delta has a bit less than that of the other functions.
SEGMENTS = [
    pytest.param(exp2_table(), 23, False, id="exp2"),
    pytest.param(inverse_table()[:256], 22, True, id="reciprocal"),
    pytest.param(inverse_table()[256:], 23, True, id="rsqrt"),
]


@pytest.mark.parametrize(("table", "delta_bits", "decreasing"), SEGMENTS)
def test_tables_keep_the_leading_one(table: Any, delta_bits: int, decreasing: bool) -> None:
    deltas = [*range(8), *range((1 << delta_bits) - 8, 1 << delta_bits)]
    for segment in table:
        for delta in deltas:
            value = evaluate(segment.c0, segment.c1, segment.c2, delta, decreasing=decreasing)
            assert 1 << 30 <= value < 1 << 31


@pytest.mark.parametrize("length", [0, 1, 3, 96])
def test_quadratic_refuses_a_table(length: int) -> None:
    with pytest.raises(ValueError, match=f"power of two above 1, not {length}"):
        PiecewiseQuadratic(table=exp2_table()[:length], decreasing=False)


def test_shapes_are_kept() -> None:
    x = np.full((2, 3), 0.5, np.float32)
    for twin, _ in FUNCTIONS:
        assert twin(x).shape == (2, 3)
        assert twin(x).dtype == np.float32
        assert twin(np.float32(0.5)).shape == ()
