"""A loading AGCU in time: ``weft.hw.agcu.coalescer`` and the buffer behind memory."""

from __future__ import annotations

import numpy as np

from weft.compiler.timing.agcu import AgcuSetup, AgcuTimer
from weft.compiler.timing.bursts import bursts
from weft.compiler.timing.stream import Stream
from weft.hw.program.firings.agcu import addresses_of, nest_of

__all__ = ["Loader"]

_VOID = 3
"""Cycles from the beginning of a turn's work to its first void beat."""


class Loader(AgcuTimer):
    """Asks for bursts as long as its buffer has room, and sends what comes."""

    def __init__(self, setup: AgcuSetup) -> None:
        super().__init__(setup)
        self._room = setup.spec.agcu_buffer - setup.spec.longest_burst
        self._parts = setup.spec.beat_bytes // setup.spec.channel_bytes
        self._sizes: list[int] = []
        self._number = 0
        self._size = 0
        self._asked = 0  # vector beats, all in all
        self._closed_at, self._granted_at = 0, 0  # of the last burst

    def _begin_work(self, turn: int, beats: int) -> list[Stream]:
        """Void beats ask for nothing: they take a place of the buffer, and are sent a cycle after they are made."""
        assert self._runs_since is not None
        self._number = 0
        self._closed_at = max(self._closed_at, self._runs_since + 2)
        if nest_of(self.setup.program, self.setup.arguments).empty:
            self._sizes = []
            self._asked += beats
            self.setup.moved.give(self._runs_since + _VOID + np.arange(beats))
            return [self.setup.moved]
        self._sizes = bursts(addresses_of(self.setup.program, self.setup.arguments, turn, beats, self.spec), self.spec)
        return []

    def _finished(self, until: int) -> int | None:
        return self._moved_at(until, 2)

    def _closes(self) -> int | None:
        """The cycle in which the next burst is closed: it opens with room for a longest, then a beat a cycle joins."""
        if self._number == len(self._sizes):
            return None
        opened, sent = self._closed_at, self._asked - self._room
        if sent > self.setup.moved.received:
            return None
        if sent > 0:
            opened = max(opened, int(self.setup.moved.taken[sent - 1]) + 1)
        return max(opened + self._sizes[self._number], self._granted_at)

    def request(self) -> int | None:
        """See :class:`weft.compiler.timing.channel.Requester`."""
        closes = self._closes()
        return None if closes is None else closes + 1

    def granted(self, cycle: int) -> int:
        """See :class:`weft.compiler.timing.channel.Requester`."""
        closes = self._closes()
        assert closes is not None
        self._closed_at, self._granted_at = closes, cycle
        self._size = self._sizes[self._number]
        self._number += 1
        self._asked += self._size
        return self._size * self._parts

    def served(self, first: int, last: int) -> None:
        """See :class:`weft.compiler.timing.channel.Requester`. A beat can be sent 4 cycles after its last part."""
        self.setup.moved.give(first + 3 + self._parts * np.arange(1, self._size + 1))
