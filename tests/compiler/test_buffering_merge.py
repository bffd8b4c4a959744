"""A merge as a process: void selectors, selectors that are data, inputs without blocks."""

from __future__ import annotations

import numpy as np

from weft.compiler.backend.buffering.selectors import with_selectors
from weft.hw.presets import PRESETS
from weft.hw.program import Pcu
from weft.hw.program.firings.pcu import firings_of
from weft.hw.program.firings.stream import Shape
from weft.hw.topology import Network

SPEC = PRESETS["tiny"]


def test_void_selectors_need_no_data() -> None:
    selector = Shape(np.array([0, 1], np.uint8), np.ones(2, bool), 1)
    program = Pcu(merge=True, merge_rank=1, vector_out=True)
    made = firings_of(program, {(Network.SCALAR, 0): selector})
    process, outputs = made.process, made.outputs
    assert process.firings == 2
    assert outputs[Network.VECTOR].stop.tolist() == [1, 2]
    assert outputs[Network.VECTOR].void.tolist() == [True, True]
    data = Shape.of(np.array([1], np.uint8))
    made = firings_of(program, {(Network.SCALAR, 0): selector, (Network.VECTOR, 1): data})
    side = next(side for side in made.process.takes if side.where == (Network.VECTOR, 1))
    assert side.total == 0
    assert side.firings()[0].tolist() == [0, 0]


def _rows(count: int) -> Shape:
    stop = np.ones(count, np.uint8)
    stop[-1:] = 2
    return Shape.of(stop)


def _taken(streams: dict[tuple[Network, int], Shape], selectors: tuple[int, ...], *, other_first: bool) -> list[int]:
    """The input of each step, from when each side takes its beats."""
    program = Pcu(merge=True, merge_rank=1, merge_empty=True, vector_out=True)
    made = firings_of(program, with_selectors(program, streams, selectors, other_first=other_first))
    process, outputs = made.process, made.outputs
    assert outputs[Network.VECTOR].stop.tolist()[-1] == 2
    done = {side.where: side.firings()[1] for side in process.takes}
    steps = [np.diff(done[Network.VECTOR, port], prepend=0) for port in (0, 1) if (Network.VECTOR, port) in done]
    return np.argmax(np.stack(steps), axis=0).tolist()


def test_selectors_that_are_data_are_tried_in_both_orders() -> None:
    selector = Shape.of(np.array([0, 0, 0, 0, 1], np.uint8))
    streams = {(Network.VECTOR, 0): _rows(2), (Network.VECTOR, 1): _rows(3), (Network.SCALAR, 0): selector}
    assert _taken(streams, (), other_first=False) == [0, 0, 1, 1, 1]
    assert _taken(streams, (), other_first=True) == [1, 1, 1, 0, 0]
    assert _taken(streams, (0, 1, 0, 1, 1), other_first=True) == [0, 1, 0, 1, 1]


def test_an_input_without_blocks_gives_its_beat() -> None:
    nothing = Shape(np.array([2], np.uint8), np.ones(1, bool))
    streams = {(Network.VECTOR, 0): _rows(2), (Network.VECTOR, 1): nothing, (Network.SCALAR, 0): _rows(2)}
    program = Pcu(merge=True, merge_rank=1, merge_empty=True, vector_out=True)
    made = firings_of(
        program, {**streams, (Network.SCALAR, 0): Shape(np.array([0, 1], np.uint8), np.zeros(2, bool), 0)}
    )
    assert {side.where: side.total for side in made.process.takes} == {
        (Network.SCALAR, 0): 2,
        (Network.VECTOR, 0): 2,
        (Network.VECTOR, 1): 1,
    }
