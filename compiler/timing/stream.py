"""Beats on their way, with the cycles in which they were given and taken."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weft.hw.program.firings.stream import Ints

__all__ = ["ALWAYS", "Link", "Stream"]

ALWAYS = -(1 << 40)
"""A cycle before all others."""


@dataclass(frozen=True)
class Link:
    """What lies between two processes: beats that fit, and cycles.

    ``latency`` is from the cycle in which a beat is given to the first in which it can be taken, ``room`` from the one
    in which it is taken to the first in which another can be given for it.
    """

    capacity: int
    latency: int
    room: int


class Stream:
    """A stream of ``total`` beats (or buffers of a ring) over a link, ``held`` of them there from the beginning.

    ``given`` and ``taken`` are the cycles of each beat, as far as known: of the first ``sent`` and ``received``. Both
    have an entry more, which is always over, for what needs no beat. ``source`` and ``target`` number the processes.
    """

    __slots__ = ("given", "link", "received", "sent", "source", "taken", "target", "total")

    def __init__(self, link: Link, total: int, held: int = 0) -> None:
        self.link, self.total = link, total
        self.given: Ints = np.full(total + 1, ALWAYS, np.int64)
        self.taken: Ints = np.full(total + 1, ALWAYS, np.int64)
        self.sent, self.received = held, 0
        self.source, self.target = -1, -1

    def give(self, cycles: Ints) -> None:
        """The next beats are given in these cycles."""
        self.given[self.sent : self.sent + len(cycles)] = cycles
        self.sent += len(cycles)

    def take(self, cycles: Ints) -> None:
        """The next beats are taken in these cycles."""
        self.taken[self.received : self.received + len(cycles)] = cycles
        self.received += len(cycles)
