"""Bit equality of what two devices did in the same launch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.hw.topology import Tile
from weft.sim.device import Beats, Launch

__all__ = ["Comparison", "compare_beats", "compare_launches", "compare_values"]


@dataclass(frozen=True)
class Comparison:
    """Values compared (words of data, and a stop and a void flag each beat), and where the first differences are."""

    compared: int = 0
    mismatches: int = 0
    first: tuple[str, ...] = ()

    def __add__(self, other: Comparison) -> Comparison:
        return Comparison(
            self.compared + other.compared, self.mismatches + other.mismatches, (*self.first, *other.first)[:10]
        )


def compare_values(what: str, expected: NDArray[np.generic], actual: NDArray[np.generic]) -> Comparison:
    """Every value of two arrays of one shape and type of 32 bits, as bits."""
    wrong = int((expected.view(np.uint32) != actual.view(np.uint32)).sum())
    return Comparison(expected.size, wrong, (what,) if wrong else ())


def compare_beats(where: str, expected: Beats, actual: Beats) -> Comparison:
    """Every word, stop and void flag; missing and extra beats count as mismatches of all their words."""
    count = min(len(expected.stop), len(actual.stop))
    width = expected.data.shape[1] if expected.data.ndim == 2 else 1
    ours = np.ascontiguousarray(expected.data.reshape(len(expected.stop), width)[:count]).view(np.uint32)
    theirs = np.ascontiguousarray(actual.data.reshape(len(actual.stop), -1)[:count, :width]).view(np.uint32)
    real = ~expected.void[:count, None]
    wrong = (ours != theirs) & real
    flags = (expected.stop[:count] != actual.stop[:count]) | (expected.void[:count] != actual.void[:count])
    lost = abs(len(expected.stop) - len(actual.stop)) * (width + 1)
    mismatches = int(wrong.sum()) + int(flags.sum()) + lost
    first: tuple[str, ...] = ()
    if mismatches:
        bad = np.flatnonzero(wrong.any(axis=1) | flags)
        place = f"beat {bad[0]} of {len(expected.stop)}" if len(bad) else f"{len(actual.stop)} beats"
        first = (f"{where}: {place} differs, {len(expected.stop)} beats expected",)
    return Comparison(len(expected.stop) * (width + 1), mismatches, first)


def compare_launches(expected: Launch, actual: Launch, names: dict[Tile, str] | None = None) -> Comparison:
    """Every buffer of two launches; a buffer that only one of them has counts as a mismatch."""
    total = Comparison()
    for tile in sorted(expected.buffers.keys() | actual.buffers.keys()):
        where = (names or {}).get(tile, str(tile))
        ours, theirs = expected.buffers.get(tile), actual.buffers.get(tile)
        if ours is None or theirs is None:
            present = ours or theirs
            if present is not None and len(present.stop):
                total += Comparison(1, 1, (f"{where}: beats on one device only",))
        else:
            total += compare_beats(where, ours, theirs)
    return total
