"""Random programs on random tensors: the hardware gives what the functional model gives, whatever the pauses."""

from __future__ import annotations

import numpy as np
import pytest
from pcu_bench import SPEC, Given, beats, bench, expected

from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage

LANES = SPEC.lanes


def _stops(rng: np.random.Generator, accumulate: Accumulate) -> np.ndarray:
    """Three ranks of ragged sizes; the rows within a block are equally long, for accumulators need that."""
    stop: list[int] = []
    for _ in range(rng.integers(1, 4)):
        for block in range(blocks := int(rng.integers(1, 4))):
            width = int(rng.integers(1, SPEC.acc_depth + 1 if accumulate is Accumulate.DRAIN else 12))
            rows = int(rng.integers(1, 4))
            for row in range(rows):
                end = 1 if row < rows - 1 else 2 if block < blocks - 1 else 3
                stop += [0] * (width - 1) + [end]
    return np.array(stop, np.uint8)


def _stage(rng: np.random.Generator, number: int, accumulates: bool) -> Stage:
    scalars = [Source.SCALAR0, Source.SCALAR1]
    registers = [Source.REG0, Source.REG1, Source.REG2, Source.REG3]
    sources = [*registers, Source.CONST, Source.ROW, Source.BELOW, *scalars]
    a, b, c = (sources[int(rng.integers(len(sources)))] for _ in range(3))
    const = int(rng.normal(size=1).astype(np.float32).view(np.uint32)[0])
    op = Op(int(rng.integers(len(Op))))
    return Stage(
        op, a, b, Source.ACC if accumulates else c, dst=int(rng.integers(4)) if number == 0 else 0, const=const
    )


def _case(seed: int) -> tuple[Pcu, Given, Given]:
    rng = np.random.default_rng(seed)
    accumulate = Accumulate(int(rng.integers(4)))
    first = int(rng.integers(SPEC.stages))
    drained = int(rng.integers(1, SPEC.stages - first + 1))
    accumulating = range(first, first + drained) if accumulate is not Accumulate.OFF else range(0)
    hold = int(rng.integers(4))
    program = Pcu(
        vector=(Input(InputMode.EACH), Input(InputMode.HOLD, hold), Input()),
        scalar=(Input(InputMode.EACH), Input(InputMode.HOLD, 1)),
        stages=tuple(_stage(rng, number, number in accumulating) for number in range(SPEC.stages)),
        accumulate=accumulate,
        acc_row=1 if accumulate is Accumulate.DRAIN else 0,
        acc_rank=int(rng.integers(2, 4)),
        drain_stage=first,
        drain_stages=drained,
        reduction=Reduction(int(rng.integers(4))),
        special=Special(int(rng.integers(5))),
        conversion=Conversion(int(rng.integers(4))),
        stop_rank=int(rng.integers(1, 4)),
        stop_sub=int(rng.integers(2)),
        stop_add=int(rng.integers(3)),
        vector_out=bool(rng.integers(4)),
        scalar_out=True,
    )
    # Rows of a block that is longer than a rank-2 tensor must still be equally long.
    if accumulate is Accumulate.DRAIN and program.acc_rank == 3:
        width = int(rng.integers(1, SPEC.acc_depth + 1))
        stop = np.tile(np.r_[np.zeros(width - 1, np.uint8), 1], 5).astype(np.uint8)
        stop[-1] = 3
    else:
        stop = _stops(rng, accumulate)
    count = len(stop)
    void = rng.random(count) < 0.15
    data = rng.normal(size=(count, LANES)).astype(np.float32) * np.float32(2.0) ** rng.integers(-20, 20, (count, 1))
    held = beats(rng.normal(size=(int((stop >= hold).sum()), LANES)))
    each = beats(rng.normal(size=count))
    slow = beats(rng.normal(size=int((stop >= 1).sum())))
    return program, [beats(data.astype(np.float32), stop, void), held], [each, slow]


def test_the_cases_reach_every_mode() -> None:
    programs = [_case(seed)[0] for seed in range(40)]
    assert {program.accumulate for program in programs} == set(Accumulate)
    assert {program.drain_stages for program in programs if program.accumulate is Accumulate.DRAIN} == {1, 2}


@pytest.mark.parametrize("seed", [*range(5), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(5, 28))])
def test_random_program(seed: int) -> None:
    program, vector, scalar = _case(seed)
    golden = expected(SPEC, program, vector, scalar)
    assert golden.scalar
    for pause in (0.0, 0.5):
        run = bench().run(program, vector, scalar, pause=pause, seed=seed)
        assert run.scalar == golden.scalar, f"scalar output differs with pauses {pause}: {program}"
        assert run.vector == golden.vector, f"vector output differs with pauses {pause}: {program}"
