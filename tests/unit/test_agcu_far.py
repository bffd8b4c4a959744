"""Addresses beyond 4 GiB, up to the last beat of a channel's 1 TiB."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agcu_bench import beats, payloads, run_unit

from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, AgcuLevel
from weft.hw.program.firings.agcu import SCALAR, turn_of
from weft.hw.program.firings.stream import Shape
from weft.hw.spec import ADDRESS_BITS

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes
GIB = 1 << 30
END = 1 << ADDRESS_BITS


class Sparse:
    """Memory of which only what is touched exists; before it is written, a word holds its own number."""

    def __init__(self) -> None:
        self.words: dict[int, int] = {}

    def __getitem__(self, where: slice) -> np.ndarray:
        words = range(where.start // 4, where.stop // 4)
        return np.array([self.words.get(word, word % (1 << 32)) for word in words], np.uint32)

    def __setitem__(self, where: slice, data: np.ndarray) -> None:
        self.words.update(zip(range(where.start // 4, where.stop // 4), data.view(np.uint32).tolist(), strict=True))


def two(stride: int) -> tuple[AgcuLevel, ...]:
    return (AgcuLevel(bound=2, stride=stride, rank=1),)


CASES: dict[str, tuple[dict[str, Any], list[int]]] = {
    "base": ({"base": 5 * GIB, "levels": two(V)}, [5 * GIB, 5 * GIB + V]),
    "the last beats": ({"base": END - 2 * V, "levels": two(V)}, [END - 2 * V, END - V]),
    "stride": ({"levels": two(700 * GIB)}, [0, 700 * GIB]),
    "stride back": ({"base": END - V, "levels": two(-700 * GIB)}, [END - V, 324 * GIB - V]),
    "arguments": ({"base": 900 * GIB, "arg_a": 1, "arg_b": 2}, [900 * GIB + 60 * GIB + 32 * GIB]),
    "turn": ({"base": V, "turns": 2, "turn_stride": 600 * GIB}, [V, 600 * GIB + V]),
    "round": ({"base": V, "rounds_arg": 3, "round_stride": 600 * GIB}, [V, 600 * GIB + V]),
}
ARGUMENTS = {1: 60 * GIB // V, 2: 32 * GIB // V, 3: 2}


def numbers(address: int) -> list[int]:
    return [(address // 4 + lane) % (1 << 32) for lane in range(SPEC.lanes)]


@pytest.mark.parametrize("case", CASES)
def test_a_load(case: str) -> None:
    fields, want = CASES[case]
    program = Agcu(kind=AgcuKind.LOAD, end_rank=2, segment_size=END, **fields)
    (run,) = run_unit(SPEC, [program], Sparse(), ARGUMENTS)  # pyright: ignore[reportArgumentType]
    assert [list(beat.data) for beat in run.vector] == [numbers(address) for address in want]
    assert not run.violation
    turns = [(number, turn) for number in range(program.rounds(ARGUMENTS)) for turn in range(max(1, program.turns))]
    each = len(want) // len(turns)
    seen = [turn_of(program, {}, ARGUMENTS, turn, number, spec=SPEC).addresses(each) for number, turn in turns]
    assert np.concatenate(seen).tolist() == want


def test_a_store() -> None:
    program = Agcu(kind=AgcuKind.STORE, base=END - 2 * V, levels=two(V), end_rank=2, segment_size=END)
    sent, memory = beats(np.arange(8) + 1000, [0, 2]), Sparse()
    (run,) = run_unit(SPEC, [program], memory, {}, vector=sent)  # pyright: ignore[reportArgumentType]
    assert not run.violation
    assert [*memory.words] == [*range(END // 4 - 8, END // 4)]
    assert [*memory.words.values()] == [word for row in payloads(sent) for word in row["data"]]


def test_an_index_is_signed() -> None:
    program = Agcu(
        kind=AgcuKind.LOAD, base=512 * GIB, end_rank=2, indexed=True, index_stride=100 * GIB, segment_size=END
    )
    index = beats([[0xFFFFFFFD], [5], [1 << 31]], [0, 0, 2])
    want = [212 * GIB, 1012 * GIB, 512 * GIB]
    (run,) = run_unit(SPEC, [program], Sparse(), {}, scalar=index)  # pyright: ignore[reportArgumentType]
    assert [list(beat.data) for beat in run.vector] == [numbers(address) for address in want]
    shape = Shape(index.stop, index.void, np.array([-3, 5, -(1 << 31)]))
    assert turn_of(program, {SCALAR: shape}, {}, spec=SPEC).addresses(3).tolist() == want


@pytest.mark.parametrize(
    ("base", "size", "refused"),
    [(5 * GIB, V, False), (5 * GIB - V, V, True), (5 * GIB + V, V, True), (V, V, True), (5 * GIB, 0, True)],
)
def test_a_segment_beyond_4_gib(base: int, size: int, refused: bool) -> None:
    program = Agcu(kind=AgcuKind.LOAD, base=base, end_rank=2, segment_base=5 * GIB, segment_size=size)
    (run,) = run_unit(SPEC, [program], Sparse(), {})  # pyright: ignore[reportArgumentType]
    assert run.violation == refused
    assert len(run.memory.requests) == (not refused)
