"""The firings of a PCU against steps taken one by one, as the program's text says."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest

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


def random_beats(rng: np.random.Generator, most: int = 24) -> list[Beat]:
    """Mostly long ones, with stops up to 2."""
    count = int(rng.integers(most // 2, most + 1)) if rng.random() < 0.9 else int(rng.integers(0, 3))
    return [(int(stop), bool(rng.random() < 0.2)) for stop in rng.choice([0, 0, 0, 1, 2], count)]


@dataclass
class Firing:
    """What must have come before it, what has been taken after it, and what has been given."""

    needs: dict[Where, int]
    taken: dict[Where, int]
    given: int


@dataclass
class Naive:
    """A PCU that takes step after step."""

    program: Pcu
    inputs: dict[Where, list[Beat]]
    words: list[int]
    taken: dict[Where, int] = field(default_factory=dict[Where, int])
    output: list[Beat] = field(default_factory=list[Beat])
    log: list[Firing] = field(default_factory=list["Firing"])

    def run(self) -> None:
        program, self.taken = self.program, dict.fromkeys(self.inputs, 0)
        halves = deque[Beat]()
        row = list[int]()
        while True:
            if program.merge:
                if not self._has(SCALAR0):
                    return
                outer, nothing = self._head(SCALAR0)
                uses = [SCALAR0]
                if nothing:
                    stop, void, pops = program.merge_rank + outer, True, [SCALAR0]
                else:
                    source: Where = (Network.VECTOR, int(self.words[self.taken[SCALAR0]] != 0))
                    if not self._has(source):
                        return
                    stop, void = self._head(source)
                    pops, uses = [source], [source, SCALAR0]
                    if stop >= program.merge_rank:
                        stop, pops = program.merge_rank + outer, [source, SCALAR0]
            else:
                if not halves and program.unpack and not program.unpack_both:
                    if not self._has(VECTOR0):
                        return
                    stop, void = self._head(VECTOR0)
                    single = void or (stop > 0 and program.unpack_odd)
                    halves.extend([(stop, void)] if single else [(0, void), (stop, void)])
                elif not self._has(VECTOR0):
                    return
                stop, void = halves[0] if halves else self._head(VECTOR0)
                uses = [VECTOR0]
                used = [(VECTOR1, program.vector[1]), (SCALAR0, program.scalar[0])]
                used = [(where, each) for where, each in used if each.mode is not InputMode.OFF]
                if not all(self._has(where) for where, _ in used):
                    return
                uses += [where for where, _ in used]
                pops = [w for w, each in used if each.mode is InputMode.EACH or stop >= each.hold_rank]
                if halves:
                    halves.popleft()
                pops += [] if halves else [VECTOR0]
            needs = {where: count + (where in uses) for where, count in self.taken.items()}
            for where in pops:
                self.taken[where] += 1
            self._accumulate(stop, void, row, needs)

    def _has(self, where: Where) -> bool:
        return self.taken[where] < len(self.inputs[where])

    def _head(self, where: Where) -> Beat:
        return self.inputs[where][self.taken[where]]

    def _accumulate(self, stop: int, void: bool, row: list[int], needs: dict[Where, int]) -> None:
        program = self.program
        ends = stop >= program.acc_rank
        row.append(stop)
        if program.accumulate in (Accumulate.OFF, Accumulate.SCAN):
            self._give(stop, void)
        elif program.accumulate is Accumulate.REDUCE and ends:
            self._give(stop, False)
        self.log.append(Firing(needs, dict(self.taken), len(self.output)))
        if program.accumulate is Accumulate.DRAIN and ends and program.unpack_both:
            for each in row:
                for vector in [each] if each and program.unpack_odd else [0, each]:
                    self._give(vector, False)
                    self.log.append(Firing(needs, dict(self.taken), len(self.output)))
        elif program.accumulate is Accumulate.DRAIN and ends:
            for stage in range(program.drain_stages):
                for index, each in enumerate(row):
                    last = index == len(row) - 1 and stage < program.drain_stages - 1
                    self._give(program.acc_row if last else each, False)
                    self.log.append(Firing(needs, dict(self.taken), len(self.output)))
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
        needs, done = side.firings()
        assert needs.tolist() == [each.needs[side.where] for each in naive.log]
        assert done.tolist() == [each.taken[side.where] for each in naive.log]
    for side in process.gives:
        needs, done = side.firings()
        assert needs.tolist() == [each + 1 for each in [0, *(each.given for each in naive.log)][: process.firings]]
        assert done.tolist() == [each.given for each in naive.log]


@pytest.mark.parametrize(("unpack", "both"), [(Unpack.OFF, False), (Unpack.BF16, False), (Unpack.BF16, True)])
@pytest.mark.parametrize("accumulate", Accumulate)
def test_steps_of_several_inputs(accumulate: Accumulate, unpack: Unpack, both: bool) -> None:
    outputs = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        modes = rng.choice([InputMode.OFF, InputMode.EACH, InputMode.HOLD], 2)
        second, third = (Input(InputMode(int(mode)), int(rng.integers(0, 3))) for mode in modes)
        row = int(rng.integers(1, 3)) if accumulate is Accumulate.DRAIN else 0
        program = Pcu(
            vector=(Input(InputMode.EACH), second),
            scalar=(third,),
            reference=Source.REG0,
            unpack=unpack,
            unpack_odd=bool(rng.integers(0, 2)),
            unpack_both=both,
            stages=(Stage(c=Source.ACC),),
            accumulate=accumulate,
            acc_row=row,
            acc_rank=int(rng.integers(max(1, row), 3)),
            drain_stages=2 if both else int(rng.integers(1, 4)),
            stop_rank=int(rng.integers(0, 2)),
            stop_add=int(rng.integers(0, 2)),
            vector_out=True,
        )
        naive = Naive(program, {where: random_beats(rng) for where in (VECTOR0, VECTOR1, SCALAR0)}, [])
        check(naive, None)
        outputs += len(naive.output)
    assert outputs > 100


@pytest.mark.parametrize("rank", [0, 1, 2])
def test_steps_of_a_merge(rank: int) -> None:
    outputs = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        inputs = {where: random_beats(rng) for where in (VECTOR0, VECTOR1)} | {SCALAR0: random_beats(rng, 12)}
        words = rng.integers(-1, 2, len(inputs[SCALAR0])).tolist()
        naive = Naive(Pcu(merge=True, merge_rank=rank, vector_out=True), inputs, words)
        check(naive, words)
        outputs += len(naive.output)
    assert outputs > 100
