"""Rounds of an AGCU: all turns again, further on in memory, with bounds that grow and tokens between rounds."""

from __future__ import annotations

import numpy as np
import pytest
from agcu_bench import beats, run_unit

from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, AgcuLevel, When
from weft.sim.functional.agcu import run_agcu

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes
WHOLE = {"segment_base": 0, "segment_size": 1 << 14}
ROUNDS = 1


def read_addresses(program: Agcu, arguments: dict[int, int]) -> list[int]:
    """The lines that a load reads, told by their contents."""
    memory = np.zeros(1 << 14, np.uint8)
    memory.view(np.uint32).reshape(-1, SPEC.lanes)[:] = np.arange((1 << 14) // V)[:, None]
    (run,) = run_unit(SPEC, [program], memory, arguments)
    return [beat.data[0] for beat in run.vector if not beat.void]


def test_a_round_goes_through_all_turns_and_begins_further_on() -> None:
    program = Agcu(
        kind=AgcuKind.LOAD, base=10 * V, turns=2, turn_stride=100 * V, rounds_arg=ROUNDS, round_stride=-V, **WHOLE
    )
    assert read_addresses(program, {ROUNDS: 3}) == [10, 110, 9, 109, 8, 108]


def test_a_request_says_how_many_turns_are_over() -> None:
    """Those of all rounds, also those without work; a launch begins at 0 again, and after 255 the count does."""
    program = Agcu(kind=AgcuKind.LOAD, turns=3, works=When.LATER, rounds_arg=ROUNDS, **WHOLE)
    memory = np.zeros(1 << 14, np.uint8)
    *_, last = run_unit(SPEC, [program] * 2, memory, {ROUNDS: 3})
    assert last.memory.turns == [1, 2, 4, 5, 7, 8] * 2
    long = Agcu(kind=AgcuKind.LOAD, turns=300, works=When.LAST, **WHOLE)
    (run,) = run_unit(SPEC, [long], memory, {})
    assert run.memory.turns == [299 - 256]


@pytest.mark.parametrize("rounds", [0, 1])
def test_there_is_at_least_one_round(rounds: int) -> None:
    program = Agcu(kind=AgcuKind.LOAD, base=10 * V, rounds_arg=ROUNDS, round_stride=V, **WHOLE)
    assert read_addresses(program, {ROUNDS: rounds}) == [10]


def test_a_level_grows_by_one_a_round() -> None:
    levels = (AgcuLevel(bound_arg=2, stride=V, grows=True), AgcuLevel(bound=2, stride=50 * V))
    program = Agcu(kind=AgcuKind.LOAD, levels=levels, rounds_arg=ROUNDS, round_stride=10 * V, **WHOLE)
    assert read_addresses(program, {ROUNDS: 3, 2: 0}) == [10, 60, 20, 21, 70, 71]


def test_the_number_of_the_turn_begins_anew_each_round() -> None:
    program = Agcu(kind=AgcuKind.LOAD, turns=2, works=When.FIRST, emit_turn=True, rounds_arg=ROUNDS, **WHOLE)
    (run,) = run_unit(SPEC, [program], np.zeros(1 << 14, np.uint8), {ROUNDS: 2})
    assert [beat.data for beat in run.scalar] == [0, 1, 0, 1]


@pytest.mark.parametrize("rounds", [1, 3])
def test_the_first_round_begins_without_a_token(rounds: int) -> None:
    program = Agcu(kind=AgcuKind.LOAD, wait_token=True, wait_later=True, rounds_arg=ROUNDS, **WHOLE)
    tokens = beats(np.zeros((rounds - 1, 0)), [0] * (rounds - 1)) if rounds > 1 else None
    (run,) = run_unit(SPEC, [program], np.zeros(1 << 14, np.uint8), {ROUNDS: rounds}, control=tokens)
    assert len(run.vector) == rounds
    with pytest.raises(AssertionError, match="waits 0x4,"):
        run_unit(SPEC, [program], np.zeros(1 << 14, np.uint8), {ROUNDS: rounds + 1}, control=tokens, limit=200)


@pytest.mark.parametrize("turns", [1, 3])
def test_the_round_before_is_told_of_before_the_next_does_anything(turns: int) -> None:
    program = Agcu(
        kind=AgcuKind.STORE, end_rank=1, turns=turns, works=When.LAST, done_token=True, tells_next=True,
        rounds_arg=ROUNDS, round_stride=V, **WHOLE,
    )  # fmt: skip
    stored = beats([[7] * SPEC.lanes], [1])
    memory = np.zeros(1 << 14, np.uint8)
    (run,) = run_unit(SPEC, [program], memory, {ROUNDS: 1}, vector=stored)
    assert not run.control
    with pytest.raises(AssertionError, match="waits 0x1,"):
        run_unit(SPEC, [program], memory, {ROUNDS: 2}, vector=stored, limit=200)
    (run,) = run_unit(
        SPEC, [program], memory, {ROUNDS: 3}, vector=beats([[7] * SPEC.lanes] * 3, [1] * 3), rate=0.5, out_rate=0.1
    )
    assert len(run.control) == 2
    told = run_agcu(SPEC, program, memory, {ROUNDS: 3}, turn_round=1, vector=stored, scalar=None, control=None).control
    assert told is not None
    assert len(told.stop) == 1
