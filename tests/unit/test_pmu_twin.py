"""The functional twin of the PMU against expectations written by hand, beat by beat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pmu_bench import LANES, SPEC, beats, numbers

from weft.hw.program import Pmu, PmuLevel, Port, Trigger, WriteLevel
from weft.sim.device import Beats, DeviceError
from weft.sim.functional.pmu import PmuResult, PmuState, run_pmu


def run(program: Pmu, state: PmuState | None = None, **inputs: Beats) -> PmuResult:
    arriving: dict[str, Any] = {"vector": None, "scalar": None, "address": None, "control": None, **inputs}
    return run_pmu(SPEC, program, state=state, **arriving)


def lines(count: int, stops: dict[int, int], first: int = 0) -> Beats:
    """Beat i holds i, i + 100, i + 200, i + 300."""
    rows = [([i + 100 * lane for lane in range(LANES)], stops.get(i, 0), 0) for i in range(first, first + count)]
    return beats(LANES, rows)


def firsts(stream: Beats | None) -> list[tuple[int, int, int]]:
    """(lane 0, stop, void) of each beat."""
    return [(data & 0xFFFF_FFFF, stop, void) for data, stop, void in numbers(stream)]


def test_fifo_passes_data_stops_and_voids() -> None:
    program = Pmu(write=Port.VECTOR, blocks=4, read=Port.VECTOR, by_length=True)
    stream = beats(LANES, [([1, 2, 3, 4], 0, 0), ([0] * 4, 1, 1), ([5, 6, 7, 0x7FC0_0001], 3, 0)])
    result = run(program, vector=stream)
    assert numbers(result.vector) == numbers(stream)
    assert result.scalar is None
    assert result.control is None
    assert len(result.state.kept) == 0


def test_block_is_read_column_by_column() -> None:
    levels = (PmuLevel(bound=3, stride=2, rank=1), PmuLevel(bound=2, stride=1, rank=2))
    program = Pmu(write=Port.VECTOR, write_rank=1, block_lines=6, read=Port.VECTOR, levels=levels, read_rank=2)
    result = run(program, vector=lines(6, {5: 2}))
    assert firsts(result.vector) == [(0, 0, 0), (2, 0, 0), (4, 1, 0), (1, 0, 0), (3, 0, 0), (5, 3, 0)]


def test_negative_stride_reads_backwards() -> None:
    program = Pmu(write=Port.VECTOR, write_rank=1, block_lines=3, read=Port.VECTOR, offset=2, levels=(PmuLevel(3, -1),))
    assert firsts(run(program, vector=lines(3, {2: 1})).vector) == [(2, 0, 0), (1, 0, 0), (0, 0, 0)]


def test_rank_of_the_highest_level_that_ends() -> None:
    """A level of one iteration ends with every iteration inside it."""
    levels = (PmuLevel(2, 1, 1), PmuLevel(1, 0, 5), PmuLevel(2, 0, 6))
    program = Pmu(write=Port.VECTOR, write_rank=1, block_lines=2, read=Port.VECTOR, levels=levels, read_rank=4)
    stops = [stop for _, stop, _ in firsts(run(program, vector=lines(2, {1: 2})).vector)]
    assert stops == [0, 5, 0, 4 + 1]


def test_lanes_of_a_transposed_beat_are_lines() -> None:
    """A block of five lines: four and one, the lanes past it are zero."""
    levels = (PmuLevel(2, LANES * LANES, 1), PmuLevel(2, 1, 2))
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=6, blocks=2, read=Port.VECTOR, transposed=True, offset=2,
        levels=levels, read_rank=2,
    )  # fmt: skip
    result = run(program, vector=lines(10, {4: 1, 9: 1}))
    assert result.vector is not None
    read = np.ascontiguousarray(result.vector.data).view(np.uint32)
    assert read[:4].tolist() == [[200, 201, 202, 203], [204, 0, 0, 0], [300, 301, 302, 303], [304, 0, 0, 0]]
    assert read[4].tolist() == [205, 206, 207, 208]
    assert result.vector.stop.tolist() == [0, 1, 0, 2] * 2


def test_words_written_are_read_as_lines() -> None:
    program = Pmu(write=Port.SCALAR, write_rank=1, block_lines=2, read=Port.VECTOR, levels=(PmuLevel(2, 1),))
    result = run(program, scalar=beats(1, [(value, value == 6, 0) for value in range(1, 7)]))
    read = np.ascontiguousarray(result.vector.data).view(np.uint32) if result.vector else None
    assert read is not None
    assert read.tolist() == [[1, 2, 3, 4], [5, 6, 0, 0]]


def test_lines_written_are_read_as_words() -> None:
    levels = (PmuLevel(2, LANES), PmuLevel(LANES, 1, 1))
    program = Pmu(write=Port.VECTOR, write_rank=1, block_lines=2, read=Port.SCALAR, levels=levels, read_rank=1)
    result = run(program, vector=lines(2, {1: 1}))
    assert firsts(result.scalar) == [
        (value, stop, 0) for value, stop in zip([0, 1, 100, 101, 200, 201, 300, 301], [0] * 7 + [1], strict=True)
    ]


def test_a_word_for_the_start_of_a_line_clears_it() -> None:
    """Words 0 and 4, 1 and 5, then 0 again, which clears word 1 and leaves the other line alone."""
    program = Pmu(
        write=Port.SCALAR, write_rank=1, block_lines=2, read=Port.VECTOR, levels=(PmuLevel(2, 1),),
        write_levels=(WriteLevel(2, 4), WriteLevel(2, 1)), write_stride=0,
    )  # fmt: skip
    result = run(program, scalar=beats(1, [(value, value == 5, 0) for value in range(1, 6)]))
    assert result.vector is not None
    assert np.ascontiguousarray(result.vector.data).view(np.uint32).tolist() == [[5, 0, 0, 0], [2, 4, 0, 0]]


def test_the_later_beat_for_a_line_stays() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=2, read=Port.VECTOR, levels=(PmuLevel(2, 1),),
        write_levels=(WriteLevel(2, 1),), write_stride=0,
    )  # fmt: skip
    assert [value for value, _, _ in firsts(run(program, vector=lines(5, {4: 1})).vector)] == [4, 3]


@pytest.mark.parametrize("transposed", [False, True])
def test_words_never_written_are_not_read(transposed: bool) -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=5, read=Port.VECTOR, levels=(PmuLevel(2, 0 if transposed else 1),),
        write_stride=2, transposed=transposed,
    )  # fmt: skip
    with pytest.raises(DeviceError, match="a read of a PMU must take words that its block has written"):
        run(program, vector=lines(3, {2: 1}))


@pytest.mark.parametrize(("first", "end", "kept"), [(0, 0, [0, 1, 2, 3]), (1, 3, [1, 2]), (2, 0, [2, 3]), (0, 1, [0])])
def test_only_beats_between_write_from_and_write_to_are_kept(first: int, end: int, kept: list[int]) -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, write_from=first, write_to=end, block_lines=4, read=Port.VECTOR,
        levels=(PmuLevel(1, 1),), by_length=True,
    )  # fmt: skip
    result = run(program, vector=lines(8, {3: 1, 7: 2}))
    assert [value for value, _, _ in firsts(result.vector)] == kept + [4 + value for value in kept]
    assert len(result.written.stop) == 8


def test_void_beats_are_not_counted_and_an_empty_block_is_one_void_beat() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, write_from=1, block_lines=4, read=Port.VECTOR,
        levels=(PmuLevel(1, 1, 1), PmuLevel(2, 0, 4)), by_length=True, read_rank=2,
    )  # fmt: skip
    zero = [0] * LANES
    stream = [(zero, 0, 1), ([7] * 4, 0, 0), (zero, 0, 1), ([8] * 4, 1, 0), ([9] * 4, 2, 0), (zero, 1, 1)]
    result = run(program, vector=beats(LANES, stream))
    assert firsts(result.vector) == [(8, 1, 0), (8, 2, 0), (0, 3, 1), (0, 2, 1)]


def test_control_reads_again_until_free_rank() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=2, blocks=2, read=Port.VECTOR, trigger=Trigger.CONTROL,
        free_rank=2, levels=(PmuLevel(2, 1),), read_rank=1, control_out=True,
    )  # fmt: skip
    control = beats(0, [(0, stop, 0) for stop in (0, 1, 2, 0, 3, 0)])
    result = run(program, vector=lines(4, {1: 5, 3: 5}), control=control)
    expected = [
        (b, s)
        for block, stop in ((0, 0), (0, 1), (0, 2), (2, 0), (2, 3))
        for b, s in ((block, 0), (block + 1, 1 + stop))
    ]
    assert [(value, stop) for value, stop, _ in firsts(result.vector)] == expected
    assert [stop for _, stop, _ in numbers(result.control)] == [0, 1, 2, 0, 3]
    assert result.taken == 5


def test_addresses_are_added_and_a_void_one_is_a_void_beat() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=4, read=Port.VECTOR, trigger=Trigger.ADDRESS,
        free_rank=1, offset=1, levels=(PmuLevel(2, 1),),
    )  # fmt: skip
    address = beats(1, [(1, 0, 0), (0xFFFF_FFFF, 0, 0), (50, 0, 1), (0, 1, 0)])
    result = run(program, vector=lines(4, {3: 1}), address=address)
    assert firsts(result.vector) == [(2, 0, 0), (3, 0, 0), (0, 0, 0), (1, 0, 0), (0, 0, 1), (1, 0, 0), (2, 1, 0)]
    assert len(result.state.kept) == 0


def test_lengths_decide_how_often_level_0_runs() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=4, read=Port.VECTOR, trigger=Trigger.LENGTH,
        free_rank=1, levels=(PmuLevel(1, 1, 1), PmuLevel(2, 1, 2)), read_rank=2,
    )  # fmt: skip
    address = beats(1, [(2, 0, 0), (0, 0, 0), (0xFFFF_FFFF, 0, 0), (3, 0, 1), (1, 1, 0)])
    result = run(program, vector=lines(4, {3: 1}), address=address)
    run_of_2 = [(0, 0, 0), (1, 1, 0), (1, 0, 0), (2, 2, 0)]
    assert firsts(result.vector) == [*run_of_2, (0, 2, 1), (0, 2, 1), (0, 2, 1), (0, 1, 0), (1, 3, 0)]
    assert len(result.state.kept) == 0


def test_a_length_beyond_a_bound_is_refused() -> None:
    program = Pmu(write=Port.SCALAR, read=Port.SCALAR, trigger=Trigger.LENGTH)
    with pytest.raises(DeviceError, match="a length for a PMU must be at most 511, not 512"):
        run(program, scalar=beats(1, [(1, 0, 0)]), address=beats(1, [(512, 0, 0)]))


def test_blocks_and_a_begun_block_stay_for_the_next_launch() -> None:
    program = Pmu(
        write=Port.SCALAR, write_rank=1, block_lines=2, blocks=3, read=Port.SCALAR, trigger=Trigger.CONTROL,
        free_rank=1, levels=(PmuLevel(3, 1),),
    )  # fmt: skip
    first = run(program, scalar=beats(1, [(1, 0, 0), (2, 0, 0), (3, 1, 0), (4, 0, 0)]))
    assert first.state.kept.tolist() == [3]
    assert len(first.state.partial) == 1
    control = beats(0, [(0, 1, 0), (0, 1, 0)])
    second = run(program, first.state, scalar=beats(1, [(5, 0, 0), (6, 2, 0)]), control=control)
    assert [value for value, _, _ in firsts(second.scalar)] == [1, 2, 3, 4, 5, 6]
    assert second.state.kept.tolist() == []


def test_nothing_is_sent_while_reading_is_off() -> None:
    result = run(Pmu(write=Port.VECTOR, blocks=8), vector=lines(3, {0: 2}))
    assert result.vector is None
    assert result.state.outer.tolist() == [2, 0, 0]


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (
            Pmu(write=Port.VECTOR, block_lines=33, blocks=2),
            "blocks \\* block_lines of a PMU must be at most 64, not 66",
        ),
        (Pmu(write=Port.VECTOR, write_rank=1, block_lines=2), "a block of a PMU must fit its 2 lines, not 3"),
        (
            Pmu(write=Port.VECTOR, write_rank=1, block_lines=4, write_stride=2),
            "a block of a PMU must fit its 4 lines, not 5",
        ),
        (
            Pmu(write=Port.VECTOR, write_rank=1, block_lines=4, write_stride=-1),
            "a beat of a PMU must be written from the start of its buffer on, not at -2",
        ),
        (
            Pmu(write=Port.VECTOR, write_rank=1, block_lines=4, read=Port.VECTOR, levels=(PmuLevel(4, 1),)),
            "must lie in the 3 lines of its block, not 0 to 3",
        ),
        (
            Pmu(write=Port.VECTOR, write_rank=1, block_lines=4, read=Port.SCALAR, offset=-1),
            "must lie in the 12 words of its block, not -1 to -1",
        ),
        (
            Pmu(write=Port.VECTOR, write_rank=1, block_lines=4, read=Port.VECTOR, transposed=True, offset=12),
            "must lie in the 12 words of its block, not 12 to 12",
        ),
        (
            Pmu(write=Port.VECTOR, write_rank=1, block_lines=4, read=Port.VECTOR, read_rank=7),
            "a stop must have a rank of at most 7, not 8",
        ),
    ],
)
def test_what_hardware_would_not_do_right_is_refused(program: Pmu, message: str) -> None:
    with pytest.raises(DeviceError, match=message):
        run(program, vector=lines(3, {2: 2}))
