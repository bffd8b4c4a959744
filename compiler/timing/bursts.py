"""The bursts that an AGCU makes of its addresses, as its coalescer does."""

from __future__ import annotations

import numpy as np

from weft.hw.program.firings.stream import Ints
from weft.hw.spec import FabricSpec

__all__ = ["bursts"]

_PAGE = 4096


def bursts(address: Ints, spec: FabricSpec) -> list[int]:
    """Vector beats of each burst: neighbours join, up to the longest and within a page."""
    if not len(address):
        return []
    breaks = (np.diff(address) != spec.beat_bytes) | (address[1:] % _PAGE == 0)
    runs = np.diff(np.concatenate([[0], np.flatnonzero(breaks) + 1, [len(address)]]))
    longest = spec.longest_burst
    sizes: list[int] = []
    for run in runs.tolist():
        sizes += [longest] * (run // longest) + ([run % longest] if run % longest else [])
    return sizes
