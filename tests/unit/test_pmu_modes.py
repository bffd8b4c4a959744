"""The PMU's RTL against its functional twin: each mode by itself, with and without stalls."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pmu_bench import LANES, SPEC, Launch, assert_twins_agree, beats, bench, numbers, twin

from weft.hw.presets import PRESETS
from weft.hw.program import Pmu, PmuLevel, Port, Trigger, WriteLevel
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats

# Outputs that seldom take beats fill the buffers, the largest only if they do so for the whole run; inputs that seldom
# offer some empty them.
STALLS = {
    "none": {},
    "in turn": {"phases": ((0.9, 0.2), (0.2, 0.9)), "seed": 4},
    "both": {"rate": 0.5, "out_rate": 0.5, "seed": 1},
    "out": {"rate": 0.9, "out_rate": 0.2, "seed": 2},
    "in": {"rate": 0.2, "out_rate": 0.9, "seed": 3},
}
every_stall = pytest.mark.parametrize(
    "stalls",
    [
        pytest.param(stalls, id=name, marks=[pytest.mark.long] if name in ("both", "in") else [])
        for name, stalls in STALLS.items()
    ],
)


def stream(width: int, stops: list[int], *, voids: set[int] = frozenset(), seed: int = 5) -> Beats:
    """Random words, the same for the same seed."""
    rng = random.Random(seed)
    words = [[rng.getrandbits(32) for _ in range(width)] for _ in stops]
    rows = [([0] * width, s, 1) if i in voids else (words[i], s, 0) for i, s in enumerate(stops)]
    return beats(width, rows)


def blocks_of(lengths: list[int], outers: list[int]) -> list[int]:
    """Stops of blocks of these lengths, written with rank 1."""
    return [stop for n, outer in zip(lengths, outers, strict=True) for stop in [0] * (n - 1) + [1 + outer]]


def tokens(stops: list[int]) -> Beats:
    return beats(0, [(0, stop, 0) for stop in stops])


@every_stall
@pytest.mark.parametrize("port", [Port.VECTOR, Port.SCALAR])
@pytest.mark.parametrize("blocks", [1, 3, 7, 64])
def test_fifo(port: Port, blocks: int, stalls: dict[str, Any]) -> None:
    program = Pmu(write=port, blocks=blocks, read=port, by_length=True)
    data = stream(LANES if port is Port.VECTOR else 1, [i * 5 % 4 for i in range(90)], voids={3, 30, 31})
    launch = Launch(program, **{port.name.lower(): data})
    seen = assert_twins_agree([launch], **stalls)[0]
    assert getattr(seen, port.name.lower()) == numbers(data)


@every_stall
@pytest.mark.parametrize("blocks", [1, 2, 3])
def test_buffers_that_are_no_power_of_two(blocks: int, stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=5, blocks=blocks, read=Port.VECTOR, levels=(PmuLevel(5, 1),)
    )
    data = stream(LANES, blocks_of([5] * 12, [i % 3 for i in range(12)]))
    assert len(assert_twins_agree([Launch(program, vector=data)], **stalls)[0].vector) == 60


@every_stall
def test_transposes_backwards_and_again(stalls: dict[str, Any]) -> None:
    levels = (PmuLevel(3, -4, 1), PmuLevel(4, 1, 2), PmuLevel(2, 0, 3))
    program = Pmu(
        write=Port.VECTOR,
        write_rank=2,
        block_lines=12,
        blocks=2,
        read=Port.VECTOR,
        offset=8,
        levels=levels,
        read_rank=4,
    )
    data = stream(LANES, ([0, 0, 0, 1] * 2 + [0, 0, 0, 2]) * 3)
    seen = assert_twins_agree([Launch(program, vector=data)], **stalls)[0]
    sent = numbers(data)
    assert [beat[0] for beat in seen.vector[:6]] == [sent[line][0] for line in (8, 4, 0, 9, 5, 1)]


@every_stall
@pytest.mark.parametrize("rows", [1, 3, 4, 6, 9])
def test_lines_in_columns_out(rows: int, stalls: dict[str, Any]) -> None:
    """A matrix a block, whose buffers begin at any line and lie across the end of the scratchpad."""
    groups = -(-rows // LANES)
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=rows, blocks=3, read=Port.VECTOR, transposed=True,
        levels=(PmuLevel(groups, LANES * LANES, 1), PmuLevel(LANES, 1)), read_rank=2,
    )  # fmt: skip
    matrices = 2 * SPEC.pmu_lines // rows
    data = stream(LANES, blocks_of([rows] * matrices, [i % 3 for i in range(matrices)]))
    seen = assert_twins_agree([Launch(program, vector=data)], **stalls)[0]
    words = np.zeros((matrices, groups * LANES, LANES), np.uint32)
    words[:, :rows] = data.data.view(np.uint32).reshape(matrices, rows, LANES)
    columns = words.transpose(0, 2, 1).reshape(-1, LANES).tolist()
    assert [beat[0] for beat in seen.vector] == [sum(word << 32 * i for i, word in enumerate(c)) for c in columns]


@every_stall
@pytest.mark.parametrize("port", [Port.VECTOR, Port.SCALAR])
def test_columns_of_blocks_of_any_length(port: Port, stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=port, write_rank=1, block_lines=9, blocks=2, read=Port.VECTOR, transposed=True, by_length=True,
        levels=(PmuLevel(1, LANES * LANES, 1), PmuLevel(LANES, 1)), read_rank=2,
    )  # fmt: skip
    lengths = ([4, 1, 3, 5, 8, 9, 2] if port is Port.VECTOR else [1, 4, 5, 16, 17, 33]) * 3
    width = LANES if port is Port.VECTOR else 1
    data = stream(width, [*blocks_of(lengths, [0] * len(lengths)), 1], voids={sum(lengths)})
    seen = assert_twins_agree([Launch(program, **{port.name.lower(): data})], **stalls)[0]
    lines = [-(-length * width // LANES) for length in lengths]
    assert len(seen.vector) == sum(LANES * -(-each // LANES) for each in lines) + 1


def test_columns_of_the_whole_scratchpad() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=SPEC.pmu_lines, read=Port.VECTOR, transposed=True,
        levels=(PmuLevel(SPEC.pmu_lines, LANES, 1), PmuLevel(LANES, 1)), read_rank=2,
    )  # fmt: skip
    shift = Pmu(write=Port.VECTOR, write_rank=1, block_lines=5, read=Port.VECTOR)
    data = stream(LANES, blocks_of([SPEC.pmu_lines], [0]))
    assert_twins_agree([Launch(shift, vector=stream(LANES, [1])), Launch(program, vector=data)])


@every_stall
def test_a_transposed_read_of_words_is_a_read_of_words(stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=3, blocks=2, read=Port.SCALAR, transposed=True, by_length=True,
        levels=(PmuLevel(1, LANES, 1), PmuLevel(LANES, 1)), read_rank=2,
    )  # fmt: skip
    data = stream(LANES, blocks_of([3, 2, 1, 3], [0] * 4))
    straight = assert_twins_agree([Launch(replace(program, transposed=False), vector=data)], **stalls)
    assert assert_twins_agree([Launch(program, vector=data)], **stalls)[0].scalar == straight[0].scalar


@every_stall
def test_words_in_lines_out(stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=Port.SCALAR, write_rank=1, block_lines=3, blocks=3, read=Port.VECTOR,
        levels=(PmuLevel(3, 1, 1), PmuLevel(2, 0)), read_rank=2,
    )  # fmt: skip
    data = stream(1, blocks_of([12, 10, 9, 11, 12] * 6, [0, 1, 2, 0, 1] * 6))  # goes over old lines
    assert_twins_agree([Launch(program, scalar=data)], **stalls)


@every_stall
def test_lines_in_words_out_by_length(stalls: dict[str, Any]) -> None:
    levels = (PmuLevel(1, LANES, 1), PmuLevel(LANES, 1, 2))
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=4, blocks=2, read=Port.SCALAR, levels=levels, by_length=True,
        read_rank=2, control_out=True,
    )  # fmt: skip
    data = stream(LANES, blocks_of([4, 1, 3, 1, 2], [0, 1, 2, 3, 4]), voids={4, 8})
    seen = assert_twins_agree([Launch(program, vector=data)], **stalls)[0]
    assert [beat[1] for beat in seen.control] == [0, 1, 2, 3, 4]


@every_stall
@pytest.mark.parametrize(("first", "end"), [(0, 3), (3, 6), (6, 0), (9, 0)])
def test_a_part_of_a_tensor(first: int, end: int, stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, write_from=first, write_to=end, block_lines=7, blocks=3, read=Port.VECTOR,
        levels=(PmuLevel(1, 1, 1),), by_length=True, read_rank=1,
    )  # fmt: skip
    data = stream(LANES, blocks_of([8, 2, 5, 7, 9], [0, 1, 0, 2, 0]), voids={2, 9})
    assert_twins_agree([Launch(program, vector=data)], **stalls)


@every_stall
@pytest.mark.parametrize("port", [Port.VECTOR, Port.SCALAR])
def test_a_block_is_stored_interleaved(port: Port, stalls: dict[str, Any]) -> None:
    """Three levels: a row's beats two apart, rows one apart, pairs of rows behind each other; any outer stop."""
    program = Pmu(
        write=port, write_rank=1, block_lines=12, blocks=3, read=port, levels=(PmuLevel(12, 1, 1),), read_rank=1,
        write_levels=(WriteLevel(3, 2), WriteLevel(2, 1)), write_stride=6,
    )  # fmt: skip
    data = stream(LANES if port is Port.VECTOR else 1, blocks_of([12] * 9, [i % 3 for i in range(9)]))
    seen = assert_twins_agree([Launch(program, **{port.name.lower(): data})], **stalls)[0]
    sent, order = numbers(data), [0, 3, 1, 4, 2, 5, 6, 9, 7, 10, 8, 11]
    have = seen.vector if port is Port.VECTOR else seen.scalar
    assert [beat[0] for beat in have] == [sent[12 * block + i][0] for block in range(9) for i in order]


@every_stall
def test_rows_wider_than_a_line_are_transposed(stalls: dict[str, Any]) -> None:
    """Stored column of lines by column of lines, so that a word of each row is a word of lines that follow."""
    rows, across = 2 * LANES, 3
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=rows * across, read=Port.VECTOR, transposed=True,
        write_levels=(WriteLevel(across, rows),), write_stride=1, read_rank=2,
        levels=(PmuLevel(2, LANES * LANES, 1), PmuLevel(LANES, 1, 1), PmuLevel(across, rows * LANES)),
    )  # fmt: skip
    data = stream(LANES, blocks_of([rows * across] * 2, [0, 1]))
    seen = assert_twins_agree([Launch(program, vector=data)], **stalls)[0]
    matrix = data.data.view(np.uint32).reshape(2, rows, across * LANES)
    columns = matrix.transpose(0, 2, 1).reshape(-1, LANES).tolist()
    assert [beat[0] for beat in seen.vector] == [sum(word << 32 * i for i, word in enumerate(c)) for c in columns]


@every_stall
def test_a_block_ends_with_its_highest_line(stalls: dict[str, Any]) -> None:
    """Lines 0, 3, 1, 4, 2: the last beat is for line 2, the fifth line is still one of the block."""
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=6, blocks=2, read=Port.VECTOR, transposed=True, by_length=True,
        levels=(PmuLevel(1, LANES * LANES, 1), PmuLevel(LANES, 1, 2)), read_rank=2, write_levels=(WriteLevel(2, 3),),
    )  # fmt: skip
    data = stream(LANES, blocks_of([5, 6, 1] * 7, [0] * 21))
    assert len(assert_twins_agree([Launch(program, vector=data)], **stalls)[0].vector) == 7 * LANES * (2 + 2 + 1)


@every_stall
def test_a_block_is_stored_with_a_pitch(stalls: dict[str, Any]) -> None:
    """Rows of three lines, four apart; with a part of them cut off, and blocks that begin in the launch before."""
    program = Pmu(
        write=Port.VECTOR, write_rank=1, write_from=1, block_lines=11, blocks=2, read=Port.VECTOR,
        levels=(PmuLevel(3, 1, 1), PmuLevel(3, 4, 2)), read_rank=2, write_levels=(WriteLevel(3, 1),), write_stride=4,
    )  # fmt: skip
    data = stream(LANES, blocks_of([10] * 7, [0] * 7))
    parts = [Beats(*(each[a:b] for each in (data.data, data.stop, data.void))) for a, b in ((0, 25), (25, None))]
    seen = assert_twins_agree([Launch(program, vector=part) for part in parts], **stalls)
    sent = numbers(data)
    have = [beat[0] for launch in seen for beat in launch.vector]
    assert have == [sent[10 * block + 1 + i][0] for block in range(7) for i in range(9)]


@every_stall
def test_control_reads_again(stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=3, blocks=2, read=Port.VECTOR, trigger=Trigger.CONTROL,
        free_rank=2, levels=(PmuLevel(3, 1, 1),), read_rank=1, control_out=True,
    )  # fmt: skip
    control = tokens([0, 1, 0, 2, 2, 1, 1, 3, 0, 0])
    data = stream(LANES, blocks_of([3] * 4, [4, 0, 1, 0]))
    seen = assert_twins_agree([Launch(program, vector=data, control=control)], **stalls)[0]
    assert len(seen.control) == 10


@every_stall
@pytest.mark.parametrize("port", [Port.VECTOR, Port.SCALAR])
def test_addresses_from_a_stream(port: Port, stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=6, blocks=2, read=port, trigger=Trigger.ADDRESS, free_rank=1,
        offset=2, levels=(PmuLevel(2, 1),), by_length=False, read_rank=0,
    )  # fmt: skip
    values = [(0, 0, 0), (2, 0, 0), (0xFFFF_FFFE, 1, 0), (9, 0, 1), (1, 2, 0), (2, 0, 0), (0, 3, 1), (1, 0, 0)]
    data = stream(LANES, blocks_of([6] * 4, [0] * 4))
    assert_twins_agree([Launch(program, vector=data, address=beats(1, values))], **stalls)


@every_stall
@pytest.mark.parametrize("port", [Port.VECTOR, Port.SCALAR])
def test_lengths_from_a_stream(port: Port, stalls: dict[str, Any]) -> None:
    """A bound, a void beat and the values that are one, several runs a block; `by_length` says nothing."""
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=6, blocks=2, read=port, trigger=Trigger.LENGTH, free_rank=1,
        offset=1, levels=(PmuLevel(2, 1, 1), PmuLevel(2, 0, 2)), by_length=True, read_rank=2, control_out=True,
    )  # fmt: skip
    values = [(5, 0, 0), (0, 0, 0), (1, 1, 0), (0xFFFF_FFFE, 0, 0), (3, 1, 0), (4, 0, 1), (2, 2, 0)]
    data = stream(LANES, blocks_of([6] * 3, [0] * 3))
    seen = assert_twins_agree([Launch(program, vector=data, address=beats(1, values))], **stalls)[0]
    sent = seen.vector if port is Port.VECTOR else seen.scalar
    runs = [5, 0, 1, 0, 3, 0, 2]
    assert [void for _, _, void in sent] == [int(not run) for run in runs for _ in range(max(1, 2 * run))]


def test_a_length_can_be_as_large_as_a_bound() -> None:
    program = Pmu(
        write=Port.SCALAR, write_rank=0, read=Port.SCALAR, trigger=Trigger.LENGTH, levels=(PmuLevel(1, 0, 1),)
    )
    most = 2 * SPEC.pmu_words - 1
    address = beats(1, [(most, 0, 0)])
    seen = assert_twins_agree([Launch(program, scalar=beats(1, [(7, 0, 0)]), address=address)])[0]
    assert len(seen.scalar) == most


@every_stall
def test_blocks_stay_over_launches(stalls: dict[str, Any]) -> None:
    program = Pmu(
        write=Port.SCALAR, write_rank=1, block_lines=2, blocks=3, read=Port.SCALAR, trigger=Trigger.CONTROL,
        free_rank=1, levels=(PmuLevel(1, 1),), by_length=True,
    )  # fmt: skip
    parts = [stream(1, stops, seed=k) for k, stops in enumerate(([0, 1, 0, 0, 2, 0], [0, 3, 0], [1], []))]
    controls = [[], [1, 0], [1, 2], [0, 1]]
    launches = [Launch(program, scalar=p, control=tokens(c)) for p, c in zip(parts, controls, strict=True)]
    seen = assert_twins_agree(launches, **stalls)
    assert [len(each.scalar) for each in seen] == [0, 2 + 3, 3 + 3, 2 + 2]


@every_stall
def test_beats_not_taken_wait_for_the_next_launch(stalls: dict[str, Any]) -> None:
    """A FIFO written in one launch and read in the next one, as by a consumer that begins later."""
    program = Pmu(write=Port.VECTOR, blocks=20, read=Port.VECTOR, by_length=True)
    data = stream(LANES, [i % 3 for i in range(20)])
    launches = [Launch(program, vector=data, held=("vector",)), Launch(program, held=("vector",)), Launch(program)]
    seen = bench().run(launches, **stalls)
    assert [each.vector for each in seen] == [[], [], numbers(data)]
    assert seen[0].waits == 1 << 16 | 1


def test_a_buffer_may_lie_across_the_end_of_the_scratchpad() -> None:
    """A ring of small buffers, then one that takes every line, wherever the small ones ended."""
    small = Pmu(write=Port.VECTOR, block_lines=5, blocks=3, write_rank=1, read=Port.VECTOR, levels=(PmuLevel(5, 1),))
    large = Pmu(
        write=Port.VECTOR, block_lines=SPEC.pmu_lines, write_rank=1, read=Port.VECTOR,
        levels=(PmuLevel(SPEC.pmu_lines, 1),),
    )  # fmt: skip
    first = stream(LANES, blocks_of([5], [0]))
    second = stream(LANES, blocks_of([SPEC.pmu_lines], [0]))
    assert_twins_agree([Launch(small, vector=first), Launch(large, vector=second), Launch(small, vector=first)])


def test_all_zero_program_is_idle() -> None:
    zero = Pmu(block_lines=0, blocks=0, levels=(PmuLevel(0),) * SPEC.pmu_levels)
    seen = assert_twins_agree([Launch(zero, vector=stream(LANES, [1, 1]), scalar=stream(1, [1]), control=tokens([0]))])[
        0
    ]
    assert (seen.busy, seen.starved, seen.blocked, seen.waits) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "spec",
    [
        PRESETS["tiny"].replace(pmu_levels=1, lanes=2, fifo_depth=2, stop_ranks=1, channel_bits=32),
        PRESETS["tiny"].replace(pmu_levels=3, lanes=16, pmu_lines=16, stop_ranks=15),
    ],
    ids=["narrow", "wide"],
)
def test_other_fabrics(spec: FabricSpec) -> None:
    program = Pmu(
        write=Port.SCALAR, write_rank=1, block_lines=3, blocks=2, read=Port.SCALAR, levels=(PmuLevel(1, 1),),
        by_length=True,
    )  # fmt: skip
    data = stream(1, blocks_of([3, 5, 6, 1, 4], [0] * 5))
    assert_twins_agree([Launch(program, scalar=data)], spec=spec, rate=0.7, out_rate=0.6)
    across = replace(program, write=Port.VECTOR, read=Port.VECTOR, transposed=True)
    data = stream(spec.lanes, blocks_of([3, 1, 2, 3, 1], [0] * 5))
    assert_twins_agree([Launch(across, vector=data)], spec=spec, rate=0.7, out_rate=0.6)


def test_the_bench_sees_a_difference() -> None:
    """A stream that is not the twin's must not pass."""
    program = Pmu(write=Port.VECTOR, blocks=4, read=Port.VECTOR, by_length=True)
    data = stream(LANES, [0, 1, 2])
    other = stream(LANES, [0, 1, 2], seed=6)
    assert numbers(twin(SPEC, [Launch(program, vector=data)])[0].vector) != numbers(other)


def test_a_bound_of_zero_is_one() -> None:
    program = Pmu(
        write=Port.VECTOR, write_rank=1, block_lines=2, blocks=2, read=Port.VECTOR,
        levels=(PmuLevel(0, 1, 1), PmuLevel(2, 1, 2), PmuLevel(0, 1, 3)),
    )  # fmt: skip
    seen = assert_twins_agree([Launch(program, vector=stream(LANES, blocks_of([2, 2], [0, 3])))])
    assert [beat[1] for beat in seen[0].vector] == [1, 0, 1, 3]


def test_a_tensor_longer_than_its_count_can_go() -> None:
    """The count of a block's beats has 9 bits on this fabric; it must stay at its end, not begin anew."""
    program = Pmu(
        write=Port.SCALAR, write_rank=1, write_from=450, block_lines=40, read=Port.SCALAR, levels=(PmuLevel(1, 1),),
        by_length=True,
    )  # fmt: skip
    data = stream(1, blocks_of([600, 460], [1, 0]))
    seen = assert_twins_agree([Launch(program, scalar=data)])[0]
    words = [value for value, _, _ in numbers(data)]
    assert [value for value, _, _ in seen.scalar] == words[450:600] + words[1050:]
