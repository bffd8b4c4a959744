"""Matrices of weights smaller than bf16: what they hold, and how numbers are rounded to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from weft.hw.program import BLOCK

__all__ = ["Quantisation", "Quantised", "quantise"]

Floats = NDArray[np.float32]

_E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6], np.float32)
_BIAS = 127


class Quantisation(StrEnum):
    """What a weight is."""

    INT8 = "int8"
    """a whole number of -127 to 127, times a scale (fp32) of its column"""
    MXFP4 = "mxfp4"
    """0, 0.5, 1, 1.5, 2, 3, 4 or 6 of either sign, times a power of two that 32 neighbours in a column share"""


@dataclass(frozen=True)
class Quantised:
    """Matrices [..., rows, columns], as the product takes them: a column gives an output.

    ``elements`` are the numbers before scaling, as float32. ``scales`` of ``INT8`` are [..., 1, columns]; of ``MXFP4``
    [..., rows / 32 rounded up, columns], a byte ``e`` each that stands for 2^(e - 127).
    """

    form: Quantisation
    elements: Floats
    scales: Floats

    def values(self) -> Floats:
        """What the matrices stand for, each number rounded to float32 (exact for ``MXFP4``)."""
        if self.form is Quantisation.INT8:
            return self.elements * self.scales
        powers = np.ldexp(np.float32(1), self.scales.astype(np.int32) - _BIAS)
        return self.elements * np.repeat(powers, BLOCK, axis=-2)[..., : self.elements.shape[-2], :]

    def part(self, slices: Sequence[slice]) -> Quantised:
        """A part of the matrices; rows of ``MXFP4`` begin at a block."""
        of_block = self.elements.shape[-2] if self.form is Quantisation.INT8 else BLOCK
        *outer, rows, columns = slices
        blocks = slice(rows.start // of_block, -(-rows.stop // of_block))
        return Quantised(
            self.form, self.elements[..., *outer, rows, columns], self.scales[..., *outer, blocks, columns]
        )


def quantise(values: Floats, form: Quantisation) -> Quantised:
    """The nearest numbers of a format, ties to even; ``values`` are finite, [..., rows, columns]."""
    if form is Quantisation.INT8:
        largest = np.abs(values).max(axis=-2, keepdims=True)
        scales = np.where(largest > 0, largest / np.float32(127), np.float32(1)).astype(np.float32)
        return Quantised(form, np.clip(np.rint(values / scales), -127, 127), scales)
    missing = -values.shape[-2] % BLOCK
    widths = [(0, 0)] * (values.ndim - 2) + [(0, missing), (0, 0)]
    blocks = np.pad(values, widths).reshape(*values.shape[:-2], -1, BLOCK, values.shape[-1])
    _, exponent = np.frexp(np.abs(blocks).max(axis=-2, keepdims=True))
    best = low = _in_blocks(blocks, exponent - 1 - 2)
    high = _in_blocks(blocks, exponent - 1 - 1)
    with np.errstate(over="ignore"):  # the higher may be beyond fp32, and is not taken then
        rests = [(each[0] * each[1] - blocks) / low[1] for each in (low, high)]
    errors = [np.sum(each**2, axis=-2, keepdims=True) for each in rests]
    take_low = errors[0] <= errors[1]
    best = [np.where(take_low, a, b) for a, b in zip(low, high, strict=True)]
    elements = best[0].reshape(*values.shape[:-2], -1, values.shape[-1])[..., : values.shape[-2], :]
    return Quantised(form, elements.astype(np.float32), (np.log2(best[1][..., 0, :]) + _BIAS).astype(np.float32))


def _in_blocks(blocks: Floats, exponent: NDArray[np.int32]) -> tuple[Floats, Floats]:
    """Blocks [..., 32, columns] in units of 2^exponent, rounded and at most 6; and the units."""
    unit = np.ldexp(np.float32(1), np.clip(exponent, -_BIAS + 1, _BIAS)).astype(np.float32)
    scaled = np.minimum(np.abs(blocks) / unit, _E2M1[-1])
    # Halves below 2, wholes below 4, then twos: rint takes ties to even, as the format's last bit does.
    step = np.where(scaled < 2, 0.5, np.where(scaled < 4, 1, 2)).astype(np.float32)
    return np.copysign(np.rint(scaled / step) * step, blocks), unit
