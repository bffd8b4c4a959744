"""Units as processes that count: what each of their firings takes from and gives to its channels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from compiler.buffering.beats import Ints
from hw.topology import Network

__all__ = ["RING", "Process", "Side", "Where", "counts"]

Where = tuple[Network | None, int]
"""A port of a unit, by its network and number; :data:`RING` for the buffers between the two sides of a PMU."""

RING: Where = (None, 0)


@dataclass(frozen=True)
class Side:
    """What a process does at a channel, firing by firing; all counts are from the launch's beginning.

    An input needs ``needs[k]`` beats to have been given before firing ``k``, an output needs room for ``needs[k]`` in
    all; after it ``done[k]`` have been taken or given. Both never fall, and a firing takes, gives and needs at most one
    more than the firing before has taken or given.
    """

    where: Where
    needs: Ints
    done: Ints


@dataclass(frozen=True)
class Process:
    """A unit, or one of the two sides of a PMU: a sequence of firings, each of which happens as a whole."""

    firings: int
    takes: tuple[Side, ...]
    gives: tuple[Side, ...]


def counts(number: int) -> Ints:
    """1, 2, 3, ..., ``number``."""
    return np.arange(1, number + 1)
