"""`make verify-arith`: its bench agrees on what is right, and sees what is wrong."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from weft.hw.native import native_cpp
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.sim.arith.models import build_model
from weft.sim.arith.verify import Task, run_task, tasks

_WORDS = 1 << 32


def _bf16(*arguments: str) -> Task:
    return Task("conversions", "TO_BF16", (arguments[0], str(Conversion.TO_BF16.value), *arguments[1:]))


@pytest.fixture(scope="module")
def wrong_by_a_tie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bench whose native conversion to bf16 rounds ties down."""
    cpp = native_cpp()
    broken = cpp["weft_native_conversions.cpp"].replace("0x7fff +", "0x7ffe +")
    assert broken != cpp["weft_native_conversions.cpp"]
    cpp["weft_native_conversions.cpp"] = broken
    return build_model("conversions", tmp_path_factory.mktemp("arith"), cpp)


def test_a_difference_is_counted_and_shown(wrong_by_a_tie: Path) -> None:
    # 1 + 3 * 2^-8 is halfway, and the only one of these eight.
    outcome = run_task(wrong_by_a_tie, _bf16("range", str(0x3F818000), str(0x3F818007)))
    assert (outcome.compared, outcome.wrong) == (8, 1)
    assert outcome.first == "(3f818000, 00000000, 00000000) gave 3f810000 natively, 3f820000 in logic"


def test_corners_alone_find_it(wrong_by_a_tie: Path) -> None:
    assert run_task(wrong_by_a_tie, _bf16("corners")).wrong > 0


def test_the_other_conversions_agree(wrong_by_a_tie: Path) -> None:
    for op in (Conversion.NONE, Conversion.TO_INT32, Conversion.FROM_INT32):
        first = 0x4EFF_FF00  # up to where int32 saturates
        outcome = run_task(wrong_by_a_tie, Task("", "", ("range", str(op.value), str(first), str(first + 0x7FF))))
        assert (outcome.compared, outcome.wrong) == (0x800, 0)


def test_a_run_without_operands_is_no_success(wrong_by_a_tie: Path) -> None:
    with pytest.raises(RuntimeError, match="ended with 2"):
        run_task(wrong_by_a_tie, Task("conversions", "", ("corners",)))


def test_a_full_run_takes_every_word_and_every_operation() -> None:
    covered: dict[tuple[str, int], list[tuple[int, int]]] = {}
    random: dict[tuple[str, int], int] = {}
    for task in tasks(full=True, seed=1):
        kind, op, *numbers = task.arguments
        if kind == "range":
            covered.setdefault((task.model, int(op)), []).append((int(numbers[0]), int(numbers[1])))
        elif kind == "random":
            random[task.model, int(op)] = random.get((task.model, int(op)), 0) + int(numbers[0])
    wanted = {("products", Op.MUL.value)}
    wanted |= {("specials", op.value) for op in Special if op} | {("conversions", op.value) for op in Conversion if op}
    assert covered.keys() == wanted
    for parts in covered.values():
        ends = sorted(parts)
        assert (ends[0][0], ends[-1][1]) == (0, _WORDS - 1)
        assert all(last + 1 == first for (_, last), (first, _) in pairwise(ends))
    pairs = {("functions", op.value) for op in Op if op} | {("reduction", op.value) for op in Reduction if op}
    assert random.keys() == pairs
    assert all(count >= 1_000_000_000 for count in random.values())
