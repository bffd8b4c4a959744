"""Functional twin of the header where a step takes several rows of a matrix: :mod:`weft.hw.program.unpack`."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.hw.numerics import floats_of
from weft.hw.program.firings.process import Where
from weft.hw.program.firings.wide import Wide
from weft.hw.program.pcu import Pcu
from weft.hw.program.unpack import Unpack
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network
from weft.sim.device import Beats
from weft.sim.functional.header import Steps

__all__ = ["gather_wide"]

Floats = NDArray[np.float32]

_E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)


def gather_wide(spec: FabricSpec, program: Pcu, wide: Wide, given: Mapping[Where, Beats]) -> Steps:
    """The words of its steps."""
    words = np.zeros((0, spec.lanes), np.uint32)
    if (Network.VECTOR, 0) in given:
        words = np.ascontiguousarray(given[Network.VECTOR, 0].data).view(np.uint32)
    width, count = program.unpack.width, len(wide.row)
    halves = words[wide.step_beats] >> (np.uint32(16) * (wide.place % 2).astype(np.uint32))[:, None] & np.uint32(0xFFFF)
    if program.unpack is Unpack.INT8:
        rows = _bytes(halves)
    else:
        exponents = words[wide.exponent_beats] >> (8 * (wide.column % 4)).astype(np.uint32)[:, None]
        rows = _e2m1(halves, exponents & np.uint32(0xFF))
    numbers = np.zeros((len(wide.stops), width), np.float32)
    if count:
        first, size = wide.numbers[:, :1], wide.numbers[:, 1:]
        values = given[Network.SCALAR, 0].data.reshape(-1)
        place = np.arange(width)
        numbers = np.where(place < size, values[np.minimum(first + place, len(values) - 1)], np.float32(0))
    registers = [*rows, *[np.zeros((count, spec.lanes), np.float32)] * (spec.registers - width)]
    scalars = [numbers[wide.row, each, None] for each in range(width)]
    scalars += [np.zeros((1, 1), np.float32)] * (spec.scalar_inputs - width)
    return Steps(registers, scalars, floats_of(words[wide.drain_beats]) if program.drain_scale else None)


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
