"""A process in time: when each of its firings is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from weft.compiler.timing.stream import ALWAYS, Stream
from weft.hw.program.firings.stream import Ints

__all__ = ["Flow", "TimedProcess"]


@dataclass(frozen=True)
class Flow:
    """What the firings of a process do at a stream, as in :class:`weft.hw.program.firings.process.Side`.

    ``needs`` is None where each firing takes or gives a beat; else ``moves[i]`` is the firing that moves beat ``i``.
    ``done`` is what has been moved after each firing.
    """

    needs: Ints | None
    done: Ints
    moves: Ints

    @classmethod
    def each(cls, total: int) -> Flow:
        """A beat in each of ``total`` firings."""
        number = np.arange(1, total + 1)
        return cls(None, number, number)

    @classmethod
    def of(cls, needs: Ints, done: Ints) -> Flow:
        """From the numbers for each firing."""
        each = cls.each(len(needs))
        if np.array_equal(done, each.done) and np.array_equal(needs, each.done):
            return each
        total = int(done[-1]) if len(done) else 0
        return cls(needs, done, np.searchsorted(done, np.arange(1, total + 1)))


class TimedProcess:
    """Fires as soon as all is there: the beats that a firing takes, room for what it gives, and the firing before.

    ``cycles`` are those from each firing to the next at least, None for 1; ``offset`` the sum of those before each.
    ``times`` are the firings' cycles, of which the first ``fired`` are known.
    """

    def __init__(
        self,
        firings: int,
        takes: Sequence[tuple[Stream, Flow]],
        gives: Sequence[tuple[Stream, Flow]],
        cycles: Ints | None = None,
    ) -> None:
        self.firings, self.fired = firings, 0
        self.takes, self.gives = list(takes), list(gives)
        pace = np.ones(firings, np.int64) if cycles is None else cycles
        self.offset: Ints = np.append(0, np.cumsum(pace))
        self.times: Ints = np.full(firings + 1, ALWAYS, np.int64)

    def advance(self) -> tuple[list[Stream], Stream | None]:
        """Find as many firings as can be known: the streams that have gone on, and the one that the next waits for."""
        begin, end, waits = self.fired, self.firings, None
        for stream, flow in self.takes:
            limit = stream.sent
            if flow.needs is not None:
                limit = begin + int(flow.needs[begin:end].searchsorted(limit, "right"))
            if limit < end:
                end, waits = limit, stream
        for stream, flow in self.gives:
            limit = stream.received + stream.link.capacity
            if flow.needs is not None:
                limit = begin + int(flow.needs[begin:end].searchsorted(limit, "right"))
            if limit < end:
                end, waits = limit, stream
        if end <= begin:
            return [], waits
        soonest = self._soonest(begin, end)
        soonest -= self.offset[begin:end]
        np.maximum.accumulate(soonest, out=soonest)
        if begin:
            np.maximum(soonest, self.times[begin - 1] - self.offset[begin - 1], out=soonest)
        soonest += self.offset[begin:end]
        self.times[begin:end] = soonest
        self.fired = end
        moved: list[Stream] = []
        for flows, give in ((self.takes, False), (self.gives, True)):
            for stream, flow in flows:
                cycles = soonest
                if flow.needs is not None:
                    before = stream.sent if give else stream.received
                    cycles = soonest[flow.moves[before : flow.done[end - 1]] - begin]
                if len(cycles):
                    (stream.give if give else stream.take)(cycles)
                    moved.append(stream)
        return moved, waits

    def _soonest(self, begin: int, end: int) -> Ints:
        """The first cycle in which each firing has beats and room."""
        soonest = np.zeros(end - begin, np.int64)
        for stream, flow in self.takes:
            there = stream.given[begin:end] if flow.needs is None else stream.given[flow.needs[begin:end] - 1]
            np.maximum(soonest, there + stream.link.latency, out=soonest)
        for stream, flow in self.gives:
            if flow.needs is None:
                low = begin - stream.link.capacity
                if low + end - begin <= 0:
                    continue
                first = max(low, 0)
                room = stream.taken[first : low + end - begin] + stream.link.room
                np.maximum(soonest[first - low :], room, out=soonest[first - low :])
            else:
                place = np.maximum(flow.needs[begin:end] - stream.link.capacity - 1, -1)
                np.maximum(soonest, stream.taken[place] + stream.link.room, out=soonest)
        return soonest
