"""The firings of a PMU against blocks and runs made one by one, as the program's text says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.hw.program import Pmu, PmuLevel, Port, Trigger, WriteLevel
from weft.hw.program.firings.pmu_read import read_of
from weft.hw.program.firings.pmu_write import Blocks, written_of
from weft.hw.program.firings.process import RING
from weft.hw.program.firings.stream import Shape
from weft.hw.topology import Network

Beat = tuple[int, bool]
"""Stop and void."""
LANES = 4

beats_of = st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2]), st.booleans()), max_size=20)


def stream(beats: list[Beat], values: list[int] | None = None) -> Shape:
    stop, void = np.array([each for each, _ in beats], np.uint8), np.array([each for _, each in beats], bool)
    return Shape(stop, void, None if values is None else np.array(values, np.int64))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_blocks_that_are_kept(data: st.DataObject) -> None:
    first = data.draw(st.integers(0, 2))
    period, chosen = data.draw(st.integers(0, 3)), data.draw(st.integers(0, 2))
    program = Pmu(
        write=Port.VECTOR,
        write_rank=data.draw(st.integers(0, 2)),
        write_from=first,
        write_to=data.draw(st.sampled_from([0, first + 1, first + 3])),
        period=period,
        block_from=chosen,
        block_to=chosen + 1,
    )
    beats, number = data.draw(beats_of), data.draw(st.integers(0, 4))
    counted = data.draw(st.integers(0, 3))
    blocks: list[tuple[int, int]] = []
    kept, begun, index, place, given_away = list[bool](), 0, counted, number, list[int]()
    for stop, void in beats:
        hands_over = not period or chosen <= place % period < chosen + 1
        inside = first <= index and (not program.write_to or index < program.write_to)
        kept.append(not void and inside and hands_over)
        begun += kept[-1]
        index += not void
        if stop >= program.write_rank:
            if hands_over:
                blocks.append((stop - program.write_rank, begun))
            begun, index, place = 0, 0, place + 1
        given_away.append(len(blocks))
    written = written_of(program, stream(beats), number=number, counted=counted)
    assert written.keep.tolist() == kept
    assert list(zip(written.blocks.outer.tolist(), written.blocks.kept.tolist(), strict=True)) == blocks
    assert (written.counted, int(written.kept[-1])) == (index, begun)
    (ring,) = written.process(2).gives
    assert ring.where == RING
    needs, done = ring.firings()
    assert done.tolist() == [2 + each for each in given_away]
    assert needs.tolist() == [3 + each for each in [0, *given_away][: len(beats)]]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_runs_over_blocks(data: st.DataObject) -> None:
    trigger = data.draw(st.sampled_from(Trigger))
    levels = [
        PmuLevel(data.draw(st.integers(1, 3)), data.draw(st.integers(-3, 3)), data.draw(st.integers(0, 3)))
        for _ in range(data.draw(st.integers(1, 3)))
    ]
    program = Pmu(
        read=Port.VECTOR,
        trigger=trigger,
        free_rank=data.draw(st.integers(0, 2)),
        levels=tuple(levels),
        by_length=data.draw(st.booleans()),
        transposed=data.draw(st.booleans()),
        write_levels=data.draw(st.sampled_from([(), (WriteLevel(2, 0),)])),
        read_rank=2,
        control_out=data.draw(st.booleans()),
    )
    blocks = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=6))
    starts = data.draw(beats_of)
    values = [data.draw(st.integers(-2, 4)) for _ in starts]
    begin = starts if trigger is not Trigger.BLOCK else [(outer, False) for outer, _ in blocks]
    words = values if trigger.by_scalar else [0] * len(begin)

    beats: list[tuple[int, int, bool]] = []
    freed, runs, after_run = 0, 0, list[int]()
    for (outer, void), value in zip(begin, words, strict=True):
        if freed == len(blocks):
            break
        kept = blocks[freed][1]
        length = levels[0].bound
        if trigger is Trigger.LENGTH:
            length = max(0, value)
        elif program.by_length:
            length = kept
            if program.transposed:
                lines = kept if not program.write_levels else -(-kept // 2)
                length = -(-lines // LANES)
        if not kept or (void and trigger.by_scalar):
            length = 0
        run = [(0, 0)] if length else []
        for number, level in enumerate(levels if length else []):
            count = level.bound if number else length
            run = [
                (address + index * level.stride, level.rank if (index, place) == (count - 1, len(run) - 1) else stop)
                for index in range(count)
                for place, (address, stop) in enumerate(run)
            ]
        beats += [(address, stop, False) for address, stop in run[:-1]]
        beats.append((run[-1][0] if run else 0, outer + 2, not run))
        freed += trigger is Trigger.BLOCK or outer >= program.free_rank
        runs += 1
        after_run.append(len(beats))

    outer, kept = (np.array([each[place] for each in blocks], np.int64) for place in (0, 1))
    read = read_of(program, Blocks(outer.astype(np.uint8), kept), stream(starts, values), lanes=LANES)
    shape = read.outputs[Network.VECTOR]
    assert list(zip(shape.stop.tolist(), shape.void.tolist(), strict=True)) == [(stop, void) for _, stop, void in beats]
    assert read.walk.offsets().tolist() == [address for address, _, _ in beats]
    assert (len(read.block), read.freed) == (runs, freed)
    if trigger is Trigger.ADDRESS:
        assert read.address is not None
        assert read.address.tolist() == values[:runs]
    if program.control_out:
        assert read.outputs[Network.CONTROL].stop.tolist() == [stop for stop, _ in begin[:runs]]
    process = read.process
    apart = trigger is not Trigger.BLOCK or program.control_out
    assert process.firings == len(beats) + apart * runs
    sent = next(side for side in process.gives if side.where[0] is Network.VECTOR).firings()[1]
    ends = [after + apart * (number + 1) - 1 for number, after in enumerate(after_run)]
    assert sent[ends].tolist() == after_run
