"""How long a launch takes, and what each of its phases is bound by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from weft.compiler.backend.mapping import Mapping as Placed
from weft.compiler.timing.machine import Machine
from weft.compiler.timing.phases import Group, groups_of
from weft.compiler.timing.timeline import Timeline
from weft.compiler.timing.timing import Memory
from weft.compiler.timing.turns import turns_in

__all__ = ["ENOUGH", "Bound", "Phase", "Prediction", "predict"]

ENOUGH = 0.8
"""A phase is bound by what works in so much of it, and by nothing but latency if nothing does."""
_FEW = 6
"""Turns that are all run; of more, only as many until two that follow each other take as long."""
_END = 3
"""The last turns, which are shorter, because nothing is fetched for others any more."""
_ALIKE = 0.003


class Bound(Enum):
    """What keeps a phase from being shorter."""

    CHANNEL = "channel"
    """the memory channels move data nearly all the time"""
    ARITHMETIC = "arithmetic"
    """a PCU works nearly all the time"""
    LATENCY = "latency"
    """neither: one thing waits for another"""


@dataclass(frozen=True)
class Phase:
    """A phase in all turns of a launch: the cycles from the end of the phase before to its own.

    ``channel`` is the share of its cycles in which a channel moves data, ``busiest`` the PCU that works in most of
    them, ``busy`` the share in which it does.
    """

    name: str
    units: tuple[str, ...]
    cycles: int
    channel: float
    busiest: str
    busy: float

    @property
    def bound(self) -> Bound:
        """What it is bound by."""
        if max(self.channel, self.busy) < ENOUGH:
            return Bound.LATENCY
        return Bound.CHANNEL if self.channel >= self.busy else Bound.ARITHMETIC


@dataclass(frozen=True)
class Prediction:
    """``cycles`` of a launch, the share of them in which a channel moves data, and its phases, whose cycles add up.

    A program without a PCU has no phases.
    """

    cycles: int
    channel: float
    phases: tuple[Phase, ...]


@dataclass
class _Sum:
    """What is counted of a phase in the turns of a launch; ``busy`` are cycles of each unit."""

    group: Group
    cycles: int = 0
    beats: int = 0
    busy: dict[str, int] = field(default_factory=dict)

    def add(self, timeline: Timeline, begin: int, end: int, times: int) -> None:
        self.cycles += times * (end - begin)
        self.beats += times * timeline.beats(begin, end)
        for unit in self.group.units:
            self.busy[unit] = self.busy.get(unit, 0) + times * timeline.busy(unit, begin, end)

    def phase(self, channels: int) -> Phase:
        busiest, whole = max(self.busy, key=self.busy.__getitem__), max(1, self.cycles)
        share = self.busy[busiest] / whole
        return Phase(self.group.name, self.group.units, self.cycles, self.beats / whole / channels, busiest, share)


def predict(mapping: Placed, arguments: Mapping[int, int], *, memory: Memory | None = None) -> Prediction:
    """Predict a launch with these arguments.

    Turns between the first and the last ones are alike but for where their data lie. If there are many, as many are run
    as it takes until two that follow each other are as long, and the others counted with them.

    Raises
    ------
    WeftError
        The program cannot be timed, see :class:`weft.compiler.timing.machine.Machine`.
    """
    count = turns_in(mapping.netlist)
    run = min(count, _FEW)
    while True:
        machine = Machine(mapping, arguments, [*range(run - 1), count - 1], memory)
        timeline = Timeline(machine, machine.run())
        if run == count or _is_steady(timeline, run - 1 - _END):
            return _prediction(timeline, run - 1 - _END, count - run)
        run = min(count, 2 * run)


def _is_steady(timeline: Timeline, turn: int) -> bool:
    """Whether a turn took as long as the one before."""
    spans = timeline.spans[turn - 2 : turn + 1]
    first, before, last = (max((span.end for span in each.values()), default=0) for each in spans)
    return 0 not in (first, before, last) and abs(last - 2 * before + first) <= _ALIKE * (last - before)


def _prediction(timeline: Timeline, steady: int, more: int) -> Prediction:
    """The prediction of a launch that has ``more`` turns like the turn ``steady`` of the timeline."""
    sums = [_Sum(group) for group in groups_of(timeline)]
    begin, latest = 0, None
    for turn, spans in enumerate(timeline.spans):
        times = 1 + more * (turn == steady)
        for each in sums:
            ends = [spans[unit].end + 1 for unit in each.group.units if unit in spans]
            if ends:
                end = max(begin, *ends)
                each.add(timeline, begin, end, times)
                begin, latest = end, each
    if latest is not None:
        latest.add(timeline, begin, timeline.cycles, 1)
    channels = len(timeline.machine.channels)
    cycles = sum(each.cycles for each in sums) or timeline.cycles
    beats = sum(each.beats for each in sums) if sums else timeline.beats(0, timeline.cycles)
    return Prediction(cycles, beats / cycles / channels, tuple(each.phase(channels) for each in sums))
