"""AGCUs in time: turn by turn, and burst by burst, as ``hw.agcu`` does it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from compiler.buffering.beats import Ints
from compiler.performance.bursts import addresses, bursts, longest_burst
from compiler.performance.process import TimedProcess
from compiler.performance.stream import Stream
from compiler.performance.timing import Memory
from hw.program import Agcu
from hw.spec import FabricSpec

__all__ = ["AgcuTimer", "Loader", "Ports", "Storer"]


@dataclass(frozen=True)
class Ports:
    """What an AGCU is joined to besides its data: the token it waits for, what it emits, the token it sends."""

    token: Stream | None = None
    emitted: Stream | None = None
    done: Stream | None = None


class AgcuTimer:
    """Leads an AGCU through its turns; by itself one that takes beats and writes nothing.

    Parameters
    ----------
    program, ports
        What it does and is joined to.
    turns
        Numbers of the turns that it goes through.
    counts
        Vector beats of each.
    beats
        The process that moves them, and the stream on whose ``taken`` the turns are counted.
    running
        Told the cycle from which on each turn that works takes beats; None for a load.
    """

    writes = False

    def __init__(
        self,
        program: Agcu,
        ports: Ports,
        turns: Sequence[int],
        counts: Sequence[int],
        beats: tuple[TimedProcess, Stream],
        running: Stream | None,
        spec: FabricSpec,
    ) -> None:
        self.program, self.spec, self.priority = program, spec, program.priority
        self.process, self.moved = beats
        self.idle: int | None = None
        self._ports, self._turns, self._counts, self._running = ports, turns, counts, running
        self._place = 0
        self._waits_since = spec.agcu_levels + 5
        self._runs_since: int | None = None
        self._before = 0  # beats of the turns before
        self._emit()

    # -- turns ------------------------------------------------------------------------------------------

    def advance(self) -> list[Stream]:
        """Go as far as is known; the streams that have gone on."""
        moved: list[Stream] = []
        while self._place < len(self._turns):
            turn, program = self._turns[self._place], self.program
            over: int | None = self._waits_since
            if program.works_in(turn) and self._runs_since is None:
                begin = self._begin(moved)
                if begin is None:
                    return moved
                self._runs_since = begin + 1
                if self._running is not None:
                    self._running.give(np.array([begin + 1]))
                    moved.append(self._running)
                self._begin_turn(turn, self._counts[self._place])
            if self._runs_since is not None:
                over = self._finished(self._before + self._counts[self._place])
                if over is None:
                    return moved
            assert over is not None
            tells = program.tells_in(turn)
            if tells and self._ports.done is not None:
                self._ports.done.give(np.array([over + 1]))
                moved.append(self._ports.done)
            self._before += self._counts[self._place]
            self._place += 1
            self._runs_since, self._waits_since = None, over + 2 + tells
            if self._place < len(self._turns):
                moved += self._emit()
        self.idle = self._waits_since
        return moved

    def _emit(self) -> list[Stream]:
        emitted = self._ports.emitted
        if emitted is None:
            return []
        emitted.give(np.array([self._waits_since]))
        return [emitted]

    def _begin(self, moved: list[Stream]) -> int | None:
        """The cycle in which the turn begins, if its token is there."""
        token = self._ports.token
        if not self.program.wait_token or token is None:
            return self._waits_since
        if token.received == token.sent:
            return None
        there = int(token.given[token.received]) + token.link.latency
        begin = max(self._waits_since, there)
        token.take(np.array([begin]))
        moved.append(token)
        return begin

    def _begin_turn(self, turn: int, beats: int) -> None:
        pass

    def _finished(self, until: int) -> int | None:
        """The cycle in which the turn's work is over, when ``until`` beats have been moved; None if it is not known."""
        return self._moved_at(until, 1)

    def _moved_at(self, until: int, after: int) -> int | None:
        assert self._runs_since is not None
        if until > self.moved.received:
            return None
        return max(self._runs_since, int(self.moved.taken[until - 1])) + after


class Loader(AgcuTimer):
    """One that loads: asks for bursts as long as its buffer has room, and sends what comes."""

    def __init__(self, *fixed: object, arguments: Mapping[int, int], **named: object) -> None:
        super().__init__(*fixed, **named)  # pyright: ignore[reportArgumentType, reportCallIssue]
        self._arguments = arguments
        self._longest = longest_burst(self.spec)
        self._parts = self.spec.beat_bytes // self.spec.channel_bytes
        self._sizes: list[int] = []
        self._number = 0
        self._asked = 0  # vector beats, all in all
        self._free_since = 0  # the coalescer has no open burst
        self._granted = 0
        self._size = 0

    def _begin_turn(self, turn: int, beats: int) -> None:
        assert self._runs_since is not None
        self._sizes, self._number = bursts(addresses(self.program, self._arguments, turn, beats), self.spec), 0
        self._free_since = max(self._free_since, self._runs_since + 2)

    def _finished(self, until: int) -> int | None:
        return self._moved_at(until, 2)

    def request(self) -> int | None:
        """See :class:`compiler.performance.channel.Requester`."""
        closed = self._closed()
        return None if closed is None else closed + 1

    def _closed(self) -> int | None:
        """The cycle in which the next burst is closed."""
        if self._number == len(self._sizes):
            return None
        opened, sent = self._free_since, self._asked + self._longest - self.spec.agcu_buffer
        if sent > self.moved.received:
            return None
        if sent > 0:
            opened = max(opened, int(self.moved.taken[sent - 1]) + 1)
        return max(opened + self._sizes[self._number], self._granted)

    def granted(self, cycle: int) -> int:
        """See :class:`compiler.performance.channel.Requester`."""
        closed = self._closed()
        assert closed is not None
        self._free_since, self._granted = closed, cycle
        self._size = self._sizes[self._number]
        self._number += 1
        self._asked += self._size
        return self._size * self._parts

    def served(self, first: int) -> None:
        """See :class:`compiler.performance.channel.Requester`."""
        self.moved.give(first + 3 + self._parts * np.arange(1, self._size + 1))


class Storer(AgcuTimer):
    """One that stores: asks for a burst when its data are there, and is done when memory has acknowledged all."""

    writes = True

    def __init__(self, *fixed: object, arguments: Mapping[int, int], memory: Memory, **named: object) -> None:
        super().__init__(*fixed, **named)  # pyright: ignore[reportArgumentType, reportCallIssue]
        self._arguments, self._memory = arguments, memory
        self._parts = self.spec.beat_bytes // self.spec.channel_bytes
        self._sizes: list[int] = []
        self._closes: list[tuple[int, int]] = []
        self._number, self._granted, self._acknowledged = 0, 0, 0

    def _begin_turn(self, turn: int, beats: int) -> None:
        words = -(-beats // 2) if self.program.pack else beats
        self._sizes = bursts(addresses(self.program, self._arguments, turn, words), self.spec)
        self._number, self._acknowledged = 0, 0
        # A burst is closed by the word after it, or at the end, or when it is full: (beat, cycles after it).
        self._closes = []
        made = np.ceil(np.arange(1, words + 1) * (beats / max(words, 1))).astype(np.int64) - 1 + self._before
        for end, size in zip(np.cumsum(self._sizes).tolist(), self._sizes, strict=True):
            if size == longest_burst(self.spec):
                self._closes.append((int(made[end - 1]), 2))
            elif end < words:
                self._closes.append((int(made[end]), 1))
            else:
                self._closes.append((int(made[end - 1]), 2))

    def _finished(self, until: int) -> int | None:
        if self._number < len(self._sizes):
            return None
        ended = self._moved_at(until, 2)
        return None if ended is None else max(ended, self._acknowledged)

    def request(self) -> int | None:
        """See :class:`compiler.performance.channel.Requester`."""
        if self._number == len(self._sizes):
            return None
        beat, after = self._closes[self._number]
        if beat >= self.moved.received:
            return None
        return max(int(self.moved.taken[beat]) + after, self._granted) + 1

    def granted(self, cycle: int) -> int:
        """See :class:`compiler.performance.channel.Requester`."""
        self._granted = cycle
        self._number += 1
        return self._sizes[self._number - 1] * self._parts

    def served(self, first: int) -> None:
        """See :class:`compiler.performance.channel.Requester`."""
        last = first + self._sizes[self._number - 1] * self._parts - 1
        self._acknowledged = last + self._memory.latency + 3
