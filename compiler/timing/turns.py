"""The turns of a launch one after the other: each process with the firings of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from weft.compiler.backend.buffering.network import ProcessNetwork
from weft.compiler.backend.buffering.tracing import network_of
from weft.compiler.errors import WeftError
from weft.compiler.netlist.netlist import Netlist
from weft.compiler.timing.process import Flow
from weft.hw.program import Agcu
from weft.hw.program.firings.process import RING, Process, Side, Where
from weft.hw.program.firings.stream import Ints
from weft.hw.spec import FabricSpec

__all__ = ["Turns", "turns_in"]


def turns_in(netlist: Netlist) -> int:
    """Turns of a launch."""
    return max([1, *(unit.program.turns for unit in netlist.units.values() if isinstance(unit.program, Agcu))])


@dataclass(frozen=True)
class Turns:
    """The processes of some turns of a launch, which follow each other.

    ``parts[u, writes]`` are those of a unit, one a turn; ``writes`` is true for the write side of a PMU. ``held`` are
    the buffers of each PMU that are full when a turn begins.
    """

    parts: dict[tuple[str, bool], list[Process]]
    held: list[dict[str, int]]

    @classmethod
    def of(cls, netlist: Netlist, spec: FabricSpec, arguments: Mapping[int, int], turns: Sequence[int]) -> Turns:
        """The turns of these numbers.

        Raises
        ------
        WeftError
            What data decide, or what never ends, has no time.
        """
        last = turns_in(netlist) - 1
        alike: dict[int, ProcessNetwork] = {}
        parts: dict[tuple[str, bool], list[Process]] = {}
        held: list[dict[str, int]] = []
        for turn in turns:
            kind = turn if turn in (0, last) else 1
            if kind not in alike:
                network = network_of(netlist, spec, arguments, kind)
                if network is None:
                    raise WeftError("a program must have streams whose lengths follow from its arguments to be timed")
                alike[kind] = network
            for unit, process in zip(alike[kind].units, alike[kind].processes, strict=True):
                writes = any(side.where == RING for side in process.gives)
                parts.setdefault((unit.name, writes), []).append(process)
            rings = (each for each in alike[kind].channels if each.net is None)
            held.append({each.pin.unit: each.held for each in rings})
        return cls(parts, held)

    def total(self, unit: str, where: Where, *, gives: bool, writes: bool = False) -> int:
        """Beats given or taken in all turns, or buffers with those there at the beginning."""
        return sum(self.each(unit, where, gives=gives, writes=writes)) + (
            self.held[0].get(unit, 0) if where == RING and gives else 0
        )

    def each(self, unit: str, where: Where, *, gives: bool, writes: bool = False) -> list[int]:
        """Beats given or taken in each turn."""
        counts = []
        for turn, process in enumerate(self.parts.get((unit, writes), [])):
            side = _side(process, where, gives=gives)
            before = self.held[turn].get(unit, 0) if where == RING and gives else 0
            counts.append(side.total - before if side else 0)
        return counts

    def firings(self, unit: str, *, writes: bool = False) -> int:
        """Firings of all turns."""
        return sum(part.firings for part in self.parts[unit, writes])

    def cycles(self, unit: str, *, writes: bool = False) -> Ints | None:
        """Of all firings, see :class:`weft.hw.program.firings.process.Process`."""
        parts = self.parts[unit, writes]
        if all(part.cycles is None for part in parts):
            return None
        return np.concatenate([np.ones(p.firings, np.int64) if p.cycles is None else p.cycles() for p in parts])

    def sides(self, unit: str, *, gives: bool, writes: bool = False) -> list[Where]:
        """The ports that a process uses in any turn."""
        found = [side.where for p in self.parts[unit, writes] for side in (p.gives if gives else p.takes)]
        return list(dict.fromkeys(found))

    def flow(self, unit: str, where: Where, *, gives: bool, writes: bool = False, depth: int = 0) -> Flow:
        """What the firings of all turns do at a port.

        With ``depth`` above 0 a firing needs room for what was given ``depth`` firings before it, and none for its own.
        """
        needs, done = [], []
        before = self.held[0].get(unit, 0) if where == RING and gives else 0
        for turn, process in enumerate(self.parts[unit, writes]):
            side = _side(process, where, gives=gives)
            if side is None:
                flat = np.full(process.firings, before, np.int64)
                needs.append(flat)
                done.append(flat)
                continue
            held = self.held[turn].get(unit, 0) if where == RING and gives else 0
            own_needs, own_done = side.firings()
            needs.append(own_needs + (before - held))
            done.append(own_done + (before - held))
            before += side.total - held
        all_done = np.concatenate(done)
        if depth:
            return Flow.of(np.append(np.zeros(depth, np.int64), all_done)[: len(all_done)], all_done)
        return Flow.of(np.concatenate(needs), all_done)


def _side(process: Process, where: Where, *, gives: bool) -> Side | None:
    return next((side for side in (process.gives if gives else process.takes) if side.where == where), None)
