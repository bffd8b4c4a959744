"""Merging two streams of blocks into one that ends where the selector ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pcu_bench import SPEC, beats, bench, check, expected, nested_stops

from weft.hw.numerics.ops import Op
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.sim.device import Beats

LANES = SPEC.lanes
ZEROS = (0,) * LANES


def _merge(rank: int) -> Pcu:
    return Pcu(merge=True, merge_rank=rank, vector_out=True)


def _words(seed: int, count: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(count, LANES)).astype(np.float32)


def _selector(which: list[int], stop: list[int], void: list[int] | None = None) -> Beats:
    return beats(np.array(which, np.uint32), stop, np.array(void or [0] * len(which), bool))


def test_rows_of_two_streams_end_with_the_selector() -> None:
    """Rows of 2 beats: two of the first stream, whose end comes in the middle, and one of the second."""
    first, second = beats(_words(1, 4), nested_stops(2, 2)), beats(_words(2, 2), nested_stops(1, 2))
    run = check(_merge(1), [first, second], [_selector([0, 0, 1], [0, 0, 1])])
    assert [stop for _, stop, _ in run.vector] == nested_stops(3, 2).tolist()
    # The stream that is done sooner may be any: the other order.
    run = check(_merge(1), [first, second], [_selector([1, 0, 0], [0, 1, 1])])
    assert [stop for _, stop, _ in run.vector] == [0, 1, 0, 2, 0, 2]


def test_selectors_of_rank_0_change_no_stop() -> None:
    tensor = beats(_words(3, 12), nested_stops(3, 4))
    run = check(_merge(2), [tensor, None], [_selector([0], [0])])
    assert [stop for _, stop, _ in run.vector] == tensor.stop.tolist()


def test_a_block_may_have_longer_or_shorter_ones_within() -> None:
    """Blocks of rank 2 with inner stops, of which one ends with a higher rank than the block's."""
    first, second = beats(_words(4, 5), [0, 1, 4, 1, 2]), beats(_words(5, 3), [1, 0, 3])
    run = check(_merge(2), [first, second], [_selector([0, 1, 0], [0, 0, 1])])
    assert [stop for _, stop, _ in run.vector] == [0, 1, 2, 1, 0, 2, 1, 3]


def test_void_beats_of_a_block_stay_void() -> None:
    first, second = beats(_words(6, 2), [2, 2], [True, False]), beats(_words(7, 1), [3], [True])
    run = check(_merge(1), [first, second], [_selector([0, 1, 0], [0, 0, 2])])
    assert [(stop, void) for _, stop, void in run.vector] == [(1, True), (1, True), (3, False)]


def test_an_input_without_blocks_is_popped() -> None:
    """Its one beat comes before, between or after those of the other, and leaves nothing behind."""
    first, nothing = beats(_words(6, 3), [1, 1, 2]), beats(_words(7, 1), [2], [True])
    program = replace(_merge(1), merge_empty=True)
    for inputs, which in (([first, nothing], 0), ([nothing, first], 1)):
        run = check(program, inputs, [_selector([which] * 3, [0, 0, 1])])
        assert [(stop, void) for _, stop, void in run.vector] == [(1, False), (1, False), (2, False)]


def test_a_void_selector_takes_nothing_of_the_inputs() -> None:
    first, second = beats(_words(8, 2), [0, 1]), beats(_words(9, 1), [1])
    selector = _selector([1, 0, 1, 0], [1, 0, 1, 2], [1, 0, 0, 1])
    run = check(_merge(1), [first, second], [selector])
    assert [(stop, void) for _, stop, void in run.vector] == [(2, True), (0, False), (1, False), (2, False), (3, True)]
    assert run.vector[0][0] == run.vector[-1][0] == ZEROS


def test_a_void_selector_needs_no_beat_of_the_inputs() -> None:
    run = check(_merge(1), [None, None], [_selector([0, 1], [0, 1], [1, 1])])
    assert run.vector == [(ZEROS, 1, True), (ZEROS, 2, True)]


def test_inputs_held_to_the_merged_stops() -> None:
    """Input 2 is popped with each block, input 1 of the scalars with the end of each selected tensor."""
    program = Pcu(
        vector=(Input(), Input(), Input(InputMode.HOLD, 1)),
        scalar=(Input(), Input(InputMode.HOLD, 2)),
        merge=True,
        merge_rank=1,
        stages=(Stage(Op.MULADD, Source.REG0, Source.SCALAR1, Source.REG2),),
        vector_out=True,
    )
    first, second = beats(_words(10, 6), nested_stops(3, 2)), beats(_words(11, 4), nested_stops(2, 2))
    selector = _selector([0, 1, 0, 0, 1], [0, 1, 0, 0, 1])
    run = check(program, [first, second, beats(_words(12, 5))], [selector, beats(_words(13, 2)[:, 0])])
    assert len(run.vector) == 10


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 20))])
def test_random_blocks_and_selectors(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(0, 3))
    streams = []
    for number in range(2):
        stop = rng.choice(5, 40, p=[0.5, 0.2, 0.1, 0.1, 0.1]).astype(np.uint8)
        streams.append(beats(_words(100 * seed + number, 40), stop, rng.random(40) < 0.2))
    count = 30
    words = rng.choice(np.array([0, 0, 1, 0x80000000], np.uint32), count)
    selector = beats(words, rng.choice(4, count), rng.random(count) < 0.2)
    accumulate = Accumulate(int(rng.integers(3)))
    program = Pcu(
        merge=True,
        merge_rank=rank,
        stages=(Stage(Op.ADD, Source.REG0, c=Source.ACC) if accumulate else Stage(),),
        accumulate=accumulate,
        acc_rank=int(rng.integers(1, 4)),
        vector_out=True,
        scalar_out=True,
    )
    golden = expected(SPEC, program, streams, [selector])
    assert golden.vector
    for pause in (0.0, 0.5):
        run = bench().run(program, streams, [selector], pause=pause, seed=seed)
        assert run.vector == golden.vector, f"vector output differs with pauses {pause}: {program}"
        assert run.scalar == golden.scalar, f"scalar output differs with pauses {pause}: {program}"
