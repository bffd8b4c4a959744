"""The lane mask of accumulations: lanes past the end of a row never count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pcu_bench import SPEC, beats, bench, check, expected, inputs, nested_stops

from weft.hw.numerics import apply, floats_of
from weft.hw.numerics.ops import Op, Reduction
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.sim.device import Beats
from weft.sim.functional.pcu import run_pcu

EACH = Input(InputMode.EACH)
LANES = SPEC.lanes
NAN = 0x7FC00000


def _words(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, LANES)).astype(np.float32)


def _sums(accumulate: Accumulate, row_lanes: int, *, op: Op = Op.ADD, const: int = 0) -> Pcu:
    drains = accumulate is Accumulate.DRAIN
    return Pcu(
        vector=(EACH, EACH),
        stages=(
            Stage(op, Source.REG0, Source.REG1, Source.ACC, const=const),
            Stage(Op.ADD, Source.REG0, c=Source.CONST, const=0x3F800000),
        ),
        accumulate=accumulate,
        acc_row=1 if drains else 0,
        acc_rank=2 if drains else 1,
        row_lanes=row_lanes,
        vector_out=True,
    )


def _stepwise(program: Pcu, a: Beats, b: Beats) -> np.ndarray:
    """The accumulator after each step, as the program's text says it."""
    stage = program.stages[0]
    first = floats_of(np.full(LANES, stage.const, np.uint32))
    state: dict[int, np.ndarray] = {}
    index, after = 0, []
    for x, y, stop, void in zip(a.data, b.data, a.stop, a.void, strict=True):
        before = state.get(index, first)
        keeps = np.full(LANES, void)
        if program.row_lanes and stop >= 1:
            keeps |= np.arange(LANES) >= program.row_lanes
        state[index] = np.where(keeps, before, apply(stage.op, x, y, before)).astype(np.float32)
        after.append(state[index])
        index = 0 if stop >= program.acc_row else index + 1
        if stop >= program.acc_rank:
            state = {}
    return np.array(after, np.float32)


@pytest.mark.parametrize("row_lanes", range(LANES + 1))
@pytest.mark.parametrize("op", [Op.ADD, Op.MULADD, Op.MAX])
def test_twin_equals_a_loop_over_steps(row_lanes: int, op: Op) -> None:
    program = replace(_sums(Accumulate.SCAN, row_lanes, op=op, const=0x40000000), acc_row=1, acc_rank=2)
    program = replace(program, stages=program.stages[:1])
    for seed in range(4):
        void = np.random.default_rng(seed).random(24) < 0.2 * (seed % 2)
        a, b = beats(_words(seed, 24), nested_stops(2, 3, 4), void), beats(_words(seed + 50, 24))
        result = run_pcu(SPEC, program, inputs([a, b])).vector
        assert result is not None
        assert np.array_equal(result.data.view(np.uint32), _stepwise(program, a, b).view(np.uint32))


@pytest.mark.parametrize("row_lanes", [1, 3, LANES])
@pytest.mark.parametrize("accumulate", [Accumulate.REDUCE, Accumulate.SCAN, Accumulate.DRAIN])
def test_every_mode(accumulate: Accumulate, row_lanes: int) -> None:
    """The same with a first value that is not zero, void beats, and rows of one beat, whose lanes keep it."""
    program = _sums(accumulate, row_lanes, op=Op.MULADD, const=0x41200000)
    void = np.random.default_rng(row_lanes).random(30) < 0.2
    vector = [beats(_words(1, 30), nested_stops(2, 3, 5), void), beats(_words(2, 30))]
    check(program, vector)
    check(program, [beats(_words(3, 6), nested_stops(2, 3, 1)), beats(_words(4, 6))])


def test_the_sum_of_a_row_counts_its_elements_only() -> None:
    """Rows of 2 * LANES + 1 elements, filled up with NaN."""
    rows, size = 3, 2 * LANES + 1
    data = np.full((rows, 3 * LANES), NAN, np.uint32)
    numbers = np.random.default_rng(5).integers(-40, 40, (rows, size))
    data[:, :size] = numbers.astype(np.float32).view(np.uint32)
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ADD, Source.REG0, c=Source.ACC),),
        accumulate=Accumulate.REDUCE,
        acc_rank=1,
        row_lanes=1,
        reduction=Reduction.SUM,
        scalar_out=True,
    )
    run = check(program, [beats(data.reshape(-1, LANES), nested_stops(rows, 3))])
    sums = np.array([words[0] for words, _, _ in run.scalar], np.uint32).view(np.float32)
    assert sums.tolist() == numbers.sum(axis=1).tolist()


def test_stages_without_an_accumulator_compute_in_all_lanes() -> None:
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ADD, Source.REG0, c=Source.CONST, const=0x3F800000),),
        row_lanes=1,
        vector_out=True,
    )
    vector = [beats(_words(6, 6), nested_stops(2, 3))]
    check(program, vector)
    plain = expected(SPEC, replace(program, row_lanes=0), vector, ())
    assert expected(SPEC, program, vector, ()).vector == plain.vector


def test_drain_steps_add_up_all_lanes() -> None:
    """With ``drain_sum`` the last drain step carries a stop, and still adds."""
    stages = tuple(Stage(Op.MULADD, Source(number), Source.SCALAR0, Source.ACC) for number in range(2))
    program = Pcu(
        vector=(EACH, EACH),
        scalar=(Input(InputMode.HOLD, 1),),
        stages=stages,
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_sum=True,
        row_lanes=2,
        vector_out=True,
    )
    vector = [beats(_words(7, 12), nested_stops(4, 3)), beats(_words(8, 12))]
    run = check(program, vector, [beats(_words(9, 4)[:, 0])])
    plain = expected(SPEC, replace(program, row_lanes=0), vector, [beats(_words(9, 4)[:, 0])])
    assert [words[:2] for words, _, _ in run.vector] == [words[:2] for words, _, _ in plain.vector]
    assert run.vector[-1][0][2:] == (0, 0)


@pytest.mark.parametrize("accumulate", [Accumulate.REDUCE, Accumulate.DRAIN])
def test_a_mask_takes_no_cycle(accumulate: Accumulate) -> None:
    vector = [beats(_words(10, 60), nested_stops(3, 5, 4)), beats(_words(11, 60))]
    runs = [bench().run(_sums(accumulate, lanes), vector, []) for lanes in (0, 1)]
    assert runs[0].cycles == runs[1].cycles
    assert runs[0].vector != runs[1].vector
