"""Words as int32: operations that wrap around, words that pass unchanged, and a PCU that counts with them."""

from __future__ import annotations

import numpy as np
import pytest
from arith_bench import CORNERS, assert_same, corner_pairs, float_bits, floats, random_pairs
from pcu_bench import SPEC, beats, check, nested_stops

from weft.hw.numerics import Conversion, Op, apply, select
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage

EACH = Input(InputMode.EACH)
LANES = SPEC.lanes
ONE = 0x3F80_0000
WORD = 0xFFFF_FFFF


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


MEANING = {
    Op.IADD: lambda a, c: (a + c) & WORD,
    Op.ISUB: lambda a, c: (a - c) & WORD,
    Op.IMAX: lambda a, c: max(a, c, key=_signed),
    Op.ILT: lambda a, c: ONE if _signed(a) < _signed(c) else 0,
    Op.IEQ: lambda a, c: ONE if a == c else 0,
}


@pytest.mark.parametrize("op", MEANING)
def test_twins_equal_python_integers(op: Op) -> None:
    pairs = zip(corner_pairs(), random_pairs(4000, seed=1), strict=True)
    a, c = (np.concatenate(part) for part in pairs)
    a[-50:] = c[-50:]
    expected = np.array([MEANING[op](int(x), int(y)) for x, y in zip(a, c, strict=True)], np.uint32)
    assert_same(float_bits(apply(op, floats(a), floats(a), floats(c))), expected, a, c)


@pytest.mark.parametrize("op", MEANING)
def test_a_single_number_wraps_around_in_silence(op: Op) -> None:
    least, one = floats(np.uint32(0x8000_0000)), floats(np.uint32(1))
    assert int(float_bits(apply(op, least, least, one))) == MEANING[op](0x8000_0000, 1)


def test_what_is_chosen_keeps_its_bits() -> None:
    chosen, other = floats(CORNERS), floats(np.roll(CORNERS, 3))
    assert_same(float_bits(select(np.float32(1), chosen, other)), CORNERS)
    assert_same(float_bits(select(np.float32(0), other, chosen)), CORNERS)


@pytest.mark.parametrize(
    "stage",
    [
        Stage(Op.PASS, Source.REG0, dst=0),
        Stage(Op.PASS, Source.REG1, dst=0),
        Stage(Op.SELECT, Source.CONST, Source.REG0, Source.REG1, const=ONE),
        Stage(Op.SELECT, Source.CONST, Source.REG1, Source.REG0, const=0),
    ],
    ids=["by itself", "PASS", "SELECT b", "SELECT c"],
)
def test_every_bit_goes_through_a_pcu(stage: Stage) -> None:
    words = np.resize(CORNERS, (len(CORNERS) // LANES + 1) * LANES).reshape(-1, LANES)
    program = Pcu(vector=(EACH, EACH), stages=(Stage(), stage), vector_out=True)
    run = check(program, [beats(words), beats(words)])
    assert [lanes for lanes, _, _ in run.vector] == [tuple(map(int, row)) for row in words]


@pytest.mark.parametrize("accumulate", [Accumulate.SCAN, Accumulate.REDUCE, Accumulate.DRAIN])
@pytest.mark.parametrize("op", [Op.IADD, Op.ISUB, Op.IMAX, Op.ILT, Op.IEQ])
def test_accumulators_of_integers(op: Op, accumulate: Accumulate) -> None:
    rng = np.random.default_rng(op)
    drains = accumulate is Accumulate.DRAIN
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(op, Source.REG0, c=Source.ACC, const=7),),
        accumulate=accumulate,
        acc_row=int(drains),
        acc_rank=2,
        vector_out=True,
    )
    words = rng.integers(0, 1 << 32, (24, LANES), dtype=np.uint32)
    words[::3] = rng.integers(0, 9, (8, LANES))
    check(program, [beats(words, nested_stops(2, 3, 4), rng.random(24) < 0.2)])


@pytest.mark.parametrize(
    ("stage", "given"),
    [
        (Stage(Op.PASS, Source.REG1), [10, 11, 12, 13, 14]),
        (Stage(Op.ILT, Source.REG1, c=Source.CONST, const=13), [ONE, ONE, ONE, 0, 0]),
        (Stage(Op.IEQ, Source.REG1, c=Source.CONST, const=11), [0, ONE, 0, 0, 0]),
    ],
)
def test_a_counter_of_beats(stage: Stage, given: list[int]) -> None:
    """Positions from 10, all of them subnormals as floats, and what comparisons say of them."""
    program = Pcu(
        vector=(EACH,),
        scalar=(Input(InputMode.HOLD, 2),),
        stages=(Stage(Op.IADD, Source.SCALAR0, c=Source.ACC, const=9, dst=1), stage),
        accumulate=Accumulate.SCAN,
        acc_rank=1,
        vector_out=True,
    )
    one = beats(np.array([1], np.uint32))
    run = check(program, [beats(np.zeros((5, LANES)), [0, 0, 0, 0, 2])], [one])
    assert [lanes for lanes, _, _ in run.vector] == [(each,) * LANES for each in given]


def test_integers_become_floats_in_the_tail() -> None:
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ISUB, Source.REG0, c=Source.CONST, const=100),),
        conversion=Conversion.FROM_INT32,
        vector_out=True,
    )
    run = check(program, [beats(np.array([[0, 100, 101, 0x8000_0000]], np.uint32))])
    numbers = np.array(run.vector[0][0], np.uint32).view(np.float32)
    assert numbers.tolist() == [-100.0, 0.0, 1.0, float(np.float32((1 << 31) - 100))]
