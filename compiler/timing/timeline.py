"""A run in time, turn by turn: when each unit was done, and how much it and the channels worked in between."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from weft.compiler.timing.machine import Machine
from weft.hw.program import Pcu
from weft.hw.program.firings.stream import Ints

__all__ = ["Span", "Timeline"]


@dataclass(frozen=True)
class Span:
    """From the cycle in which a PCU begins with its work of a turn to that in which it is done."""

    begin: int
    end: int


class Timeline:
    """What a machine that has run did. ``cycles`` are those of its turns, the launch's end included."""

    def __init__(self, machine: Machine, cycles: int) -> None:
        self.machine, self.cycles = machine, cycles
        self.units = [n for n, unit in machine.mapping.netlist.units.items() if isinstance(unit.program, Pcu)]

    @cached_property
    def spans(self) -> list[dict[str, Span]]:
        """Of each turn, the PCUs that have work in it."""
        spans: list[dict[str, Span]] = [{} for _ in self.machine.numbers]
        for name in self.units:
            times, before = self.machine.units[name][0].times, 0
            for turn, part in enumerate(self.machine.turns.parts[name, False]):
                if part.firings:
                    after = before + part.firings
                    spans[turn][name] = Span(int(times[before]), int(times[after - 1]))
                    before = after
        return spans

    @cached_property
    def _busy(self) -> dict[str, tuple[Ints, Ints]]:
        """The firings' cycles of each PCU, and how many cycles all of them up to each take."""
        busy: dict[str, tuple[Ints, Ints]] = {}
        for name in self.units:
            process = self.machine.units[name][0]
            busy[name] = process.times[: process.firings], process.offset
        return busy

    def busy(self, unit: str, begin: int, end: int) -> int:
        """Cycles that the steps of a PCU take in the cycles from ``begin`` to before ``end``."""
        times, taken = self._busy[unit]
        first, last = np.searchsorted(times, [begin, end])
        return int(taken[last] - taken[first])

    @cached_property
    def _moved(self) -> list[tuple[Ints, Ints]]:
        """Of each channel the first and the last cycle of every burst, and the beats up to each of them."""
        moved: list[tuple[Ints, Ints]] = []
        for channel in self.machine.channels:
            first, beats = np.array(sorted(channel.moved), np.int64).reshape(-1, 2).T
            after = np.cumsum(beats)
            moved.append((np.stack([first, first + beats], 1).ravel(), np.stack([after - beats, after], 1).ravel()))
        return moved

    def beats(self, begin: int, end: int) -> int:
        """Beats that all channels move in the cycles from ``begin`` to before ``end``."""
        return round(sum(float(np.diff(np.interp([begin, end], *each))[0]) for each in self._moved if len(each[0])))
