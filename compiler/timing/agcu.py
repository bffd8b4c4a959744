"""An AGCU in time, turn by turn, as ``weft.hw.agcu.sequencer`` leads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from weft.compiler.timing.process import TimedProcess
from weft.compiler.timing.stream import Stream
from weft.compiler.timing.timing import Memory
from weft.hw.program import Agcu
from weft.hw.spec import FabricSpec

__all__ = ["AgcuSetup", "AgcuTimer"]


@dataclass(frozen=True)
class AgcuSetup:
    """What an AGCU does, and what it is joined to.

    Parameters
    ----------
    program, arguments
        Its program, and those of the launch.
    turns, counts
        Numbers of the turns that it goes through, and the vector beats that it moves in each.
    process, moved
        The process that moves them, and the stream on whose ``taken`` they are counted.
    running
        Told from which cycle on a turn that works takes beats; None for a load.
    token, emitted, done
        The token that it waits for, what it emits, the token that it sends.
    """

    program: Agcu
    arguments: Mapping[int, int]
    turns: Sequence[int]
    counts: Sequence[int]
    process: TimedProcess
    moved: Stream
    running: Stream | None
    token: Stream | None
    emitted: Stream | None
    done: Stream | None
    spec: FabricSpec
    memory: Memory


class AgcuTimer:
    """Leads an AGCU through its turns; by itself one that takes beats and writes nothing.

    ``idle`` is the cycle in which it is done with the launch, None as long as it is not known.
    """

    writes = False

    def __init__(self, setup: AgcuSetup) -> None:
        self.setup, self.spec, self.priority = setup, setup.spec, setup.program.priority
        self.idle: int | None = None
        self._place = 0
        self._waits_since = setup.spec.agcu_levels + 5
        self._runs_since: int | None = None
        self._before = 0  # beats of the turns before
        self._emit()

    @property
    def turn(self) -> int:
        """See :class:`weft.compiler.timing.channel.Requester`."""
        return self._place

    def advance(self) -> list[Stream]:
        """Go as far as is known; the streams that have gone on."""
        setup, moved = self.setup, list[Stream]()
        while self._place < len(setup.turns):
            turn, beats = setup.turns[self._place], setup.counts[self._place]
            over: int | None = self._waits_since
            if setup.program.works_in(turn):
                if self._runs_since is None and not self._begin(turn, beats, moved):
                    return moved
                over = self._finished(self._before + beats)
                if over is None:
                    return moved
            tells = setup.program.tells_in(turn)
            if tells and setup.done is not None:
                setup.done.give(np.array([over + 1]))
                moved.append(setup.done)
            self._before += beats
            self._place += 1
            self._runs_since, self._waits_since = None, over + 2 + tells
            if self._place < len(setup.turns):
                moved += self._emit()
        self.idle = self._waits_since
        return moved

    def _emit(self) -> list[Stream]:
        emitted = self.setup.emitted
        if emitted is None:
            return []
        emitted.give(np.array([self._waits_since]))
        return [emitted]

    def _begin(self, turn: int, beats: int, moved: list[Stream]) -> bool:
        """Begin the work of a turn; False if its token is not there."""
        token, begin = self.setup.token, self._waits_since
        if self.setup.program.wait_token and token is not None:
            if token.received == token.sent:
                return False
            begin = max(begin, int(token.given[token.received]) + token.link.latency)
            token.take(np.array([begin]))
            moved.append(token)
        self._runs_since = begin + 1
        if self.setup.running is not None:
            self.setup.running.give(np.array([begin + 1]))
            moved.append(self.setup.running)
        moved += self._begin_work(turn, beats)
        return True

    def _begin_work(self, turn: int, beats: int) -> list[Stream]:
        """A turn in which so many vector beats are moved runs from now on; the streams that have gone on."""
        return []

    def _finished(self, until: int) -> int | None:
        """The cycle in which the turn's work is over, when ``until`` beats have been moved; None if it is not known."""
        return self._moved_at(until, 1)

    def _moved_at(self, until: int, after: int) -> int | None:
        """Cycles ``after`` the one in which beat ``until`` is moved."""
        assert self._runs_since is not None
        if until > self.setup.moved.received:
            return None
        return max(self._runs_since, int(self.setup.moved.taken[until - 1])) + after
