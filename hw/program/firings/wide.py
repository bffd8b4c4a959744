"""A PCU whose steps take several rows of a matrix, as :mod:`weft.hw.program.unpack` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from weft.hw.program.firings.process import ACCUMULATOR_CYCLES, Process, Side, Where
from weft.hw.program.firings.stream import NOTHING, Bools, Ints, Shape, Stops
from weft.hw.program.pcu import Pcu
from weft.hw.program.unpack import BLOCK
from weft.hw.topology import Network

__all__ = ["Wide", "wide_of"]

_WEIGHTS: Where = (Network.VECTOR, 0)
_NUMBERS: Where = (Network.SCALAR, 0)
_NUMBER, _LOAD, _STEP, _DRAIN = range(4)


@dataclass(frozen=True)
class Wide:
    """The firings, in order: row after row one for each number of the row but the last, one for each beat of exponents,
    the steps, of which the last takes the last number; after a matrix the drain steps.

    The unit takes numbers and exponents sooner than that if it can, so it never waits for what these firings do not
    wait for. Those that streams are not enough for are left out.

    ``numbers`` [rows, 2] are of each row of steps the first of its numbers and how many there are, ``stops`` [rows]
    that of its last number. ``kind`` [firings] says what each firing is. Of each step ``row``, ``column`` and ``place``
    are its row, its column of vectors, and which step of its matrix it is, [steps]. ``weights`` [firings + 1] are the
    beats of vector input 0 before each firing; ``takes_beat`` and ``takes_number`` [firings] say which take one of
    vector and of scalar input 0.
    """

    program: Pcu
    numbers: Ints
    stops: Stops
    kind: Ints
    row: Ints
    column: Ints
    place: Ints
    weights: Ints
    takes_beat: Bools
    takes_number: Bools

    @property
    def steps(self) -> Shape:
        """Stop and void of each step."""
        stop = np.where(self.column == self.program.unpack_row - 1, self.stops[self.row] + 1, 0)
        return Shape.of(stop.astype(np.uint8))

    @property
    def step_beats(self) -> Ints:
        """The beat that holds each step's weights, [steps]."""
        return self.weights[:-1][self.kind == _STEP]

    @property
    def drain_beats(self) -> Ints:
        """The beat that each drain step takes with ``drain_scale``, [drain steps]."""
        return self.weights[:-1][self.kind == _DRAIN]

    @property
    def exponent_beats(self) -> Ints:
        """The beat that holds each step's exponents, [steps]; only where a format has some."""
        loads = self.program.unpack.exponent_beats(self.program.unpack_row)
        begins = self.place % (BLOCK // self.program.unpack.width * self.program.unpack_row) == 0
        first = np.maximum.accumulate(np.where(begins, np.arange(len(begins)), 0))
        return self.step_beats[first] - loads + self.column // 4

    @property
    def taken(self) -> dict[Where, int]:
        """Beats of each input that are taken."""
        return {_WEIGHTS: int(self.takes_beat.sum()), _NUMBERS: int(self.takes_number.sum())}

    @property
    def process(self) -> Process:
        """The firings as counts."""
        step, gives, taken = self.kind == _STEP, self.kind == _DRAIN, self.taken
        takes = (
            Side.of(_WEIGHTS, taken[_WEIGHTS], lambda: self.takes_beat, needs=step),
            Side.of(_NUMBERS, taken[_NUMBERS], lambda: self.takes_number, needs=step),
        )
        output = Side.of((Network.VECTOR, 0), int(gives.sum()), lambda: gives, needs=True)

        def cycles() -> Ints:
            # Numbers are dealt while steps go on.
            steps = np.where(step & (self.program.unpack_row == 1), ACCUMULATOR_CYCLES, 1)
            return np.where(self.kind == _NUMBER, 0, steps)

        return Process(len(self.kind), takes, (output,), cycles)


def wide_of(program: Pcu, given: Mapping[Where, Shape]) -> Wide:
    """The firings of a PCU that multiplies by matrices."""
    numbers, stops, matrix_row = _rows(program.unpack.width, given.get(_NUMBERS, NOTHING).stop)
    rows, width = len(stops), program.unpack_row
    loads = np.where(
        matrix_row % (BLOCK // program.unpack.width) == 0, program.unpack.exponent_beats(width), np.zeros(rows, int)
    )
    drains = np.where(stops > 0, width, 0)
    parts = np.stack([numbers[:, 1] - 1, loads, np.full(rows, width), drains], axis=1)
    kind = np.repeat(np.tile(np.arange(4), rows), parts.ravel())
    row = np.repeat(np.arange(rows), parts.sum(axis=1))
    step = kind == _STEP
    column = (np.cumsum(step) - 1) % width
    place = matrix_row[row] * width + column
    row_ends = step & (column == width - 1)
    ends = row_ends & (stops[row] > 0)
    takes_beat = (kind == _LOAD) | (step & ((place % 2 == 1) | ends)) | ((kind == _DRAIN) & program.drain_scale)
    takes_number = (kind == _NUMBER) | row_ends
    weights = np.append(0, np.cumsum(takes_beat))
    needs = np.maximum.accumulate(weights[:-1] + (step | takes_beat))
    fired = int(np.searchsorted(needs, len(given.get(_WEIGHTS, NOTHING)), side="right"))
    of_steps = step[:fired]
    return Wide(
        program,
        numbers,
        stops,
        kind[:fired],
        row[:fired][of_steps],
        column[:fired][of_steps],
        place[:fired][of_steps],
        weights[: fired + 1],
        takes_beat[:fired],
        takes_number[:fired],
    )


def _rows(width: int, stop: Stops) -> tuple[Ints, Stops, Ints]:
    """For each row of steps its first number and how many it has, its stop, and which of its matrix it is.

    Numbers after the last stop that do not fill a row are none.
    """
    ends = np.append(np.flatnonzero(stop) + 1, len(stop))
    begins = np.append(0, ends)[:-1]
    counts = -(-(ends - begins) // width)
    counts[-1] = (ends[-1] - begins[-1]) // width
    first = np.cumsum(counts) - counts
    matrix_row = np.arange(int(counts.sum())) - np.repeat(first, counts)
    begin = np.repeat(begins, counts) + matrix_row * width
    size = np.minimum(width, np.repeat(ends, counts) - begin)
    return np.stack([begin, size], axis=1), stop[begin + size - 1], matrix_row
