"""A mapped program in time: its processes, streams and channels, run to the end of a launch."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence

from weft.compiler.backend.mapping import Mapping as Placed
from weft.compiler.errors import WeftError
from weft.compiler.timing.agcu import AgcuTimer
from weft.compiler.timing.channel import MemoryChannel
from weft.compiler.timing.joining import Joining
from weft.compiler.timing.loader import Loader
from weft.compiler.timing.storer import Storer
from weft.compiler.timing.stream import Stream
from weft.compiler.timing.timing import LAUNCH, SETTLE, Memory
from weft.compiler.timing.turns import Turns
from weft.hw.topology import TileKind, Topology

__all__ = ["Machine"]

_FETCH = 6
"""Cycles from a grant to the soonest request that follows from it, without those of memory."""


class Machine:
    """The processes of some turns of a launch on their tiles.

    Processes know the cycle of each firing from those of others, in whatever order they are looked at (Kahn 1974).
    Only what a channel grants depends on who asks first. What it grants from a cycle on decides no request sooner than
    memory takes to answer, so all requests up to then are known and can be granted (Chandy and Misra 1979).

    Raises
    ------
    WeftError
        See :class:`weft.compiler.timing.turns.Turns`. A load by index, whose addresses are data.
    """

    def __init__(
        self, mapping: Placed, arguments: Mapping[int, int], numbers: Sequence[int], memory: Memory | None = None
    ) -> None:
        self.mapping, self.numbers, self._memory = mapping, numbers, memory or Memory()
        self.turns = Turns.of(mapping.netlist, mapping.spec, arguments, numbers)
        joined = Joining(mapping, self.turns, arguments, numbers, self._memory)
        self.processes, self.units, self._timers = joined.processes, joined.units, joined.timers
        self._timer_of = {id(timer.setup.process): timer for timer in self._timers.values()}
        self._told = {id(timer.setup.token): timer for timer in self._timers.values() if timer.setup.token is not None}
        self._number_of = {id(process): number for number, process in enumerate(self.processes)}
        self.channels = self._channels()

    def _channels(self) -> list[MemoryChannel[Loader | Storer]]:
        topology, tiles = Topology(self.mapping.spec), self.mapping.tiles
        agcus = topology.of_kind(TileKind.AGCU)
        users: list[list[Loader | Storer]] = [[] for _ in range(self.mapping.spec.channels)]
        for name, timer in sorted(self._timers.items(), key=lambda each: agcus.index(tiles[each[0]])):
            if isinstance(timer, Loader | Storer):
                users[topology.channel(tiles[name])].append(timer)
        return [MemoryChannel(each, self._memory, self.mapping.spec.channel_window) for each in users]

    def run(self) -> int:
        """Cycles of the launch.

        Raises
        ------
        WeftError
            It comes to no end.
        """
        self._queue = deque(range(len(self.processes)))
        self._waits: list[Stream | None] = [None] * len(self.processes)
        self._lead(self._timers.values())
        now = 0
        while True:
            self._settle()
            known = [cycle for channel in self.channels if (cycle := channel.next_grant()) is not None]
            if not known:
                break
            now = max(now, min(known)) + self._memory.latency + _FETCH
            for channel in self.channels:
                for timer in dict.fromkeys(channel.grant_until(now)):
                    if isinstance(timer, Loader):
                        self._queue.append(self._number_of[id(timer.setup.process)])
                    else:
                        self._lead([timer])
        late = [name for name, timer in self._timers.items() if timer.idle is None]
        if late:
            raise WeftError(f"a launch must come to an end to be timed, but {', '.join(late)} would wait for ever")
        return max([SETTLE, *(timer.idle or 0 for timer in self._timers.values())]) + LAUNCH

    def _settle(self) -> None:
        """Find all that follows from what is known."""
        while self._queue:
            number = self._queue.popleft()
            process = self.processes[number]
            moved, self._waits[number] = process.advance()
            self._wake(moved)
            if moved and (timer := self._timer_of.get(id(process))) is not None:
                self._lead([timer])

    def _lead(self, timers: Iterable[AgcuTimer]) -> None:
        for timer in timers:
            self._wake(timer.advance())

    def _wake(self, moved: Sequence[Stream]) -> None:
        """Look again at the processes that have waited for these streams."""
        for stream in moved:
            timer = self._told.get(id(stream))
            if timer is not None and stream.sent > stream.received:
                self._lead([timer])
            for number in (stream.source, stream.target):
                if number >= 0 and self._waits[number] is stream:
                    self._waits[number] = None
                    self._queue.append(number)
