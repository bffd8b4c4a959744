"""AGCU stores and sinks against their twin: order, bursts, bf16 pairs, indices, tokens, refused accesses."""

from __future__ import annotations

import numpy as np
import pytest
from agcu_bench import Run, assert_same_streams, beats, run_unit

from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, AgcuLevel
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network
from weft.sim.device import Beats
from weft.sim.functional.agcu import AgcuResult, run_agcu

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes
WHOLE = {"segment_base": 0, "segment_size": 1 << 14}


def stream(stops: list[int], voids: list[int] | None = None, *, seed: int = 5) -> Beats:
    return beats(np.random.default_rng(seed).integers(0, 1 << 32, (len(stops), SPEC.lanes)), stops, voids)


def check(
    program: Agcu,
    vector: Beats,
    arguments: dict[int, int] | None = None,
    *,
    spec: FabricSpec = SPEC,
    scalar: Beats | None = None,
    **rates: float,
) -> tuple[Run, AgcuResult]:
    """Memory and outputs end as the twin's, and the channel carried what the twin says."""
    arguments = arguments or {}
    wanted, got = np.zeros(1 << 14, np.uint8), np.zeros(1 << 14, np.uint8)
    expected = run_agcu(spec, program, wanted, arguments, vector=vector, scalar=scalar, control=None)
    (run,) = run_unit(spec, [program], got, arguments, vector=vector, scalar=scalar, **rates)
    assert_same_streams(run, expected)
    assert np.array_equal(got, wanted)
    assert sum(count * spec.channel_bytes for _, count, _ in run.memory.requests) == expected.bytes_written
    assert all(write for *_, write in run.memory.requests)
    return run, expected


@pytest.mark.parametrize("rate", [1.0, 0.5])
@pytest.mark.parametrize("done_token", [False, True])
def test_store(rate: float, done_token: bool) -> None:
    levels = (AgcuLevel(bound=3, stride=V), AgcuLevel(bound=4, stride=8 * V))
    program = Agcu(kind=AgcuKind.STORE, base=64, arg_b=2, levels=levels, end_rank=2, done_token=done_token, **WHOLE)
    run, expected = check(program, stream([0, 1, 0, 0, 1, 0, 0, 2, 0]), {2: 1024}, rate=rate)
    assert expected.taken[Network.VECTOR, 0] == 8
    assert len(run.control) == done_token


def test_nest_begins_anew_and_void_beats_take_no_address() -> None:
    program = Agcu(kind=AgcuKind.STORE, levels=(AgcuLevel(bound=3, stride=V),), end_rank=3, **WHOLE)
    check(program, stream([0, 1, 0, 0, 2, 0, 3], [0, 1, 0, 0, 0, 0, 1]), rate=0.7)


def test_a_done_token_follows_the_last_acknowledgement() -> None:
    program = Agcu(kind=AgcuKind.STORE, levels=(AgcuLevel(bound=1),), end_rank=1, done_token=True, **WHOLE)
    run, _ = check(program, stream([1]))
    assert not run.memory.acks
    assert run.cycles > run.memory.latency
    assert any(waits & 8 for waits in run.waits)


def test_neighbours_become_bursts_however_late_they_come() -> None:
    program = Agcu(kind=AgcuKind.STORE, base=4096 - 2 * V, levels=(AgcuLevel(bound=99, stride=V),), end_rank=1, **WHOLE)
    run, _ = check(program, stream([0] * 17 + [1]), rate=0.2)
    parts = V // SPEC.channel_bytes
    assert [(address, count) for address, count, _ in run.memory.requests] == [
        (4096 - 2 * V, 2 * parts), (4096, 8 * parts), (4096 + 8 * V, 8 * parts),
    ]  # fmt: skip


def test_a_channel_beat_every_cycle() -> None:
    program = Agcu(kind=AgcuKind.STORE, levels=(AgcuLevel(bound=999, stride=V),), end_rank=1, **WHOLE)
    run, _ = check(program, stream([0] * 199 + [1]))
    assert run.cycles < 200 * V // SPEC.channel_bytes + 80
    wide = SPEC.replace(channel_bits=128)
    run, _ = check(program, stream([0] * 199 + [1]), spec=wide)
    assert run.cycles < 200 + 80


@pytest.mark.parametrize("rate", [1.0, 0.5])
@pytest.mark.parametrize(
    ("stops", "voids"),
    [
        ([0, 0, 0, 3], [0, 0, 0, 0]),
        ([0, 0, 3], [0, 0, 0]),
        ([3], [0]),
        ([3], [1]),
        ([0, 1, 1, 0, 0, 1, 0, 2, 3], [0, 0, 0, 0, 0, 0, 0, 1, 1]),
    ],
)
def test_pack(stops: list[int], voids: list[int], rate: float) -> None:
    program = Agcu(kind=AgcuKind.STORE, levels=(AgcuLevel(bound=9, stride=V),), end_rank=3, pack=True, **WHOLE)
    run, _ = check(program, stream(stops, voids), rate=rate)
    if stops == [0, 0, 3]:
        words = run.memory.memory.view(np.uint16).reshape(-1, 2 * SPEC.lanes)
        sent = stream(stops).data.view(np.uint32)
        assert list(words[0][0::2]) == list(sent[0] >> 16)
        assert list(words[0][1::2]) == list(sent[1] >> 16)
        assert not words[1][1::2].any()


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_indexed_store(rate: float) -> None:
    index = beats([[7], [2], [1], [9]], [0, 1, 1, 2], [0, 0, 1, 0])
    program = Agcu(kind=AgcuKind.STORE, base=256, levels=(AgcuLevel(bound=2, stride=V),), end_rank=2, indexed=True,
                   index_stride=4 * V, **WHOLE)  # fmt: skip
    check(program, stream([0, 1, 0, 1, 0, 2]), scalar=index, rate=rate)
    # Fewer beats than addresses, and more.
    check(program, stream([0, 1, 2]), scalar=index, rate=rate)
    check(program, stream([0] * 8 + [2]), scalar=index, rate=rate)


def test_empty_nest_drops_what_comes() -> None:
    program = Agcu(kind=AgcuKind.STORE, levels=(AgcuLevel(bound_arg=3),), end_rank=1, **WHOLE)
    run, expected = check(program, stream([0, 0, 1]), {3: 0}, rate=0.6)
    assert (expected.taken[Network.VECTOR, 0], expected.bytes_written, run.memory.requests) == (3, 0, [])


@pytest.mark.parametrize("rate", [1.0, 0.5])
def test_sink(rate: float) -> None:
    program = Agcu(kind=AgcuKind.SINK, end_rank=2, emit_arg=1, done_token=True, indexed=True)
    run, expected = check(program, stream([0, 1, 0, 2, 0], [0, 0, 0, 1, 0]), {1: 9}, rate=rate)
    assert expected.taken[Network.VECTOR, 0] == 4
    assert (len(run.scalar), len(run.control), run.memory.requests) == (1, 1, [])


@pytest.mark.parametrize("base", [0, 8 * V])
def test_refused_accesses_never_reach_memory(base: int) -> None:
    program = Agcu(kind=AgcuKind.STORE, base=base, levels=(AgcuLevel(bound=12, stride=V),), end_rank=1,
                   segment_base=4 * V, segment_size=12 * V)  # fmt: skip
    run, expected = check(program, stream([0] * 11 + [1]), rate=0.8)
    assert expected.violation
    assert all(
        start >= 4 * V and start + count * SPEC.channel_bytes <= 16 * V for start, count, _ in run.memory.requests
    )


def test_an_address_that_no_beat_uses_is_no_violation() -> None:
    program = Agcu(kind=AgcuKind.STORE, levels=(AgcuLevel(bound=9, stride=V),), end_rank=1, segment_size=2 * V)
    _, expected = check(program, stream([0, 1]), rate=0.5)
    assert not expected.violation


def test_launches_follow_each_other() -> None:
    program = Agcu(kind=AgcuKind.STORE, levels=(AgcuLevel(bound=9, stride=V),), end_rank=1, arg_a=1, **WHOLE)
    vector = stream([0, 0, 1, 0, 1])
    memory = np.zeros(1 << 14, np.uint8)
    run_unit(SPEC, [program, program], memory, {}, vector=vector, rate=0.6)
    words = memory.view(np.uint32).reshape(-1, SPEC.lanes)
    sent = vector.data.view(np.uint32)
    assert np.array_equal(words[:3], sent[[3, 4, 2]])


def test_twin_needs_an_end() -> None:
    program = Agcu(kind=AgcuKind.STORE, end_rank=2, **WHOLE)
    result = run_agcu(SPEC, program, np.zeros(64, np.uint8), {}, vector=stream([0, 1]), scalar=None, control=None)
    assert result.waits == ((Network.VECTOR, 0),)
