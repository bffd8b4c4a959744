# amaranth: UnusedElaboratable=no
# (a component that refuses its parameters is never elaborated)
"""The reduction tree against its NumPy twin, and the twin against sums written out."""

from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator
from arith_bench import CORNERS, assert_same, float_bits, floats

from weft.hw.arith import Adder, ReductionTree
from weft.hw.numerics import Reduction, reduce, tree_max, tree_min, tree_sum


def vectors(count: int, lanes: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 1 << 32, (count, lanes), dtype=np.uint32)
    near = rng.standard_normal((count, lanes)).astype(np.float32).view(np.uint32)
    corner = rng.choice(CORNERS, (count, lanes))
    x[1::3], x[2::3] = near[1::3], corner[2::3]
    return x


def run_tree(lanes: int, op: Reduction, x: Any) -> Any:
    tree = ReductionTree(lanes=lanes)
    assert tree.latency == Adder.latency * int(np.log2(lanes))
    results: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(tree.op, op)
        for cycle in range(len(x) + tree.latency):
            if cycle < len(x):
                ctx.set(tree.x, [int(element) for element in x[cycle]])
            if cycle >= tree.latency:
                results.append(ctx.get(tree.r))
            await ctx.tick()

    simulator = Simulator(tree)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
    return np.array(results, dtype=np.uint32)


@pytest.mark.parametrize("lanes", [2, 4, 8])
@pytest.mark.parametrize("op", list(Reduction))
def test_tree(lanes: int, op: Reduction) -> None:
    x = vectors(240, lanes, seed=lanes)
    assert_same(run_tree(lanes, op, x), float_bits(reduce(op, floats(x))), x[:, 0], x[:, 1])


def test_order_of_the_sum_is_fixed() -> None:
    x = np.random.default_rng(1).standard_normal((500, 8)).astype(np.float32)
    pairs = x[:, 0::2] + x[:, 1::2]
    expected = (pairs[:, 0] + pairs[:, 1]) + (pairs[:, 2] + pairs[:, 3])
    assert_same(float_bits(tree_sum(x)), float_bits(expected))
    assert_same(float_bits(tree_sum(x.T, axis=0)), float_bits(expected))


def test_extremes_equal_plain_numpy() -> None:
    x = np.random.default_rng(2).standard_normal((500, 16)).astype(np.float32)
    assert_same(float_bits(tree_max(x)), float_bits(x.max(axis=-1)))
    assert_same(float_bits(tree_min(x)), float_bits(x.min(axis=-1)))


def test_single_lane_is_a_wire() -> None:
    tree = ReductionTree(lanes=1)
    assert tree.latency == 0
    seen: list[int] = []

    async def bench(ctx: Any) -> None:
        ctx.set(tree.op, Reduction.SUM)
        ctx.set(tree.x, [0x1234_5678])
        seen.append(ctx.get(tree.r))

    simulator = Simulator(tree)
    simulator.add_testbench(bench)
    simulator.run()
    assert seen == [0x1234_5678]
    assert float_bits(tree_sum(floats(np.array([0x1234_5678], np.uint32)))) == 0x1234_5678


@pytest.mark.parametrize("lanes", [0, 3, 12, -4])
def test_lanes_must_be_a_power_of_two(lanes: int) -> None:
    with pytest.raises(ValueError, match=f"lanes must be a power of two, not {lanes}"):
        ReductionTree(lanes=lanes)


def test_lanes_must_be_an_integer() -> None:
    with pytest.raises(TypeError, match=r"lanes must be an integer, not 4\.0"):
        ReductionTree(lanes=4.0)  # pyright: ignore[reportArgumentType]


def test_twin_refuses_odd_lanes() -> None:
    with pytest.raises(ValueError, match="power of two, not 3"):
        tree_sum(np.zeros(3, np.float32))
