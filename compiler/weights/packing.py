"""Quantised matrices as the beats of memory, as :mod:`weft.hw.program.unpack` says."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.compiler.weights.quantised import Quantisation, Quantised
from weft.hw.program import BLOCK, Unpack

__all__ = ["matrix_words"]

Words = NDArray[np.uint32]

_E2M1_OF_DOUBLE = np.array([0, 1, 2, 3, 4, 0, 5, 0, 6, 0, 0, 0, 7], np.uint8)
"""The code of half of a number from 0 to 12."""


def matrix_words(given: Quantised, lanes: int) -> Words:
    """Words [beats, lanes] of matrices, one after the other; columns are filled up with zeros."""
    vectors = -(-given.elements.shape[-1] // lanes)
    filled = [(0, 0), (0, vectors * lanes - given.elements.shape[-1])]
    elements, scales = (each.reshape(-1, *each.shape[-2:]) for each in (given.elements, given.scales))
    make = _int8 if given.form is Quantisation.INT8 else _mxfp4
    return np.concatenate(
        [make(np.pad(e, filled), np.pad(s, filled), lanes) for e, s in zip(elements, scales, strict=True)]
    )


def _int8(elements: NDArray[np.float32], scales: NDArray[np.float32], lanes: int) -> Words:
    codes = elements.astype(np.int8).view(np.uint8)
    return np.concatenate(
        [_steps(codes, Unpack.INT8, 8, lanes), scales.astype(np.float32).view(np.uint32).reshape(-1, lanes)]
    )


def _mxfp4(elements: NDArray[np.float32], scales: NDArray[np.float32], lanes: int) -> Words:
    signs = np.signbit(elements).astype(np.uint8) * np.uint8(8)
    codes = _E2M1_OF_DOUBLE[(2 * np.abs(elements)).astype(np.uint8)] | signs
    parts: list[Words] = []
    for block, exponents in enumerate(scales.astype(np.uint8)):
        parts.append(_words(exponents.reshape(-1, 1, lanes), 4, 8))
        parts.append(_steps(codes[block * BLOCK : (block + 1) * BLOCK], Unpack.MXFP4, 4, lanes))
    return np.concatenate(parts)


def _steps(codes: NDArray[np.uint8], form: Unpack, bits: int, lanes: int) -> Words:
    """Codes [rows, columns] as the steps of a matrix, two a beat."""
    rows, columns = codes.shape
    full = np.pad(codes, [(0, -rows % form.width), (0, 0)]).reshape(-1, form.width, columns // lanes, lanes)
    return _words(full.transpose(0, 2, 1, 3).reshape(-1, form.width, lanes), 2, bits)


def _words(codes: NDArray[np.uint8], steps: int, bits: int) -> Words:
    """Codes [steps, rows, lanes] as words of so many steps, from the low end; the last filled up with zeros."""
    full = np.pad(codes, [(0, -len(codes) % steps), (0, 0), (0, 0)]).astype(np.uint32)
    full = full.reshape(-1, steps * codes.shape[1], codes.shape[2])
    shifts = np.arange(full.shape[1], dtype=np.uint32)[:, None] * np.uint32(bits)
    return np.bitwise_or.reduce(full << shifts, axis=1)
