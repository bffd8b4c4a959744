"""The twin's accumulator on whole streams against a loop over steps, as the program's text says it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from pcu_bench import inputs

from weft.hw.numerics import add, apply
from weft.hw.numerics.ops import Op
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.sim.device import Beats
from weft.sim.functional import pcu
from weft.sim.functional.pcu import run_pcu

SPEC = PRESETS["tiny"]
EACH = Input(InputMode.EACH)
ODD = np.array([0, 0x80000000, 1, 0x80000001, 0x007FFFFF, 0x00800000, 0x80800001, 0x7F7FFFFF, 0x7F800000, 0x7FC00001])
ORDINARY = np.array([1.5, -1.5, 1e-3, -0.0, 3e7, -2.0], np.float32).view(np.uint32)


def scan(op: Op, const: int) -> Pcu:
    stage = Stage(op, a=Source.REG0, b=Source.REG1, c=Source.ACC, const=const)
    return Pcu((EACH, EACH), stages=(stage,), accumulate=Accumulate.SCAN, acc_row=1, acc_rank=2, vector_out=True)


def stepwise(op: Op, const: int, a: Beats, b: Beats) -> NDArray[np.uint32]:
    first = np.full(SPEC.lanes, const, np.uint32).view(np.float32)
    acc: dict[int, NDArray[np.float32]] = {}
    index, out = 0, []
    for x, y, stop, void in zip(a.data, b.data, a.stop, a.void, strict=True):
        before = acc.get(index, first)
        acc[index] = before if void else apply(op, x, y, before)
        out.append(acc[index])
        index = 0 if stop >= 1 else index + 1
        if stop >= 2:
            acc = {}
    return np.array(out, np.float32).view(np.uint32)


def streams(seed: int, *, regular: bool, odd: float, void: float) -> tuple[Beats, Beats]:
    random = np.random.default_rng(seed)
    stops: list[int] = []
    rows, beats = random.integers(1, 6, 2)
    for _ in range(4):
        for row in range(rows):
            stops += [0] * (beats - 1) + [2 if row == rows - 1 else 1]
            beats = beats if regular else int(random.integers(1, 6))
        rows = rows if regular else random.integers(1, 6)
    shape = (2, len(stops), SPEC.lanes)
    words = np.where(random.random(shape) < odd, random.choice(ODD, shape), random.choice(ORDINARY, shape))
    data, stop = words.astype(np.uint32).view(np.float32), np.array(stops, np.uint8)
    voids = random.random(len(stops)) < void
    return Beats(data[0], stop, voids), Beats(data[1], stop, voids)


@pytest.mark.parametrize("void", [0.0, 0.2])
@pytest.mark.parametrize("odd", [0.0, 0.02, 0.5])
@pytest.mark.parametrize("regular", [True, False])
@pytest.mark.parametrize("op", [Op.ADD, Op.MULADD, Op.SUB, Op.MAX])
def test_accumulators_equal_a_loop_over_steps(op: Op, regular: bool, odd: float, void: float) -> None:
    for seed in range(12):
        a, b = streams(seed, regular=regular, odd=odd, void=void)
        const = int((*ORDINARY, *ODD)[seed])
        result = run_pcu(SPEC, scan(op, const), inputs([a, b])).vector
        assert result is not None
        assert result.data.view(np.uint32).tolist() == stepwise(op, const, a, b).tolist()


@pytest.mark.parametrize(
    ("const", "terms", "sums"),
    [
        # 2^-126 * 1.5 - 2^-126 is subnormal; unflushed, adding 2^-126 again would give the first number back.
        (0, [0x00C00000, 0x80800000, 0x00800000], [0x00C00000, 0, 0x00800000]),
        # Subnormal terms and first values count as zeros.
        (0, [0x00800000, 0x00000001, 0x3F800000], [0x00800000, 0x00800000, 0x3F800000]),
        (1, [0x00800000, 0x00000000, 0x3F800000], [0x00800000, 0x00800000, 0x3F800000]),
    ],
)
def test_subnormals_on_the_way_are_flushed(const: int, terms: list[int], sums: list[int]) -> None:
    words = np.repeat(np.array(terms, np.uint32)[:, None], SPEC.lanes, axis=1)
    beats = Beats(words.view(np.float32), np.array([1, 1, 2], np.uint8), np.zeros(3, bool))
    result = run_pcu(SPEC, scan(Op.ADD, const), inputs([beats, beats])).vector
    assert result is not None
    assert result.data.view(np.uint32)[:, 0].tolist() == sums


def test_ordinary_sums_of_full_blocks_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Op] = []
    monkeypatch.setattr(pcu, "apply", lambda op, *args: calls.append(op) or apply(op, *args))
    a, b = streams(1, regular=True, odd=0.0, void=0.0)
    result = run_pcu(SPEC, scan(Op.MULADD, 0), inputs([a, b])).vector
    assert result is not None
    assert calls == [Op.MUL]
    assert result.data[0].tolist() == add(apply(Op.MUL, a.data, b.data, a.data)[0], np.float32(0)).tolist()


def test_registers_without_an_input_are_zeros_in_a_merge_that_has_only_one() -> None:
    ones = Beats(np.ones((2, SPEC.lanes), np.float32), np.array([1, 1], np.uint8), np.zeros(2, bool))
    selectors = Beats(np.array([[1], [1]], np.int32).view(np.float32), np.array([0, 1], np.uint8), np.zeros(2, bool))
    add_next = Stage(Op.ADD, a=Source.REG0, c=Source.REG1)
    program = Pcu(merge=True, merge_rank=1, stages=(add_next,), vector_out=True)
    result = run_pcu(SPEC, program, inputs([None, ones], [selectors])).vector
    assert result is not None
    assert result.data.tolist() == ones.data.tolist()
    assert result.stop.tolist() == [1, 2]


def test_a_merge_without_selectors_makes_no_step() -> None:
    ones = Beats(np.ones((2, SPEC.lanes), np.float32), np.array([1, 1], np.uint8), np.zeros(2, bool))
    nothing = Beats(np.zeros((0, 1), np.float32), np.zeros(0, np.uint8), np.zeros(0, bool))
    program = Pcu(merge=True, merge_rank=1, vector_out=True)
    for selectors in (None, nothing):
        result = run_pcu(SPEC, program, inputs([ones, ones], [selectors]))
        assert result.vector is not None
        assert len(result.vector.stop) == 0
        assert not any(result.taken.values())
