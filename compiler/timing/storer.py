"""A storing AGCU in time: what closes its bursts, and when memory has acknowledged them."""

from __future__ import annotations

import numpy as np

from weft.compiler.timing.agcu import AgcuSetup, AgcuTimer
from weft.compiler.timing.bursts import bursts
from weft.compiler.timing.stream import Stream
from weft.hw.program.firings.agcu import addresses_of, nest_of

__all__ = ["Storer"]


class Storer(AgcuTimer):
    """Asks for a burst when its data are there, and is done when memory has acknowledged all of a turn."""

    writes = True

    def __init__(self, setup: AgcuSetup) -> None:
        super().__init__(setup)
        self._parts = setup.spec.beat_bytes // setup.spec.channel_bytes
        self._sizes: list[int] = []
        self._closes: list[tuple[int, int]] = []
        self._number, self._granted_at, self._acknowledged_at = 0, 0, 0

    def _begin_work(self, turn: int, beats: int) -> list[Stream]:
        """With ``pack``, two beats make a word; a row of an odd number of them is taken to be as long as the others."""
        words = -(-beats // 2) if self.setup.program.pack else beats
        words = 0 if nest_of(self.setup.program, self.setup.arguments).empty else words
        longest = self.spec.longest_burst
        self._sizes = bursts(addresses_of(self.setup.program, self.setup.arguments, turn, words, self.spec), self.spec)
        self._number, self._acknowledged_at = 0, 0
        # The beat that makes each word; a burst is closed by the one after it, or when it is full, or at the end.
        made = self._before + np.ceil(np.arange(1, words + 1) * (beats / max(words, 1))).astype(np.int64) - 1
        self._closes = [
            (int(made[end]), 1) if size < longest and end < words else (int(made[end - 1]), 2)
            for end, size in zip(np.cumsum(self._sizes).tolist(), self._sizes, strict=True)
        ]
        return []

    def _finished(self, until: int) -> int | None:
        ended = self._moved_at(until, 2)
        if ended is None or self._number < len(self._sizes):
            return None
        return max(ended, self._acknowledged_at)

    def request(self) -> int | None:
        """See :class:`weft.compiler.timing.channel.Requester`."""
        if self._number == len(self._sizes):
            return None
        beat, after = self._closes[self._number]
        if beat >= self.setup.moved.received:
            return None
        return max(int(self.setup.moved.taken[beat]) + after, self._granted_at) + 1

    def granted(self, cycle: int) -> int:
        """See :class:`weft.compiler.timing.channel.Requester`."""
        self._granted_at = cycle
        self._number += 1
        return self._sizes[self._number - 1] * self._parts

    def served(self, first: int, last: int) -> None:
        """See :class:`weft.compiler.timing.channel.Requester`."""
        self._acknowledged_at = last + self.setup.memory.latency + 3
