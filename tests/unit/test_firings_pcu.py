"""The firings of a PCU against steps taken one by one, as the program's text says."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.program.firings.pcu import firings_of
from weft.hw.program.firings.process import Where
from weft.hw.program.firings.stream import Shape
from weft.hw.topology import Network

Beat = tuple[int, bool]
"""Stop and void."""
VECTOR0, VECTOR1, SCALAR0 = (Network.VECTOR, 0), (Network.VECTOR, 1), (Network.SCALAR, 0)


def stream(beats: list[Beat], values: list[int] | None = None) -> Shape:
    stop, void = np.array([each for each, _ in beats], np.uint8), np.array([each for _, each in beats], bool)
    return Shape(stop, void, None if values is None else np.array(values, np.int64))


def beats_of(most: int = 16) -> st.SearchStrategy[list[Beat]]:
    return st.lists(st.tuples(st.sampled_from([0, 0, 0, 1, 2]), st.booleans()), max_size=most)


@dataclass
class Naive:
    """A PCU that takes step after step."""

    program: Pcu
    inputs: dict[Where, list[Beat]]
    words: list[int]
    taken: dict[Where, int] = field(default_factory=dict[Where, int])
    output: list[Beat] = field(default_factory=list[Beat])
    log: list[tuple[dict[Where, int], int]] = field(default_factory=list[tuple[dict[Where, int], int]])
    """Of each firing what has been taken and given after it."""

    def run(self) -> None:
        program, self.taken = self.program, dict.fromkeys(self.inputs, 0)
        halves = deque[Beat]()
        selected, row, rows = -1, list[int](), list[int]()
        while True:
            if program.merge:
                if not self._has(SCALAR0):
                    return
                outer, nothing = self._head(SCALAR0)
                if nothing:
                    stop, void, pops = program.merge_rank + outer, True, [SCALAR0]
                else:
                    selected = int(self.words[self.taken[SCALAR0]] != 0)
                    source: Where = (Network.VECTOR, selected)
                    if not self._has(source):
                        return
                    stop, void = self._head(source)
                    pops = [source]
                    if stop >= program.merge_rank:
                        stop, pops = program.merge_rank + outer, [source, SCALAR0]
            else:
                if not halves and program.unpack:
                    if not self._has(VECTOR0):
                        return
                    stop, void = self._head(VECTOR0)
                    single = void or (stop > 0 and program.unpack_odd)
                    halves.extend([(stop, void)] if single else [(0, void), (stop, void)])
                elif not self._has(VECTOR0):
                    return
                stop, void = halves[0] if halves else self._head(VECTOR0)
                used = [(VECTOR1, program.vector[1]), (SCALAR0, program.scalar[0])]
                used = [(where, each) for where, each in used if each.mode is not InputMode.OFF]
                if not all(self._has(where) for where, _ in used):
                    return
                pops = [w for w, each in used if each.mode is InputMode.EACH or stop >= each.hold_rank]
                if halves:
                    halves.popleft()
                pops += [] if halves else [VECTOR0]
            for where in pops:
                self.taken[where] += 1
            self._accumulate(stop, void, row, rows)

    def _has(self, where: Where) -> bool:
        return self.taken[where] < len(self.inputs[where])

    def _head(self, where: Where) -> Beat:
        return self.inputs[where][self.taken[where]]

    def _accumulate(self, stop: int, void: bool, row: list[int], rows: list[int]) -> None:
        program = self.program
        ends = stop >= program.acc_rank
        row.append(stop)
        if program.accumulate in (Accumulate.OFF, Accumulate.SCAN):
            self._give(stop, void)
        elif program.accumulate is Accumulate.REDUCE and ends:
            self._give(stop, False)
        self.log.append((dict(self.taken), len(self.output)))
        if program.accumulate is Accumulate.DRAIN and ends:
            for stage in range(program.drain_stages):
                for index, each in enumerate(row):
                    last = index == len(row) - 1 and stage < program.drain_stages - 1
                    self._give(program.acc_row if last else each, False)
                    self.log.append((dict(self.taken), len(self.output)))
        if ends or stop >= program.acc_row:
            row.clear()

    def _give(self, stop: int, void: bool) -> None:
        program = self.program
        self.output.append((stop - program.stop_sub + program.stop_add if stop >= program.stop_rank else stop, void))


def check(naive: Naive, values: list[int] | None) -> None:
    naive.run()
    given = {where: stream(beats, values if where == SCALAR0 else None) for where, beats in naive.inputs.items()}
    does = firings_of(naive.program, given)
    assert list(zip(does.output.stop.tolist(), does.output.void.tolist(), strict=True)) == naive.output
    used = {where: count for where, count in naive.taken.items() if where in does.taken}
    assert does.taken == used
    assert not any(count for where, count in naive.taken.items() if where not in used)
    process = does.process
    assert process.firings == len(naive.log)
    for side in process.takes:
        assert side.firings()[1].tolist() == [taken[side.where] for taken, _ in naive.log]
    for side in process.gives:
        assert side.firings()[1].tolist() == [given for _, given in naive.log]


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_steps_of_several_inputs(data: st.DataObject) -> None:
    accumulate = data.draw(st.sampled_from(Accumulate))
    row = data.draw(st.integers(1, 2)) if accumulate is Accumulate.DRAIN else 0
    second, third = (
        Input(data.draw(st.sampled_from([InputMode.OFF, InputMode.EACH, InputMode.HOLD])), data.draw(st.integers(0, 2)))
        for _ in range(2)
    )
    program = Pcu(
        vector=(Input(InputMode.EACH), second),
        scalar=(third,),
        reference=Source.REG0,
        unpack=data.draw(st.sampled_from([Unpack.OFF, Unpack.BF16])),
        unpack_odd=data.draw(st.booleans()),
        stages=(Stage(c=Source.ACC),),
        accumulate=accumulate,
        acc_row=row,
        acc_rank=data.draw(st.integers(max(1, row), 2)),
        drain_stages=data.draw(st.integers(1, 3)),
        stop_rank=data.draw(st.integers(0, 1)),
        stop_add=data.draw(st.integers(0, 1)),
        vector_out=True,
    )
    check(Naive(program, {where: data.draw(beats_of()) for where in (VECTOR0, VECTOR1, SCALAR0)}, []), None)


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_steps_of_a_merge(data: st.DataObject) -> None:
    inputs = {where: data.draw(beats_of()) for where in (VECTOR0, VECTOR1)}
    inputs[SCALAR0] = data.draw(beats_of(most=8))
    words = [data.draw(st.integers(-1, 1)) for _ in inputs[SCALAR0]]
    program = Pcu(merge=True, merge_rank=data.draw(st.integers(0, 2)), vector_out=True)
    check(Naive(program, inputs, words), words)
