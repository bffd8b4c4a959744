"""A PCU as a process: which of its steps take and give a beat, as :mod:`weft.hw.program.pcu` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weft.compiler.backend.buffering.merge import Merged, merged_of
from weft.compiler.backend.buffering.wide import wide_process
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.hw.program.firings.process import ACCUMULATOR_CYCLES, Process, Side, Where
from weft.hw.program.firings.stream import Bools, Ints, Shape, Stops
from weft.hw.topology import Network

__all__ = ["pcu_process"]


@dataclass(frozen=True)
class _Steps:
    """The stop and void of each step, and the inputs' sides, a firing a step."""

    stop: Stops
    void: Bools
    takes: tuple[Side, ...]


def pcu_process(
    program: Pcu, given: Mapping[Where, Shape], selectors: Sequence[int] = (), *, other_first: bool = False
) -> tuple[Process, dict[Network, Shape]] | None:
    """The process of a PCU that is given these streams, and the streams it gives.

    ``selectors`` and ``other_first`` are of a merge, see :func:`~weft.compiler.backend.buffering.merge.merged_of`. None
    where it waits for a stream that nobody sends.

    A step needs room for a result even if it gives none, because a result at the pipeline's end without room stops the
    header.
    """
    if program.unpack.is_wide:
        return wide_process(program, given)
    steps = _steps_of(program, given, selectors, other_first=other_first)
    if steps is None:
        return None
    ends = steps.stop >= program.acc_rank
    stop, void, takes = steps.stop, steps.void, steps.takes
    firings = len(stop)
    drains = None
    if program.accumulate is Accumulate.REDUCE:
        stop, void = stop[ends], np.zeros(int(ends.sum()), bool)
    elif program.accumulate is Accumulate.DRAIN:
        drains = _Drains(program, stop, ends)
        stop, void = drains.stop, np.zeros(len(drains.stop), bool)
        firings += len(stop)
        takes = tuple(drains.follow(side) for side in takes)
    stop = np.where(stop >= program.stop_rank, stop - program.stop_sub + program.stop_add, stop)
    result = Shape(stop, void, _passed(program, given))

    def given_away() -> tuple[Ints, Ints]:
        gives = np.ones(firings, bool)
        if drains is not None:
            gives = drains.is_drain
        elif program.accumulate is Accumulate.REDUCE:
            gives = ends
        after = np.cumsum(gives, dtype=np.int64)
        return after - gives + 1, after

    def cycles() -> Ints:
        alone = _rows_of_one(program, steps.stop)
        if drains is not None:
            alone = drains.of_firings(alone)
        return np.where(alone, ACCUMULATOR_CYCLES, 1)

    used = [(Network.VECTOR, program.vector_out), (Network.SCALAR, program.scalar_out)]
    outputs = {network: result for network, on in used if on}
    gives = tuple(Side((net, 0), len(result), given_away) for net in outputs)
    return Process(firings, takes, gives, None if program.accumulate is Accumulate.OFF else cycles), outputs


def _passed(program: Pcu, given: Mapping[Where, Shape]) -> int | None:
    """What a PCU sends where it only passes a scalar on that a launch decides."""
    first, *others = program.stages or (Stage(),)
    if program.accumulate is not Accumulate.OFF or program.merge or first.op is not Op.PASS or first.dst:
        return None
    if any(each != Stage() for each in others) or first.a < Source.SCALAR0:
        return None
    if (program.reduction, program.special, program.conversion) != (Reduction.NONE, Special.NONE, Conversion.NONE):
        return None
    number = given.get((Network.SCALAR, first.a - Source.SCALAR0))
    return number.value if number is not None and isinstance(number.value, int) else None


def _rows_of_one(program: Pcu, stop: Stops) -> Bools:
    """The steps that are a row of their own: the next one needs the same accumulator."""
    ends = (stop >= program.acc_row) | (stop >= program.acc_rank)
    return ends & np.append(True, ends)[: len(ends)]


class _Drains:
    """The drain steps after each block, which are firings of their own.

    ``stop`` are those of all drain steps.
    """

    def __init__(self, program: Pcu, stop: Stops, ends: Bools) -> None:
        self._last_steps = np.flatnonzero(ends)
        self._steps = len(stop)
        row_begins = np.flatnonzero(np.append(True, (stop >= program.acc_row) | ends)[: len(stop)])
        first = row_begins[np.searchsorted(row_begins, self._last_steps, side="right") - 1]
        self._drains = (self._last_steps - first + 1) * program.drain_stages
        row = (self._last_steps - first + 1).repeat(program.drain_stages)
        after = np.cumsum(row)
        self.stop = stop[np.arange(int(row.sum())) - np.repeat(after - row - first.repeat(program.drain_stages), row)]
        not_last_stage = np.arange(len(row)) % program.drain_stages != program.drain_stages - 1
        self.stop[after[not_last_stage] - 1] = program.acc_row

    @cached_property
    def _step(self) -> Ints:
        """The step that each firing is or follows."""
        follow = np.ones(self._steps, np.int64)
        follow[self._last_steps] += self._drains
        return np.repeat(np.arange(self._steps), follow)

    @cached_property
    def is_drain(self) -> Bools:
        """Whether a firing is a drain step."""
        return np.append(False, self._step[1:] == self._step[:-1])[: len(self._step)]

    def of_firings(self, steps: Bools) -> Bools:
        """What is true of some steps, for all firings; it is not of drain steps."""
        return steps[self._step] & ~self.is_drain

    def follow(self, side: Side) -> Side:
        """An input's side with the drain steps, which need and take no more than the step that they follow."""

        def firings() -> tuple[Ints, Ints]:
            needs, done = side.firings()
            return needs[self._step], done[self._step]

        return Side(side.where, side.total, firings)


# -- header -----------------------------------------------------------------------------------------------


def _unpacked(program: Pcu, given: Mapping[Where, Shape]) -> tuple[dict[Where, Shape], Bools | None]:
    """The streams as the header sees them, and which of the unpacked beats are the last of a packed one."""
    packed = given.get((Network.VECTOR, 0))
    if not program.unpack or packed is None:
        return dict(given), None
    single = packed.void | ((packed.stop > 0) & program.unpack_odd)
    keep = np.stack([np.ones(len(single), bool), ~single], axis=1).ravel()
    stop = np.stack([np.where(single, packed.stop, 0), packed.stop], axis=1).ravel()[keep]
    last = np.stack([single, np.ones(len(single), bool)], axis=1).ravel()[keep]
    return {**given, (Network.VECTOR, 0): Shape(stop, np.repeat(packed.void, 2)[keep])}, last


def _steps_of(
    program: Pcu, given: Mapping[Where, Shape], selectors: Sequence[int], *, other_first: bool
) -> _Steps | None:
    streams, last = _unpacked(program, given)
    inputs: list[tuple[Where, Input]] = [((Network.VECTOR, i), each) for i, each in enumerate(program.vector)]
    inputs += [((Network.SCALAR, i), each) for i, each in enumerate(program.scalar)]
    active = [(where, each) for where, each in inputs if each.mode is not InputMode.OFF]
    merged: Merged | None = None
    if program.merge:
        merged = merged_of(program, streams, selectors, other_first=other_first)
        if merged is None:
            return None
        reference = merged.steps
        active += [((Network.SCALAR, 0), Input(InputMode.HOLD, program.merge_rank))]
    else:
        network = Network.SCALAR if program.reference >= Source.SCALAR0 else Network.VECTOR
        refers = network, program.reference & 7
        if refers not in streams:
            return None
        reference = streams[refers]
    if any(where not in streams for where, _ in active):
        return None
    pops = {
        where: np.flatnonzero(reference.stop >= each.hold_rank) for where, each in active if each.mode is InputMode.HOLD
    }
    counts = [_steps(len(reference), pops.get(where), len(streams[where])) for where, _ in active]
    steps = min(counts, default=0)
    sides: list[Side] = []
    for where, _ in active:
        whole = last if where == (Network.VECTOR, 0) else None
        sides.append(_side(where, steps, pops.get(where), whole))
    if merged is not None:
        for port in (0, 1):
            where = (Network.VECTOR, port)
            if where in streams:
                sides.append(merged.side(where, steps, last if port == 0 else None))
    return _Steps(reference.stop[:steps], reference.void[:steps], tuple(sides))


def _steps(most: int, pops: Ints | None, beats: int) -> int:
    """Steps up to the one that pops the last of an input's beats, which are popped in each step or in those given."""
    if pops is None or not beats:
        return min(most, beats)
    return most if len(pops) < beats else int(pops[beats - 1]) + 1


def _side(where: Where, steps: int, pops: Ints | None, last: Bools | None) -> Side:
    """An input popped in each step, or in the steps ``pops``; packed where ``last`` ends a packed beat."""
    popped = steps if pops is None else int(np.searchsorted(pops, steps))
    total = popped if last is None else int(last[:popped].sum())

    def firings() -> tuple[Ints, Ints]:
        each = np.ones(steps, np.int64)
        if pops is not None:
            each[:] = 0
            each[pops[:popped]] = 1
        done = np.cumsum(each)
        needs = done - each + 1
        if last is not None:
            whole = np.append(0, np.cumsum(last))
            needs, done = whole[needs - 1] + 1, whole[done]
        return needs, done

    return Side(where, total, firings)
