"""How many cycles the PCU needs when nobody makes it wait."""

from __future__ import annotations

import numpy as np
import pytest
from pcu_bench import SPEC, beats, bench, expected, nested_stops

from weft.hw.arith import FunctionUnit
from weft.hw.numerics.ops import Op
from weft.hw.pcu.stage import Stage as StageUnit
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage

EACH = Input(InputMode.EACH)
# Queue, first register, one stage, conversion and output; the first beat is offered in cycle 0.
_LATENCY = 1 + 1 + StageUnit.latency + 1 + 1


def _floats(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_a_map_takes_a_beat_a_cycle() -> None:
    program = Pcu(vector=(EACH,), stages=(Stage(Op.ADD, c=Source.CONST, const=1 << 29),), vector_out=True)
    run = bench().run(program, [beats(_floats(1, 40, SPEC.lanes))], [])
    assert len(run.vector) == 40
    assert run.cycles == 40 + _LATENCY


def test_stages_that_change_nothing_cost_no_latency() -> None:
    run = bench().run(Pcu(vector=(EACH,), vector_out=True), [beats(_floats(2, 40, SPEC.lanes))], [])
    assert run.cycles == 40 + _LATENCY - StageUnit.latency


@pytest.mark.parametrize("tiles", [1, 2, SPEC.acc_depth])
def test_a_product_takes_a_beat_a_cycle_with_enough_accumulators(tiles: int) -> None:
    rows = 10
    program = Pcu(
        vector=(EACH,),
        scalar=(Input(InputMode.HOLD, 1),),
        stages=(Stage(Op.MULADD, Source.REG0, Source.SCALAR0, Source.ACC),),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        vector_out=True,
    )
    run = bench().run(
        program, [beats(_floats(3, rows * tiles, SPEC.lanes), nested_stops(rows, tiles))], [beats(_floats(4, rows))]
    )
    # Rows shorter than the adder's loop wait for it; afterwards comes one drain step for each accumulator.
    per_row = max(tiles, FunctionUnit.c_latency)
    assert len(run.vector) == tiles
    assert run.busy == rows * tiles + tiles
    assert run.cycles == rows * per_row + tiles + _LATENCY


def test_one_accumulator_takes_a_beat_for_each_turn_of_the_adder() -> None:
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ADD, c=Source.ACC),),
        accumulate=Accumulate.REDUCE,
        acc_rank=1,
        vector_out=True,
    )
    run = bench().run(program, [beats(_floats(5, 40, SPEC.lanes), nested_stops(4, 10))], [])
    assert len(run.vector) == 4
    assert run.cycles <= 40 * FunctionUnit.c_latency + _LATENCY


def test_a_blocked_output_is_reported_and_loses_nothing() -> None:
    program = Pcu(vector=(EACH,), stages=(Stage(Op.ADD, c=Source.REG0),), vector_out=True, scalar_out=True)
    given = [beats(_floats(6, 30, SPEC.lanes), nested_stops(30))]
    run = bench().run(program, given, [], pause=0.8, seed=3)
    golden = expected(SPEC, program, given, [])
    assert (run.vector, run.scalar) == (golden.vector, golden.scalar)


def test_waits_name_the_missing_input() -> None:
    program = Pcu(vector=(EACH, EACH), scalar=(Input(), EACH), vector_out=True)
    run = bench().run(program, [beats(_floats(7, 3, SPEC.lanes)), None], [None, None])
    # Vector input 1 and, after all vector inputs, scalar input 1.
    assert run.waits == 1 << 1 | 1 << SPEC.vector_inputs + 1
    assert run.busy == 0
