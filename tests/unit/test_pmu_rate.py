"""How fast the PMU is when nobody waits, and what it says about itself when somebody does."""

from __future__ import annotations

import pytest
from pmu_bench import LANES, Launch, assert_twins_agree, beats, bench

from weft.hw.program import Pmu, PmuLevel, Port, Trigger, WriteLevel
from weft.sim.device import Beats

LATENCY = 6
"""Cycles from the last beat of a block to its first beat out."""
TRIGGER_LATENCY = 4


def lines(count: int, block: int) -> Beats:
    return beats(LANES, [([i] * LANES, int(i % block == block - 1), 0) for i in range(count)])


def words(count: int, block: int) -> Beats:
    return beats(1, [([i], int(i % block == block - 1), 0) for i in range(count)])


@pytest.mark.parametrize("port", [Port.VECTOR, Port.SCALAR])
@pytest.mark.parametrize("blocks", [4, 5, 64])
def test_fifo_of_single_beats_takes_a_beat_every_cycle(port: Port, blocks: int) -> None:
    program = Pmu(write=port, blocks=blocks, read=port, by_length=True)
    name = port.name.lower()
    data = lines(100, 1) if port is Port.VECTOR else words(100, 1)
    seen = assert_twins_agree([Launch(program, **{name: data})])[0]
    assert seen.cycles[name] == list(range(LATENCY, LATENCY + 100))


@pytest.mark.parametrize("length", [4, 5, 8])
def test_buffers_are_written_and_read_at_once(length: int) -> None:
    """The credit takes four cycles: with three buffers it is hidden, whatever the length."""
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=length, blocks=3, read=Port.VECTOR, levels=(PmuLevel(length, 1),)
    )
    seen = assert_twins_agree([Launch(program, vector=lines(12 * length, length))])[0]
    start = length - 1 + LATENCY
    assert seen.cycles["vector"] == list(range(start, start + 12 * length))


def test_columns_are_read_as_fast_as_lines() -> None:
    """Written at full rate at once, in buffers that begin at every line modulo lanes."""
    rows = LANES * LANES + LANES - 1  # fewer than the beats read
    levels = (PmuLevel(LANES, LANES * LANES, 1), PmuLevel(LANES, 1), PmuLevel(2, 0))
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=rows, blocks=3, read=Port.VECTOR, transposed=True, levels=levels
    )
    seen = assert_twins_agree([Launch(program, vector=lines(4 * rows, rows))])[0]
    start, beats_out = rows - 1 + LATENCY, 4 * 2 * LANES * LANES
    assert seen.cycles["vector"] == list(range(start, start + beats_out))


def test_interleaving_costs_nothing() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=6, blocks=3, read=Port.VECTOR, levels=(PmuLevel(6, 1),),
        write_levels=(WriteLevel(3, 2),), write_stride=1,
    )  # fmt: skip
    seen = assert_twins_agree([Launch(program, vector=lines(60, 6))])[0]
    assert seen.cycles["vector"] == list(range(5 + LATENCY, 5 + LATENCY + 60))


def test_words_in_and_out_at_full_rate() -> None:
    program = Pmu(write=Port.SCALAR, write_rank=1, block_lines=2, blocks=4, read=Port.SCALAR, levels=(PmuLevel(6, 1),))
    seen = assert_twins_agree([Launch(program, scalar=words(60, 6))])[0]
    assert seen.cycles["scalar"] == list(range(5 + LATENCY, 5 + LATENCY + 60))


def test_no_bubble_between_runs() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=3, read=Port.VECTOR, trigger=Trigger.CONTROL, free_rank=1,
        levels=(PmuLevel(3, 1),), control_out=True,
    )  # fmt: skip
    seen = assert_twins_agree(
        [Launch(program, vector=lines(3, 3)), Launch(program, control=beats(0, [([], 0, 0)] * 20))]
    )[1]
    assert seen.cycles["vector"] == list(range(TRIGGER_LATENCY, TRIGGER_LATENCY + 60))


def test_runs_of_single_beats_follow_each_other() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=8, read=Port.VECTOR, trigger=Trigger.ADDRESS, free_rank=1
    )
    address = beats(1, [([i * 3 % 8], 0, 0) for i in range(30)])
    seen = assert_twins_agree([Launch(program, vector=lines(8, 8)), Launch(program, address=address)])[1]
    assert seen.cycles["vector"] == list(range(TRIGGER_LATENCY, TRIGGER_LATENCY + 30))


def test_waiting_is_told() -> None:
    base = {"write": Port.VECTOR, "write_rank": 1, "block_lines": 2, "read": Port.SCALAR}
    control, address = Pmu(**base, trigger=Trigger.CONTROL), Pmu(**base, trigger=Trigger.ADDRESS)
    token = Pmu(**base, trigger=Trigger.BLOCK, control_out=True)
    length = Pmu(**base, trigger=Trigger.LENGTH)
    unit = bench()

    nothing, starves = unit.run([Launch(control), Launch(control, vector=lines(2, 2))])
    assert nothing.waits == 1 << 0
    assert starves.waits == 1 << 3
    assert starves.starved > 0
    assert starves.blocked == 0
    assert unit.run([Launch(address, vector=lines(2, 2))])[0].waits == 1 << 2
    assert unit.run([Launch(length, vector=lines(2, 2))])[0].waits == 1 << 2
    assert unit.run([Launch(Pmu(write=Port.SCALAR))])[0].waits == 1 << 1

    blocked = unit.run([Launch(token, vector=lines(20, 2), held=("scalar",))])[0]
    assert blocked.waits == 1 << 17
    assert blocked.blocked > blocked.starved
    assert unit.run([Launch(token, vector=lines(20, 2), held=("control",))])[0].waits == 1 << 18


def test_busy_counts_cycles_of_work() -> None:
    program = Pmu(write=Port.VECTOR, blocks=8, read=Port.VECTOR, by_length=True)
    seen = bench().run([Launch(program, vector=lines(50, 1))])[0]
    assert 50 <= seen.busy <= 50 + LATENCY
