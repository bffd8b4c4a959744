"""Running a process network with bounded channels."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass

import networkx as nx
import numpy as np

from weft.compiler.backend.buffering.network import Input, ProcessNetwork
from weft.hw.program.firings.stream import Ints

__all__ = ["Execution", "Wait"]


@dataclass(frozen=True)
class Wait:
    """Process ``waiter`` waits for ``other``: for room in the channel if it is ``full``, else for a beat."""

    waiter: int
    other: int
    channel: int
    full: bool


@dataclass(frozen=True)
class _Runner:
    """A process with equal firings made one: the channels that it takes from and gives to, needs and done of each."""

    steps: int
    takes: list[tuple[int, list[int], list[int]]]
    gives: list[tuple[int, list[int], list[int]]]


class Execution:
    """Runs a network to where nothing can fire any more.

    A network of deterministic processes with bounded channels ends in the same place in whatever order they fire, so
    one order is enough to know whether it deadlocks (Kahn 1974, Parks 1995); and more room never makes it deadlock. So
    each process fires as often as it can before another is looked at.

    In a deadlock each process waits for a neighbour, and these waits close a circle. A circle never takes one channel
    both ways, so a channel that lies on no circle of the undirected graph is never part of one. Its capacity does not
    matter then, nor when its beats come, and with it goes most of the work: firings without any other are one.
    """

    def __init__(self, network: ProcessNetwork) -> None:
        self.network = network
        self._bounded = _on_circles(network)
        self._prepared = [self._prepare(process) for process in range(len(network.processes))]

    def make_room(self, more: Mapping[Input | None, int]) -> None:
        """Make room for so many more beats before inputs."""
        self.network = self.network.with_room(more)

    def _prepare(self, process: int) -> _Runner:
        """Firings that follow each other with the same needs are one."""
        firings = self.network.processes[process].firings
        bounded = self._bounded
        takes = [(c, *side.firings()) for c, side in self.network.takes[process] if c in bounded]
        gives = [(c, *side.firings()) for c, side in self.network.gives[process] if c in bounded]
        begins = np.zeros(firings, bool)
        begins[:1] = True
        for _, needs, _ in (*takes, *gives):
            begins[1:] |= needs[1:] != needs[:-1]
        first = np.flatnonzero(begins)
        last = np.append(first[1:], firings)[: len(first)] - 1

        def short(sides: list[tuple[int, Ints, Ints]]) -> list[tuple[int, list[int], list[int]]]:
            return [(channel, needs[first].tolist(), done[last].tolist()) for channel, needs, done in sides]

        return _Runner(len(first), short(takes), short(gives))

    def run(self, capacities: Mapping[int, int] | None = None) -> list[Wait]:
        """The circle of waits of a deadlock, or nothing if every process comes to its end.

        Where a process waits for room that one at its end will never make, that wait alone.
        ``capacities`` are of channels, by number, in place of their own.
        """
        channels = self.network.channels
        limit = [channel.capacity for channel in channels]
        for number, capacity in (capacities or {}).items():
            limit[number] = capacity
        given = [channel.held for channel in channels]
        taken = [0] * len(channels)
        at = [0] * len(self._prepared)
        queue = deque(range(len(at)))
        queued = [True] * len(at)
        while queue:
            number = queue.popleft()
            queued[number] = False
            runner, begin = self._prepared[number], at[number]
            end = runner.steps
            for channel, needs, _ in runner.takes:
                end = bisect_right(needs, given[channel], begin, end)
            for channel, needs, _ in runner.gives:
                end = bisect_right(needs, taken[channel] + limit[channel], begin, end)
            if end == begin:
                continue
            at[number] = end
            for channel, _, done in runner.takes:
                if taken[channel] != done[end - 1]:
                    taken[channel] = done[end - 1]
                    other = channels[channel].source
                    if not queued[other]:
                        queued[other] = True
                        queue.append(other)
            for channel, _, done in runner.gives:
                if given[channel] != done[end - 1]:
                    given[channel] = done[end - 1]
                    other = channels[channel].target
                    if not queued[other]:
                        queued[other] = True
                        queue.append(other)
        return self._circle(at, given, taken, limit)

    def _circle(self, at: list[int], given: list[int], taken: list[int], limit: list[int]) -> list[Wait]:
        waits: dict[int, Wait] = {}
        for number, runner in enumerate(self._prepared):
            if at[number] == runner.steps:
                continue
            for channel, needs, _ in runner.takes:
                if needs[at[number]] > given[channel]:
                    waits[number] = Wait(number, self.network.channels[channel].source, channel, False)
            for channel, needs, _ in runner.gives:
                if needs[at[number]] > taken[channel] + limit[channel]:
                    waits[number] = Wait(number, self.network.channels[channel].target, channel, True)
        if not waits:
            return []
        path: list[int] = []
        here = next(iter(waits))
        while here in waits and here not in path:
            path.append(here)
            here = waits[here].other
        return [waits[process] for process in (path[path.index(here) :] if here in waits else path[-1:])]


def _on_circles(network: ProcessNetwork) -> set[int]:
    """The channels on a circle of the undirected graph, and those in which something is left over in the end."""
    graph: nx.Graph[int] = nx.Graph()
    ends = [(min(each.source, each.target), max(each.source, each.target)) for each in network.channels]
    graph.add_edges_from(ends)
    # networkx says of the edges that bridges() yields that they are nodes.
    bridges = {tuple(sorted(edge)) for edge in nx.bridges(graph)}  # pyright: ignore[reportArgumentType]
    joins = Counter(ends)
    return {
        number
        for number, each in enumerate(ends)
        if each not in bridges or joins[each] > 1 or network.left_over(number)
    }
