"""A PCU whose steps take several rows of a matrix, as a process: see :mod:`weft.hw.program.unpack`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from weft.hw.program import BLOCK, Pcu
from weft.hw.program.firings.process import ACCUMULATOR_CYCLES, Process, Side, Where
from weft.hw.program.firings.stream import Bools, Ints, Shape, Stops
from weft.hw.topology import Network

__all__ = ["wide_process"]

_WEIGHTS: Where = (Network.VECTOR, 0)
_NUMBERS: Where = (Network.SCALAR, 0)


def wide_process(program: Pcu, given: Mapping[Where, Shape]) -> tuple[Process, dict[Network, Shape]] | None:
    """The process of a PCU that multiplies by matrices and drains, and the stream it gives.

    None if it lacks an input. Its firings in order, row after row: one for each number of the row but the last, one for
    each beat of exponents, the steps, of which the last takes the last number; after a matrix the drain steps. The unit
    takes numbers and exponents sooner than that if it can, so it never waits for what this process does not wait for.
    """
    if _WEIGHTS not in given or _NUMBERS not in given:
        return None
    numbers, stops, matrix_row = _rows(program.unpack.width, given[_NUMBERS].stop)
    rows, row = len(stops), program.unpack_row
    extra = program.unpack.exponent_beats(row)
    loads = np.where(matrix_row % (BLOCK // program.unpack.width) == 0, extra, 0)
    drains = np.where(stops > 0, row, 0)
    parts = np.stack([numbers - 1, loads, np.full(rows, row), drains], axis=1)
    kind = np.repeat(np.tile(np.arange(4), rows), parts.ravel())
    step = kind == 2
    column = (np.cumsum(step) - 1) % row
    of_row = np.repeat(np.arange(rows), parts.sum(axis=1))
    in_matrix = matrix_row[of_row] * row + column
    row_ends = step & (column == row - 1)
    matrix_ends = row_ends & (stops[of_row] > 0)

    takes_beat = (kind == 1) | (step & ((in_matrix % 2 == 1) | matrix_ends)) | ((kind == 3) & program.drain_scale)
    needs_beat = step | takes_beat
    takes_number = (kind == 0) | row_ends
    gives = kind == 3
    stop = np.zeros(int(gives.sum()), np.uint8)
    stop[row - 1 :: row] = stops[stops > 0] + 1
    stop = np.where(stop >= program.stop_rank, stop - program.stop_sub + program.stop_add, stop)
    result = Shape.of(stop.astype(np.uint8))
    sides = (_side(_WEIGHTS, takes_beat, needs_beat), _side(_NUMBERS, takes_number, step | takes_number))
    output = Side((Network.VECTOR, 0), len(result), lambda: (np.cumsum(gives) - gives + 1, np.cumsum(gives)))

    def cycles() -> Ints:
        # Numbers are dealt while steps go on.
        steps = np.where(step & (row == 1), ACCUMULATOR_CYCLES, 1)
        return np.where(kind == 0, 0, steps)

    return Process(len(kind), sides, (output,), cycles), {Network.VECTOR: result}


def _rows(width: int, stop: Stops) -> tuple[Ints, Stops, Ints]:
    """For each row of steps how many numbers it takes, its stop, and which of its matrix it is."""
    ends = np.flatnonzero(stop) + 1
    sizes = np.diff(ends, prepend=0)
    counts = -(-sizes // width)
    first = np.cumsum(counts) - counts
    rows = np.arange(int(counts.sum())) - np.repeat(first, counts)
    numbers = np.minimum(width, np.repeat(sizes, counts) - rows * width)
    stops = np.zeros(len(rows), np.uint8)
    stops[np.cumsum(counts) - 1] = stop[ends - 1]
    return numbers, stops, rows


def _side(where: Where, takes: Bools, needs: Bools) -> Side:
    """An input of which a firing takes or only needs a beat."""

    def firings() -> tuple[Ints, Ints]:
        done = np.cumsum(takes, dtype=np.int64)
        before = done - takes
        return np.maximum.accumulate(before + needs), done

    return Side(where, int(takes.sum()), firings)
