"""Empty dimensions through a PCU: void beats as references, held against, accumulated, unpacked."""

from __future__ import annotations

import numpy as np
import pytest
from pcu_bench import SPEC, beats, bench, check, expected

from weft.hw.numerics.ops import Op
from weft.hw.program import Unpack
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.sim.device import Beats

EACH = Input(InputMode.EACH)
LANES = SPEC.lanes
ONE = 0x3F800000


def _void(*stops: int) -> Beats:
    """Void beats with these stops."""
    return beats(np.zeros((len(stops), LANES)), list(stops), True)


def _sum(accumulate: Accumulate, rank: int = 1) -> Pcu:
    drains = accumulate is Accumulate.DRAIN
    return Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ADD, Source.REG0, c=Source.ACC, const=ONE) if accumulate else Stage(Op.ADD, c=Source.REG0),),
        accumulate=accumulate,
        acc_row=int(drains),
        acc_rank=rank + drains,
        vector_out=True,
    )


@pytest.mark.parametrize("accumulate", [Accumulate.OFF, Accumulate.SCAN])
def test_void_beats_go_through_as_void_beats(accumulate: Accumulate) -> None:
    run = check(_sum(accumulate), [_void(1, 1, 1, 5)])
    assert [(stop, void) for _, stop, void in run.vector] == [(1, True), (1, True), (1, True), (5, True)]


def test_the_sum_of_nothing_is_the_first_value() -> None:
    run = check(_sum(Accumulate.REDUCE), [_void(1, 1, 1, 5)])
    assert run.vector == [((ONE,) * LANES, stop, False) for stop in (1, 1, 1, 5)]


@pytest.mark.parametrize(("stops", "given"), [([2], [2]), ([2, 4], [2, 4]), ([0, 0, 2], [0, 0, 2]), ([1, 1, 2], [2])])
def test_a_drain_gives_a_beat_for_each_step_of_the_last_row(stops: list[int], given: list[int]) -> None:
    """An empty matrix is one void beat and drains one; a row of void beats drains as many."""
    run = check(_sum(Accumulate.DRAIN), [_void(*stops)])
    assert run.vector == [((ONE,) * LANES, stop, False) for stop in given]


def test_inputs_are_held_against_void_beats() -> None:
    """[3, 0] beside [3]: each void beat ends a row, so each pops."""
    program = Pcu(
        vector=(EACH, Input(InputMode.HOLD, 1)),
        scalar=(EACH, Input(InputMode.HOLD, 2)),
        stages=(Stage(Op.MULADD, Source.REG0, Source.SCALAR1, Source.REG1),),
        vector_out=True,
    )
    rng = np.random.default_rng(1)
    held, each = beats(rng.normal(size=(3, LANES))), beats(rng.normal(size=3), [1, 1, 2], True)
    run = check(program, [_void(1, 1, 2), held], [each, beats(rng.normal(size=1))])
    assert len(run.vector) == 3
    assert run.taken == {"vector_0": 3, "vector_1": 3, "scalar_0": 3, "scalar_1": 1}


@pytest.mark.parametrize("odd", [False, True])
def test_a_void_packed_beat_makes_one_void_beat(odd: bool) -> None:
    program = Pcu(vector=(EACH,), unpack=Unpack.BF16, unpack_odd=odd, vector_out=True)
    run = check(program, [_void(1, 2)])
    assert [(stop, void) for _, stop, void in run.vector] == [(1, True), (2, True)]


@pytest.mark.parametrize("seed", [*range(2, 7), *(pytest.param(seed, marks=pytest.mark.long) for seed in (0, 1, 7))])
def test_random_streams_with_empty_dimensions(seed: int) -> None:
    """Rows of packed and of plain beats, some of them empty, some blocks empty, too."""
    rng = np.random.default_rng(seed)
    stop: list[int] = []
    void: list[bool] = []
    for block in range(12):
        end = 3 if block == 11 else 2
        rows = int(rng.integers(0, 4))
        if not rows:
            stop.append(end)
            void.append(True)
        for row in range(rows):
            size = int(rng.integers(0, 4))
            last = end if row == rows - 1 else 1
            stop += [0] * (size - 1) + [last]
            void += [False] * (size - 1) + [size == 0]
    accumulate = Accumulate(seed % 4)
    # Rows of a block that is drained are equally long: each is a block.
    if accumulate is Accumulate.DRAIN:
        stop = [2 if each == 1 else each for each in stop]
    program = Pcu(
        vector=(EACH,),
        scalar=(Input(InputMode.HOLD, 1),),
        unpack=Unpack.BF16 if seed % 2 or seed > 5 else Unpack.OFF,
        unpack_odd=bool(seed % 3),
        stages=(Stage(Op.MULADD, Source.REG0, Source.SCALAR0, Source.ACC if accumulate else Source.CONST, const=ONE),),
        accumulate=accumulate,
        acc_row=1 if accumulate is Accumulate.DRAIN else 0,
        acc_rank=2 if accumulate is Accumulate.DRAIN else int(rng.integers(1, 3)),
        stop_rank=1,
        stop_sub=int(rng.integers(2)),
        vector_out=True,
    )
    count = len(stop)
    data = rng.integers(0, 1 << 32, (count, LANES), dtype=np.uint32)
    vector = [beats(data, np.array(stop), np.array(void))]
    scalar = [beats(rng.normal(size=int((np.array(stop) > 0).sum())))]
    golden = expected(SPEC, program, vector, scalar)
    assert golden.vector
    for pause in (0.0, 0.5):
        run = bench().run(program, vector, scalar, pause=pause, seed=seed)
        assert run.vector == golden.vector, f"vector output differs with pauses {pause}: {program}"
        assert run.taken["vector_0"] == count
        assert run.taken["scalar_0"] == len(scalar[0].stop)
