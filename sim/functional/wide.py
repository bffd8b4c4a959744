"""Functional twin of the header where a step takes several rows of a matrix: :mod:`weft.hw.program.unpack`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.hw.numerics import floats_of
from weft.hw.program.pcu import Pcu
from weft.hw.program.unpack import BLOCK, Unpack
from weft.sim.device import Beats

__all__ = ["WideSteps", "wide_steps"]

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]

_E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


@dataclass(frozen=True)
class WideSteps:
    """Rows [width][steps, lanes], scalars [width][steps, 1], the stop of each step, what the drain steps take
    [drains, lanes], and how many beats of vector and scalar input 0 were taken."""

    rows: tuple[Floats, ...]
    scalars: tuple[Floats, ...]
    stop: NDArray[np.uint8]
    drains: Floats
    vector_taken: int
    scalar_taken: int


def wide_steps(program: Pcu, vector: Beats, scalar: Beats) -> WideSteps:
    """The steps that the beats make."""
    form, row = program.unpack, program.unpack_row
    words = np.ascontiguousarray(vector.data).view(np.uint32)
    numbers, stop, ends = _rounds(form.width, scalar)
    places = _Places(form, row, stop, drains=program.drain_scale)
    count = int(np.searchsorted(places.beat, len(words)))
    drains = places.drain[: int(np.searchsorted(places.drain, len(words)))]
    if len(drains) < len(places.drain) and program.drain_scale:
        count = min(count, int(np.searchsorted(places.beat, places.drain[len(drains)])))
    halves = words[places.beat[:count]] >> (np.uint32(16) * places.half[:count, None]) & np.uint32(0xFFFF)
    if form is Unpack.INT8:
        rows = _bytes(halves)
    else:
        exponents = words[places.exponent[:count]] >> (8 * (places.column[:count] % 4)).astype(np.uint32)[:, None]
        rows = _e2m1(halves, exponents & np.uint32(0xFF))
    after = places.beat[count] if count < len(places.beat) else places.beats
    stops = np.zeros(len(places.beat), np.uint8)
    stops[row - 1 :: row] = stop + 1
    rounds = count // row
    return WideSteps(
        rows,
        tuple(numbers[np.arange(count) // row, each, None] for each in range(form.width)),
        stops[:count],
        floats_of(words[drains]),
        min(int(after), len(words)),
        int(ends[rounds - 1]) if rounds else 0,
    )


def _rounds(width: int, scalar: Beats) -> tuple[Floats, NDArray[np.uint8], Ints]:
    """Numbers [rounds, width], zeros after a stop; the stop of each round; beats up to its end.

    What does not fill a round is left out.
    """
    values = scalar.data.reshape(len(scalar.stop), -1)[:, 0] if len(scalar.stop) else np.empty(0, np.float32)
    rounds: list[Floats] = []
    stops: list[int] = []
    ends: list[int] = []
    begin = 0
    for end in [*(np.flatnonzero(scalar.stop) + 1), len(values)]:
        size = end - begin
        whole = -(-size // width) if end and scalar.stop[end - 1] else size // width
        filled = np.zeros(whole * width, np.float32)
        kept = min(size, whole * width)
        filled[:kept] = values[begin : begin + kept]
        rounds.append(filled.reshape(whole, width))
        after = np.minimum(begin + width * np.arange(1, whole + 1), end)
        ends += after.tolist()
        stops += scalar.stop[after - 1].tolist()
        begin = end
    return np.concatenate(rounds), np.array(stops, np.uint8), np.array(ends, np.int64)


class _Places:
    """For each step the beat, half, column of vectors and beat of exponents that it uses; the beat of each drain."""

    def __init__(self, form: Unpack, row: int, stop: NDArray[np.uint8], *, drains: bool) -> None:
        beats: list[Ints] = []
        exponents: list[Ints] = []
        scales: list[Ints] = []
        halves: list[Ints] = []
        self.beats, begin = 0, 0
        extra = form.exponent_beats(row)
        for end in [*(np.flatnonzero(stop) + 1), len(stop)]:
            if end == begin:
                continue
            step = np.arange((end - begin) * row)
            block = step // (BLOCK // form.width * row) if extra else np.zeros_like(step)
            beats.append(self.beats + step // 2 + (block + 1) * extra)
            halves.append(step % 2)
            exponents.append(self.beats + block * (extra + BLOCK // form.width * row // 2) + step % row // 4)
            after = int(beats[-1][-1]) + 1
            if drains and stop[end - 1]:
                scales.append(np.arange(after, after + row))
                after += row
            self.beats, begin = after, end
        none = [np.empty(0, np.int64)]
        self.beat, self.exponent = np.concatenate(beats or none), np.concatenate(exponents or none)
        self.half, self.drain = np.concatenate(halves or none).astype(np.uint32), np.concatenate(scales or none)
        self.column = np.arange(len(self.beat)) % row


def _bytes(halves: NDArray[np.uint32]) -> tuple[Floats, ...]:
    return tuple((halves >> np.uint32(8 * row)).astype(np.uint8).view(np.int8).astype(np.float32) for row in range(2))


def _e2m1(halves: NDArray[np.uint32], exponents: NDArray[np.uint32]) -> tuple[Floats, ...]:
    """Each of four numbers times its power of two, in double precision, where that is exact."""
    scale = np.ldexp(1.0, exponents.astype(np.int32) - 127)
    rows: list[Floats] = []
    for row in range(4):
        number = halves >> np.uint32(4 * row)
        exact = _E2M1[number & np.uint32(7)] * scale * np.where(number & np.uint32(8), -1.0, 1.0)
        exact = np.where(np.abs(exact) < 2.0**-126, np.copysign(0.0, exact), exact)
        with np.errstate(over="ignore"):
            value = exact.astype(np.float32)
        rows.append(np.where(exponents == 255, np.float32(np.nan), value).astype(np.float32))
    return tuple(rows)
