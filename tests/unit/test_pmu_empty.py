"""Blocks of a PMU that have kept nothing: a run over one is a void beat, whatever the nest and the trigger."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pmu_bench import LANES, Launch, assert_twins_agree, beats

from weft.hw.program import Pmu, PmuLevel, Port, Trigger, WriteLevel
from weft.sim.device import Beats

STALLS = pytest.mark.parametrize("stalls", [{}, {"rate": 0.5, "out_rate": 0.5, "seed": 1}], ids=["none", "both"])
ZERO = [0] * LANES
STATIC = Pmu(
    write=Port.VECTOR, write_rank=1, block_lines=4, blocks=3, read=Port.VECTOR,
    levels=(PmuLevel(2, 1, 1), PmuLevel(2, 0, 2)), read_rank=2,
)  # fmt: skip


def blocks(*sizes: int, width: int = LANES) -> Beats:
    """Blocks of so many beats, the outer stop of each its number."""
    rows = []
    for number, size in enumerate(sizes):
        rows += [([number * 16 + beat] * width, 0, 0) for beat in range(size - 1)]
        rows.append(([number * 16 + size - 1] * width if size else [0] * width, 1 + number, int(size == 0)))
    return beats(width, rows)


@STALLS
@pytest.mark.parametrize("by_length", [False, True])
@pytest.mark.parametrize("transposed", [False, True])
def test_runs_over_blocks_of_nothing(by_length: bool, transposed: bool, stalls: dict[str, float]) -> None:
    levels = (PmuLevel(2, 1, 1), PmuLevel(2, 0, 2))
    program = replace(STATIC, by_length=by_length, transposed=transposed, levels=levels)
    (seen,) = assert_twins_agree([Launch(program, vector=blocks(0, 2, 0, 0, 2, 0))], **stalls)
    voids = [stop for _, stop, void in seen.vector if void]
    assert voids == [2, 4, 5, 7]
    assert seen.vector[0] == (0, 2, 1)


@STALLS
def test_a_void_beat_that_follows_others_keeps_the_block(stalls: dict[str, float]) -> None:
    """Void beats are neither kept nor counted, so this block has the two beats that its nest reads."""
    data = beats(LANES, [(ZERO, 0, 1), ([1] * LANES, 0, 0), ([2] * LANES, 0, 0), (ZERO, 1, 1)])
    (seen,) = assert_twins_agree([Launch(STATIC, vector=data)], **stalls)
    assert [void for *_, void in seen.vector] == [0, 0, 0, 0]


@STALLS
@pytest.mark.parametrize("trigger", [Trigger.CONTROL, Trigger.ADDRESS, Trigger.LENGTH])
def test_every_trigger(trigger: Trigger, stalls: dict[str, float]) -> None:
    """Two runs of each block, then it is given back; the other blocks are read."""
    program = replace(STATIC, trigger=trigger, free_rank=1, control_out=True)
    starts = [(1 if trigger is Trigger.LENGTH else 0, stop, 0) for stop in (0, 1) * 3]
    given = {"control": beats(0, starts)} if trigger is Trigger.CONTROL else {"address": beats(1, starts)}
    (seen,) = assert_twins_agree([Launch(program, vector=blocks(0, 2, 0), **given)], **stalls)
    assert [stop for _, stop, void in seen.vector if void] == [2, 3, 2, 3]
    assert [stop for _, stop, _ in seen.control] == [0, 1] * 3


@STALLS
def test_what_no_beat_is_kept_of(stalls: dict[str, float]) -> None:
    """Beats before ``write_from`` do not make a block something to read, nor do places of write levels."""
    program = replace(STATIC, write_from=2, write_levels=(WriteLevel(2, 1),))
    (seen,) = assert_twins_agree([Launch(program, vector=blocks(2, 4, 1))], **stalls)
    assert [(stop, void) for _, stop, void in seen.vector] == [(2, 1), (0, 0), (1, 0), (0, 0), (3, 0), (4, 1)]


@STALLS
def test_scalar_reads(stalls: dict[str, float]) -> None:
    program = replace(STATIC, write=Port.SCALAR, read=Port.SCALAR, block_lines=1)
    (seen,) = assert_twins_agree([Launch(program, scalar=blocks(0, 2, width=1))], **stalls)
    assert [(stop, void) for _, stop, void in seen.scalar] == [(2, 1), (0, 0), (1, 0), (0, 0), (3, 0)]
