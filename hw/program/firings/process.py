"""Units as processes that count: what each of their firings takes from and gives to its channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from weft.hw.program.firings.stream import Bools, Ints
from weft.hw.topology import Network

__all__ = ["ACCUMULATOR_CYCLES", "RING", "Process", "Side", "Where"]

ACCUMULATOR_CYCLES = 2
"""From a step of a PCU to the next that finds its sum in the accumulator."""

Where = tuple[Network | None, int]
"""A port of a unit, by its network and number; :data:`RING` for the buffers between the two sides of a PMU."""

RING: Where = (None, 0)


@dataclass(frozen=True)
class Side:
    """What a process does at a channel: it takes or gives ``total`` beats, counted from the launch's beginning.

    ``firings`` tells how, as two numbers for each firing ``k``: an input needs ``needs[k]`` beats to have been given
    before it, an output needs room for ``needs[k]`` in all; after it ``done[k]`` have been taken or given. Both never
    fall, and a firing takes, gives and needs at most one more than the firings before have taken or given. It is a
    function, because most channels are never looked at that closely.
    """

    where: Where
    total: int
    firings: Callable[[], tuple[Ints, Ints]]

    @classmethod
    def of(
        cls, where: Where, total: int, moves: Callable[[], Bools], *, needs: Bools | bool = False, held: int = 0
    ) -> Side:
        """Of the firings that move a beat, and those that need one besides. ``held`` have been moved before."""

        def firings() -> tuple[Ints, Ints]:
            moved = moves()
            done = held + np.cumsum(moved, dtype=np.int64)
            return np.maximum.accumulate(done - moved + (moved | needs)), done

        return cls(where, held + total, firings)

    @classmethod
    def each(cls, where: Where, total: int) -> Side:
        """A beat in every firing."""
        return cls(where, total, lambda: (np.arange(1, total + 1), np.arange(1, total + 1)))


@dataclass(frozen=True)
class Process:
    """A unit, or one of the two sides of a PMU: a sequence of firings, each of which happens as a whole.

    ``cycles`` are those from each firing to the next at the soonest; 1 where it is None.
    """

    firings: int
    takes: tuple[Side, ...]
    gives: tuple[Side, ...]
    cycles: Callable[[], Ints] | None = None
