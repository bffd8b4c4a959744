"""A memory channel in time: which burst goes when, and when its beats are there."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar

from weft.compiler.timing.timing import Memory

__all__ = ["MemoryChannel", "Requester"]

_WRITE_QUEUE = 8
"""Beats that memory takes before it writes them."""


class Requester(Protocol):
    """An AGCU as a channel sees it: one burst at a time."""

    priority: int
    writes: bool

    @property
    def turn(self) -> int:
        """How many turns it has gone through."""
        ...

    def request(self) -> int | None:
        """The cycle from which on its next burst is asked for; None if there is none or nobody knows yet."""
        ...

    def granted(self, cycle: int) -> int:
        """Its burst is granted: channel beats of it. Only after :meth:`request` gave a cycle, not later than this."""
        ...

    def served(self, first: int, last: int) -> None:
        """The first and the last beat of the burst granted last move at the memory in these cycles."""
        ...


AnyRequester = TypeVar("AnyRequester", bound=Requester)


class MemoryChannel(Generic[AnyRequester]):
    """Arbiter, AXI port and memory of a channel, see ``weft.hw.chip.channel`` and ``sim/rtl/memory.cpp``.

    Bursts are granted one a cycle by turn, then by priority, equals one after the other, none to read while ``window``
    beats are under way. They are read in the order in which they were granted. Reads and writes share the data bus, a
    beat a cycle.
    ``moved`` are (cycle, beats) of each burst in order.
    """

    def __init__(self, requesters: Sequence[AnyRequester], memory: Memory, window: int) -> None:
        self.requesters, self._memory, self._window = requesters, memory, window
        self.moved: list[tuple[int, int]] = []
        self._last = {False: 0, True: 0}
        self._free = {False: 0, True: 0}  # the first cycle in which the next burst can be granted
        self._read_until = 0
        self._write_until = 0
        self._asked = 0  # beats of all reads granted
        self._under_way: deque[tuple[int, int]] = deque()  # beats of the reads up to each, and the cycle of its last
        self._ends: deque[int] = deque()  # of reads that memory knows

    def next_grant(self) -> int | None:
        """The soonest cycle of a grant among the requests that are known."""
        cycles = [
            max(asked, self._free[each.writes]) for each in self.requesters if (asked := each.request()) is not None
        ]
        return min(cycles, default=None)

    def grant_until(self, limit: int) -> list[AnyRequester]:
        """Grant what is asked for before the cycle ``limit``: who was granted something, once for each burst."""
        granted: list[AnyRequester] = []
        requesters = self.requesters
        asked = {number: cycle for number, each in enumerate(requesters) if (cycle := each.request()) is not None}
        while asked:
            soonest = {number: max(cycle, self._free[requesters[number].writes]) for number, cycle in asked.items()}
            now = min(soonest.values())
            if now >= limit:
                break
            writes = next(requesters[number].writes for number, cycle in soonest.items() if cycle == now)
            last = self._last[writes]
            *_, number = min(
                (requesters[number].turn, requesters[number].priority, number <= last, number)
                for number, cycle in soonest.items()
                if cycle == now and requesters[number].writes == writes
            )
            self._last[writes], chosen = number, requesters[number]
            (self._write if writes else self._read)(chosen, now)
            granted.append(chosen)
            del asked[number]
            if (cycle := chosen.request()) is not None:
                asked[number] = cycle
        return granted

    def _read(self, chosen: AnyRequester, now: int) -> None:
        beats = chosen.granted(now)
        accepted = now + 1
        if len(self._ends) >= self._memory.outstanding:
            accepted = max(accepted, self._ends.popleft() + 1)
        first = max(accepted + self._memory.latency, self._read_until)
        self._read_until = first + beats
        self._ends.append(first + beats - 1)
        self._asked += beats
        self._under_way.append((self._asked, first + beats - 1))
        self._free[False] = max(accepted, self._window_opens())
        self.moved.append((first, beats))
        chosen.served(first, first + beats - 1)

    def _window_opens(self) -> int:
        """The cycle in which fewer beats are under way than the window has."""
        come = self._asked - self._window + 1
        if come <= 0:
            return 0
        while self._under_way[0][0] < come:
            self._under_way.popleft()
        until, last = self._under_way[0]
        return last - (until - come) + 2

    def _write(self, chosen: AnyRequester, now: int) -> None:
        """Beats of a write and of reads take turns. Reads granted before keep their cycles, later ones pay for it."""
        beats = chosen.granted(now)
        first = max(now + 2, self._write_until)
        reads = max(0, self._read_until - first)
        between = min(beats - 1, reads)
        self._read_until += min(beats, reads)
        last = first + beats + between - 1
        self._write_until = last + 1
        self._free[True] = max(now + beats, last - 1 - _WRITE_QUEUE)
        self.moved.append((first, beats))
        chosen.served(first, last)
