"""Empty dimensions of an AGCU: one void beat each, nothing read, and stores that never hang."""

from __future__ import annotations

import numpy as np
import pytest
from agcu_bench import Run, assert_same_streams, beats, run_unit

from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, AgcuLevel
from weft.sim.device import Beats
from weft.sim.functional.agcu import run_agcu

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes
WHOLE = {"segment_base": 0, "segment_size": 1 << 14}
RATES = pytest.mark.parametrize("rate", [1.0, 0.5])


def nest(*bounds: int) -> tuple[AgcuLevel, ...]:
    """Levels of these iterations, the innermost last, each of the rank that its place says."""
    return tuple(AgcuLevel(bound, stride=V, rank=rank) for rank, bound in enumerate(reversed(bounds), start=1))


def check(program: Agcu, *, vector: Beats | None = None, scalar: Beats | None = None, rate: float = 1.0) -> Run:
    """Streams and memory are the twin's."""
    memory = np.random.default_rng(3).integers(0, 256, 1 << 14, dtype=np.uint8)
    wanted = memory.copy()
    expected = run_agcu(SPEC, program, wanted, {}, vector=vector, scalar=scalar, control=None)
    (run,) = run_unit(SPEC, [program], memory, {}, vector=vector, scalar=scalar, rate=rate)
    assert_same_streams(run, expected)
    assert np.array_equal(memory, wanted)
    return run


def shape(run: Run) -> list[tuple[int, int]]:
    assert all(list(beat.data) == [0] * SPEC.lanes for beat in run.vector if beat.void)
    return [(beat.stop, beat.void) for beat in run.vector]


@RATES
@pytest.mark.parametrize(
    ("bounds", "stops"),
    [
        ((0,), [5]),
        ((0, 21), [5]),
        ((4, 0), [1, 1, 1, 5]),
        ((2, 0, 3), [2, 5]),
        ((2, 2, 0), [1, 2, 1, 5]),
        ((0, 0), [5]),
        ((2, 0, 0), [2, 5]),
        ((0, 3, 0, 2), [5]),
        ((3, 1, 0), [2, 2, 5]),
    ],
)
def test_a_level_of_no_iterations_makes_one_void_beat(bounds: tuple[int, ...], stops: list[int], rate: float) -> None:
    run = check(Agcu(kind=AgcuKind.LOAD, levels=nest(*bounds), end_rank=5, **WHOLE), rate=rate)
    assert shape(run) == [(stop, 1) for stop in stops]
    assert run.memory.requests == []


def test_void_beats_have_no_address_to_refuse() -> None:
    program = Agcu(kind=AgcuKind.LOAD, base=1 << 20, levels=nest(3, 0), end_rank=2, done_token=True)
    run = check(program)
    assert len(run.vector) == 3
    assert len(run.control) == 1
    assert not run.violation


def test_a_void_beat_every_cycle() -> None:
    run = check(Agcu(kind=AgcuKind.LOAD, levels=nest(100, 0), end_rank=2, **WHOLE))
    assert run.times[-1] - run.times[0] == 99


@RATES
@pytest.mark.parametrize(("bounds", "inner"), [((0,), [2]), ((2, 0), [1, 2])])
def test_an_empty_nest_for_each_index(bounds: tuple[int, ...], inner: list[int], rate: float) -> None:
    """Its last void beat carries the index's stop beside the rank of the nest; a void index makes one void beat."""
    index = beats([[3], [0], [9]], [0, 1, 2], [0, 1, 0])
    program = Agcu(
        kind=AgcuKind.LOAD, levels=nest(*bounds), end_rank=2, indexed=True, index_stride=V, nest_rank=2, **WHOLE
    )
    run = check(program, scalar=index, rate=rate)
    stops = [*inner, 3, *inner[:-1], inner[-1] + 2]
    assert shape(run) == [(stop, 1) for stop in stops]
    assert run.memory.requests == []


def test_full_and_empty_rounds_follow_each_other() -> None:
    """A level that grows begins with none."""
    levels = (AgcuLevel(0, stride=V, rank=1, grows=True), AgcuLevel(2, stride=50 * V, rank=2))
    program = Agcu(kind=AgcuKind.LOAD, levels=levels, end_rank=3, rounds_arg=1, **WHOLE)
    memory = np.random.default_rng(3).integers(0, 256, 1 << 14, dtype=np.uint8)
    (run,) = run_unit(SPEC, [program], memory, {1: 3}, rate=0.7)
    twins = [
        run_agcu(SPEC, program, memory, {1: 3}, turn_round=each, vector=None, scalar=None, control=None).vector
        for each in range(3)
    ]
    stops = [int(stop) for twin in twins if twin is not None for stop in twin.stop]
    voids = [bool(void) for twin in twins if twin is not None for void in twin.void]
    assert stops == [1, 3, 1, 3, 0, 1, 0, 3]
    assert [(beat.stop, bool(beat.void)) for beat in run.vector] == list(zip(stops, voids, strict=True))
    assert voids == [True] * 2 + [False] * 6


@RATES
@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("bounds", [(0,), (4, 0), (0, 4), (3,)])
@pytest.mark.parametrize(
    ("stops", "voids"), [([2], [1]), ([1, 2], [1, 1]), ([0, 0, 1, 0, 2], [0, 0, 0, 0, 0]), ([0, 1, 2], [0, 0, 1])]
)
def test_stores(bounds: tuple[int, ...], stops: list[int], voids: list[int], pack: bool, rate: float) -> None:
    """An empty nest drops what comes; void streams write nothing; a stop of ``end_rank`` ends both."""
    data = np.random.default_rng(5).integers(0, 1 << 32, (len(stops), SPEC.lanes))
    program = Agcu(
        kind=AgcuKind.STORE, levels=nest(*bounds), end_rank=2, pack=pack, done_token=True, base=8 * V, **WHOLE
    )
    run = check(program, vector=beats(data, stops, voids), rate=rate)
    assert len(run.control) == 1
    if 0 in bounds or all(voids):
        assert run.memory.requests == []


@RATES
@pytest.mark.parametrize("bounds", [(0,), (2, 0)])
def test_an_indexed_store_of_an_empty_nest(bounds: tuple[int, ...], rate: float) -> None:
    index = beats([[3], [0], [9]], [0, 1, 2], [0, 1, 0])
    program = Agcu(kind=AgcuKind.STORE, levels=nest(*bounds), end_rank=2, indexed=True, index_stride=V, **WHOLE)
    run = check(program, vector=beats(np.ones((4, SPEC.lanes)), [0, 1, 0, 2]), scalar=index, rate=rate)
    assert run.memory.requests == []


@RATES
def test_a_sink_ends_with_a_void_beat(rate: float) -> None:
    program = Agcu(kind=AgcuKind.SINK, end_rank=3, done_token=True)
    run = check(program, vector=beats(np.zeros((2, SPEC.lanes)), [2, 3], [1, 1]), rate=rate)
    assert len(run.control) == 1
