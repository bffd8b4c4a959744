"""Rows and blocks of a PCU's steps, and its drain steps, as :mod:`weft.hw.program.pcu` says of ``accumulate``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weft.hw.program.firings.process import Side
from weft.hw.program.firings.stream import Bools, Ints, Stops
from weft.hw.program.pcu import Pcu

__all__ = ["Blocks", "Drains"]


class Blocks:
    """Where each step with a stop stands: its block, its row in the block, its index in the row, all [steps]."""

    def __init__(self, program: Pcu, stop: Stops) -> None:
        self.program, self.stop = program, stop
        self.ends = stop >= program.acc_rank
        self._row_ends = self.ends | (stop >= program.acc_row)

    def _after(self, ends: Bools) -> Bools:
        """The steps that begin what these steps end."""
        return np.append(True, ends)[: len(ends)]

    @cached_property
    def index(self) -> Ints:
        """The accumulator that each step uses."""
        place = np.arange(len(self.stop))
        return place - np.maximum.accumulate(np.where(self._after(self._row_ends), place, 0))

    @cached_property
    def block(self) -> Ints:
        """The block of each step, from 0."""
        return np.cumsum(self.ends) - self.ends

    @cached_property
    def row(self) -> Ints:
        """The row of each step in its block, from 0."""
        rows = np.cumsum(self._after(self._row_ends))
        return rows - np.maximum.accumulate(np.where(self._after(self.ends), rows, 0))

    @property
    def alone(self) -> Bools:
        """The steps that are a row of their own: the next one needs the same accumulator."""
        return self._row_ends & self._after(self._row_ends)

    @cached_property
    def drains(self) -> Drains:
        """The drain steps of all blocks."""
        program = self.program
        if program.unpack_both:
            return self._both_drained()
        stages = 1 if program.drain_sum else program.drain_stages
        last = np.flatnonzero(self.ends)
        begins = np.flatnonzero(self._after(self._row_ends))
        first = begins[np.searchsorted(begins, last, side="right") - 1]
        row = np.repeat(last - first + 1, stages)
        after = np.cumsum(row)
        step = np.arange(int(row.sum())) - np.repeat(after - row - np.repeat(first, stages), row)
        stage = np.tile(np.arange(stages), len(last))
        stop = self.stop[step]
        stop[after[stage < stages - 1] - 1] = program.acc_row
        return Drains(len(self.stop), last, step, np.repeat(stage, row), stop)

    def _both_drained(self) -> Drains:
        """Index by index: the first vector, and where there are two the second, which has the stop."""
        last = np.flatnonzero(self.ends)
        begins = np.flatnonzero(self._after(self._row_ends))
        first = begins[np.searchsorted(begins, last, side="right") - 1]
        row = last - first + 1
        after = np.cumsum(row)
        index = np.arange(int(row.sum())) - np.repeat(after - row - first, row)
        single = (self.stop[index] > 0) & self.program.unpack_odd
        step = np.repeat(index, np.where(single, 1, 2))
        stage = np.append(False, step[1:] == step[:-1])[: len(step)].astype(np.int64)
        ends = (stage == 1) | np.repeat(single, np.where(single, 1, 2))
        return Drains(len(self.stop), last, step, stage, np.where(ends, self.stop[step], np.uint8(0)))


@dataclass(frozen=True)
class Drains:
    """The drain steps of all blocks, in order, after ``steps`` others, of which ``last`` [blocks] end a block.

    ``step`` is the step of the block's last row that has the same index, ``stage`` which of the drained stages it is,
    from 0, and ``stop`` its stop, [drain steps].
    """

    steps: int
    last: Ints
    step: Ints
    stage: Ints
    stop: Stops

    @cached_property
    def _of_firing(self) -> Ints:
        """The step that each firing is or follows, where drain steps are firings of their own."""
        follow = np.ones(self.steps, np.int64)
        block = np.searchsorted(self.last, self.step)
        follow[self.last] += np.bincount(block, minlength=len(self.last))
        return np.repeat(np.arange(self.steps), follow)

    @cached_property
    def is_drain(self) -> Bools:
        """Whether a firing is a drain step."""
        return np.append(False, self._of_firing[1:] == self._of_firing[:-1])[: len(self._of_firing)]

    def of_firings(self, steps: Bools) -> Bools:
        """What is true of some steps, for all firings; it is not of drain steps."""
        return steps[self._of_firing] & ~self.is_drain

    def follow(self, side: Side) -> Side:
        """An input's side with the drain steps, which need and take no more than the step that they follow."""

        def firings() -> tuple[Ints, Ints]:
            needs, done = side.firings()
            return needs[self._of_firing], done[self._of_firing]

        return Side(side.where, side.total, firings)
