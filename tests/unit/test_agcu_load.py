"""AGCU loads against their twin: strides, bounds, bursts, indices, tokens, refused accesses."""

from __future__ import annotations

import numpy as np
import pytest
from agcu_bench import Run, assert_same_streams, beats, run_unit

from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, AgcuLevel, AgcuPart, When
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats
from weft.sim.functional.agcu import AgcuResult, run_agcu

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes
WHOLE = {"segment_base": 0, "segment_size": 1 << 14}


def memory() -> np.ndarray:
    return np.random.default_rng(3).integers(0, 256, 1 << 14, dtype=np.uint8)


def check(
    program: Agcu,
    arguments: dict[int, int] | None = None,
    *,
    launches: int = 1,
    spec: FabricSpec = SPEC,
    scalar: Beats | None = None,
    control: Beats | None = None,
    **rates: float,
) -> tuple[Run, AgcuResult]:
    """Every launch sends what the twin sends, and reads from memory exactly what it needs."""
    arguments = arguments or {}
    expected = run_agcu(spec, program, memory(), arguments, vector=None, scalar=scalar, control=control)
    programs = [program] * launches
    runs = run_unit(spec, programs, memory(), arguments, scalar=scalar, control=control, **rates)
    for run in runs:
        assert_same_streams(run, expected)
    requests = runs[-1].memory.requests
    assert sum(count * spec.channel_bytes for _, count, _ in requests) == launches * expected.bytes_read
    return runs[-1], expected


NESTS = {
    "line": (AgcuLevel(bound=20, stride=V, rank=1),),
    "matrix": (AgcuLevel(bound=5, stride=V, rank=1), AgcuLevel(bound=4, stride=16 * V, rank=2)),
    "columns": (AgcuLevel(bound=3, stride=8 * V, rank=0), AgcuLevel(bound=5, stride=V, rank=1)),
    "backwards": (AgcuLevel(bound=6, stride=-V, rank=3),),
    "deep": tuple(
        AgcuLevel(bound=b, stride=s * V, rank=r) for b, s, r in ((2, 1, 1), (1, 7, 2), (3, 5, 0), (2, -9, 4))
    ),
    "one": (),
}


@pytest.mark.parametrize("rate", [1.0, 0.6])
@pytest.mark.parametrize("nest", NESTS)
def test_nest(nest: str, rate: float) -> None:
    program = Agcu(kind=AgcuKind.LOAD, base=4096, levels=NESTS[nest], end_rank=5, **WHOLE)
    run, expected = check(program, rate=rate, launches=2)
    assert len(run.vector) == len(expected.vector.stop)


_PARTS = (AgcuPart(offset=30 * V, beats=2, rows=5), AgcuPart(offset=-8 * V, beats=4, rows=1), AgcuPart())


@pytest.mark.parametrize("rate", [1.0, 0.6])
def test_matrices_one_after_the_other(rate: float) -> None:
    """3 rows of 3 beats, then 5 of 2 and 1 of 4 elsewhere, in each of two turns: rows end with 1, matrices with 2."""
    spec = SPEC.replace(agcu_parts=4)
    levels = (AgcuLevel(bound=3, stride=V, rank=1), AgcuLevel(bound=3, stride=7 * V, rank=2))
    program = Agcu(
        kind=AgcuKind.LOAD, base=16 * V, levels=levels, parts=_PARTS, end_rank=2, turns=2, turn_stride=100 * V, **WHOLE
    )
    run = run_unit(spec, [program], memory(), {}, rate=rate)[0]
    places = [*range(16, 25), *range(46, 56), *range(8, 12)]
    stops = [0, 0, 1, 0, 0, 1, 0, 0, 2, *[0, 1] * 4, 0, 2, 0, 0, 0, 2]
    rows = memory().view(np.uint32).reshape(-1, spec.lanes)
    words = [rows[place + turn].tolist() for turn in (0, 100) for place in places]
    assert [(beat.stop, [*beat.data]) for beat in run.vector] == [*zip(stops * 2, words, strict=True)]
    twins = [
        run_agcu(spec, program, memory(), {}, turn=turn, vector=None, scalar=None, control=None).vector
        for turn in (0, 1)
    ]
    assert [stop for twin in twins for stop in twin.stop.tolist()] == stops * 2
    assert [word for twin in twins for word in twin.data.view(np.uint32).tolist()] == words
    if rate == 1.0:
        assert len(run.memory.requests) == 2 * (2 + 2 + 1)  # bursts of 8 vector beats at most


@pytest.mark.parametrize("bound", [0, 1, 7])
def test_bounds_and_base_from_arguments(bound: int) -> None:
    levels = (AgcuLevel(bound=3, stride=V, rank=1), AgcuLevel(bound_arg=2, stride=4 * V, rank=2))
    program = Agcu(kind=AgcuKind.LOAD, base=V, arg_a=1, arg_b=3, levels=levels, end_rank=3, **WHOLE)
    run, _ = check(program, {1: 64, 2: bound, 3: 5}, rate=0.8, launches=2)
    assert len(run.vector) == 3 * bound or (bound, len(run.vector)) == (0, 1)


def test_neighbours_become_bursts_within_pages() -> None:
    # Two vector beats before a page's end: 2, then eight to a burst of sixteen channel beats.
    program = Agcu(kind=AgcuKind.LOAD, base=4096 - 2 * V, levels=(AgcuLevel(bound=26, stride=V),), **WHOLE)
    run, _ = check(program)
    parts = V // SPEC.channel_bytes
    assert [(address, count) for address, count, _ in run.memory.requests] == [
        (4096 - 2 * V, 2 * parts), (4096, 8 * parts), (4096 + 8 * V, 8 * parts), (4096 + 16 * V, 8 * parts),
    ]  # fmt: skip


def test_slow_consumer_gets_long_bursts() -> None:
    program = Agcu(kind=AgcuKind.LOAD, base=0, levels=(AgcuLevel(bound=64, stride=V),), **WHOLE)
    run, _ = check(program, out_rate=0.1)
    assert len(run.memory.requests) == 8


def test_a_channel_beat_every_cycle_with_several_bursts_under_way() -> None:
    spec = SPEC.replace(agcu_buffer=64)
    program = Agcu(kind=AgcuKind.LOAD, base=0, levels=(AgcuLevel(bound=256, stride=V),), **WHOLE)
    run, _ = check(program, spec=spec)
    parts = V // SPEC.channel_bytes
    assert run.times[-1] - run.times[0] <= 255 * parts + 8
    assert run.memory.most_under_way > 2 * SPEC.burst_beats


def test_vector_beats_of_one_channel_beat() -> None:
    spec = SPEC.replace(channel_bits=128, agcu_buffer=64)
    program = Agcu(kind=AgcuKind.LOAD, base=0, levels=(AgcuLevel(bound=200, stride=V, rank=1),), end_rank=2, **WHOLE)
    run, _ = check(program, spec=spec)
    assert run.times[-1] - run.times[0] <= 199 + 8
    check(program, spec=spec, rate=0.7)


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_indexed(rate: float) -> None:
    index = beats([[3], [0], [0xFFFFFFFF], [9], [77], [5]], [0, 1, 0, 0, 2, 0], [0, 0, 0, 0, 1, 0])
    levels = (AgcuLevel(bound=2, stride=V, rank=1), AgcuLevel(bound=2, stride=4 * V, rank=0))
    program = Agcu(kind=AgcuKind.LOAD, base=1024, levels=levels, end_rank=2, indexed=True, index_stride=3 * V,
                   nest_rank=2, **WHOLE)  # fmt: skip
    run, _ = check(program, scalar=index, rate=rate)
    assert [beat.void for beat in run.vector] == [0] * 16 + [1]


def test_indices_beyond_the_end_stay_for_the_next_launch() -> None:
    index = beats([[1], [2], [3], [4]], [0, 1, 0, 1])
    program = Agcu(kind=AgcuKind.LOAD, levels=(), end_rank=1, indexed=True, index_stride=V, **WHOLE)
    runs = run_unit(SPEC, [program, program], memory(), {}, scalar=index, rate=0.7)
    words = memory().view(np.uint32).reshape(-1, SPEC.lanes)
    assert [list(beat.data) for beat in runs[1].vector] == [list(words[3]), list(words[4])]


def test_indexed_empty_nest_sends_a_void_beat_for_each_index() -> None:
    index = beats([[1], [2]], [0, 1])
    program = Agcu(kind=AgcuKind.LOAD, levels=(AgcuLevel(bound_arg=1),), end_rank=1, indexed=True, **WHOLE)
    run, _ = check(program, {1: 0}, scalar=index)
    assert [(beat.stop, beat.void) for beat in run.vector] == [(0, 1), (1, 1)]


@pytest.mark.parametrize(("tells", "wanted"), [(When.FIRST, 1), (When.LATER, 0)])
def test_tokens_and_argument_on_the_way(tells: When, wanted: int) -> None:
    token = beats(np.zeros((1, 0)), [0])
    program = Agcu(kind=AgcuKind.LOAD, levels=(AgcuLevel(bound=3, stride=V),), emit_arg=4, wait_token=True,
                   done_token=True, tells=tells, end_rank=1, **WHOLE)  # fmt: skip
    run, expected = check(program, {4: 123}, control=token, rate=0.4)
    assert len(run.control) == wanted
    assert expected.scalar.data.view(np.uint32)[0, 0] == 123


def test_waits_for_its_token() -> None:
    program = Agcu(kind=AgcuKind.LOAD, levels=(), wait_token=True, **WHOLE)
    with pytest.raises(AssertionError, match="hangs, waits 0x4"):
        run_unit(SPEC, [program], memory(), {}, limit=100)


@pytest.mark.parametrize("base", [0, 8 * V])
def test_refused_accesses_become_zeros_and_never_reach_memory(base: int) -> None:
    program = Agcu(kind=AgcuKind.LOAD, base=base, levels=(AgcuLevel(bound=12, stride=V, rank=1),), end_rank=2,
                   segment_base=4 * V, segment_size=12 * V)  # fmt: skip
    run, expected = check(program, rate=0.8)
    assert expected.violation
    for address, count, _ in run.memory.requests:
        assert address >= 4 * V
        assert address + count * SPEC.channel_bytes <= 16 * V


def test_violation_is_of_one_launch() -> None:
    good = Agcu(kind=AgcuKind.LOAD, levels=(), **WHOLE)
    bad = Agcu(kind=AgcuKind.LOAD, levels=(), base=1 << 14, **WHOLE)
    off = Agcu()
    runs = run_unit(SPEC, [bad, good, off], memory(), {})
    assert [run.violation for run in runs] == [True, False, False]
    assert runs[2].vector == []
    assert runs[2].cycles == 3
