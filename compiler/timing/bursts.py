"""The bursts that an AGCU makes of its addresses, as its coalescer does."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from weft.compiler.backend.buffering.beats import Ints
from weft.hw.program import Agcu, AgcuLevel
from weft.hw.spec import FabricSpec

__all__ = ["addresses", "bursts", "is_empty", "longest_burst"]

_PAGE = 4096
_BOUND = 0xFF_FFFF


def longest_burst(spec: FabricSpec) -> int:
    """Vector beats of a longest burst."""
    return min(spec.burst_beats * spec.channel_bytes // spec.beat_bytes, spec.agcu_buffer // 2)


def is_empty(program: Agcu, arguments: Mapping[int, int]) -> bool:
    """Whether a bound of the nest is 0, so that all its beats are void and have no address."""
    return not all(_bound(level, arguments) for level in program.levels)


def _bound(level: AgcuLevel, arguments: Mapping[int, int]) -> int:
    return arguments.get(level.bound_arg, 0) & _BOUND if level.bound_arg else level.bound


def addresses(program: Agcu, arguments: Mapping[int, int], turn: int, count: int) -> Ints:
    """Byte addresses of the first beats of a turn's nest."""
    base = program.base + arguments.get(program.arg_a, 0) + arguments.get(program.arg_b, 0)
    index = np.arange(count)
    result = np.full(count, base + turn * program.turn_stride, np.int64)
    for level in program.levels:
        bound = _bound(level, arguments)
        result += index % max(1, bound) * level.stride
        index //= max(1, bound)
    return result & 0xFFFF_FFFF


def bursts(address: Ints, spec: FabricSpec) -> list[int]:
    """Vector beats of each burst: neighbours join, up to the longest and within a page."""
    if not len(address):
        return []
    breaks = (np.diff(address) != spec.beat_bytes) | (address[1:] % _PAGE == 0)
    runs = np.diff(np.concatenate([[0], np.flatnonzero(breaks) + 1, [len(address)]]))
    longest = longest_burst(spec)
    sizes: list[int] = []
    for run in runs.tolist():
        sizes += [longest] * (run // longest) + ([run % longest] if run % longest else [])
    return sizes
