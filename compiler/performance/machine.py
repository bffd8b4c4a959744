"""A mapped program in time: processes, streams and channels, run to the end of a launch."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence

import numpy as np

from compiler.buffering.process import RING, Where
from compiler.errors import WeftError
from compiler.mapping import Mapping as Placed
from compiler.mapping import switch_pin
from compiler.netlist import Pin
from compiler.performance.agcu import AgcuTimer, Loader, Ports, Storer
from compiler.performance.channel import MemoryChannel
from compiler.performance.process import Flow, TimedProcess
from compiler.performance.routes import Branch, Exit, branches
from compiler.performance.stream import Link, Stream
from compiler.performance.timing import LAUNCH, Memory, pipeline_depth
from compiler.performance.turns import Turns
from hw.program import Agcu, AgcuKind, Pcu, Pmu
from hw.topology import Direction, Network, Tile, TileKind, Topology, tracks

__all__ = ["Machine"]

_ENDLESS = 1 << 40
_FETCH = 6
"""Cycles from a grant to the soonest request that follows from it, without those of memory."""


class Machine:
    """The processes of some turns of a launch on their tiles.

    Raises
    ------
    WeftError
        See :class:`compiler.performance.turns.Turns`. From :meth:`run`: it comes to no end.
    """

    def __init__(
        self, mapping: Placed, arguments: Mapping[int, int], turns: Sequence[int], memory: Memory | None = None
    ) -> None:
        self.mapping, self.spec, self.arguments, self.numbers = mapping, mapping.spec, arguments, turns
        self.memory = memory or Memory()
        self.turns = Turns.of(mapping.netlist, self.spec, arguments, turns)
        self.processes: list[TimedProcess] = []
        self.timers: dict[str, AgcuTimer] = {}
        self._timer_of: dict[int, AgcuTimer] = {}  # by process
        self._inputs: dict[tuple[str, Where], Stream] = {}
        self._outputs: dict[tuple[str, Where], Stream] = {}
        self._tokens: dict[Stream, AgcuTimer] = {}
        self._nets()
        self.units = {name: self._unit(name) for name in mapping.netlist.units}
        self.channels = self._channels()

    # -- building ---------------------------------------------------------------------------------------

    def _add(self, process: TimedProcess) -> TimedProcess:
        number = len(self.processes)
        self.processes.append(process)
        for stream, _ in process.takes:
            stream.target = number
        for stream, _ in process.gives:
            stream.source = number
        return process

    def _nets(self) -> None:
        units, tiles = self.mapping.netlist.units, self.mapping.tiles
        for route in self.mapping.routes:
            net = route.net
            links = len(Direction) * tracks(self.spec, net.network)
            targets = {(tiles[pin.unit], switch_pin(self.spec, net.network, pin.port)): pin for pin in net.targets}
            assert all(output >= links for _, output in targets)
            source = net.source.unit
            tree = branches(route, tiles[source], targets, self._exit(units[source].program, net.network), self.spec)
            total = self.turns.total(source, (net.network, 0), gives=True)
            self._outputs[source, (net.network, 0)] = self._branch(tree, net.network, total)

    def _exit(self, program: Pcu | Pmu | Agcu, network: Network) -> Exit:
        """How beats leave a unit."""
        if isinstance(program, Pcu):
            return Exit(2, pipeline_depth(program, self.spec) + 1, 1)
        if isinstance(program, Pmu):
            return Exit(2, 1, 1) if network is Network.CONTROL else Exit(4, 2, 1)
        return Exit(1, 1, 0) if network is Network.VECTOR else Exit(1, 0, 0)

    def _branch(self, branch: Branch, network: Network, total: int) -> Stream:
        stream = Stream(branch.link, total)
        if branch.pin is not None:
            self._inputs[branch.pin.unit, (network, branch.pin.port)] = stream
        else:
            each = Flow(None, np.arange(1, total + 1), np.arange(1, total + 1))
            gives = [(self._branch(part, network, total), each) for part in branch.parts]
            self._add(TimedProcess("fork", total, [(stream, each)], gives))
        return stream

    def _unit(self, name: str) -> list[TimedProcess]:
        program = self.mapping.netlist.units[name].program
        if isinstance(program, Agcu):
            return [self._agcu(name, program)] if program.kind is not AgcuKind.OFF else []
        if isinstance(program, Pcu):
            return [self._process(name, writes=False, depth=pipeline_depth(program, self.spec))]
        ring = Stream(
            Link(program.blocks, 2 if self._begins_apart(name) else 3, 1),
            self.turns.total(name, RING, gives=True, writes=True),
            self.turns.held[0].get(name, 0),
        )
        self._inputs[name, RING] = self._outputs[name, RING] = ring
        return [
            self._process(name, writes=writes) for writes in (True, False) if (name, writes) in self.turns.parts
        ]

    def _begins_apart(self, name: str) -> bool:
        """Whether a run of a PMU has a firing for its beginning."""
        parts = self.turns.parts.get((name, False), [])
        return any(part.cycles is not None for part in parts)

    def _process(self, name: str, *, writes: bool, depth: int = 0) -> TimedProcess:
        turns = self.turns
        takes = [
            (self._inputs[name, where], turns.flow(name, where, gives=False, writes=writes))
            for where in turns.sides(name, gives=False, writes=writes)
        ]
        gives = [
            (self._outputs[name, where], turns.flow(name, where, gives=True, writes=writes, depth=depth))
            for where in turns.sides(name, gives=True, writes=writes)
            if (name, where) in self._outputs
        ]
        cycles = turns.cycles(name, writes=writes)
        return self._add(TimedProcess(name, turns.firings(name, writes=writes), takes, gives, cycles))

    def _agcu(self, name: str, program: Agcu) -> TimedProcess:
        turns, vector = self.turns, (Network.VECTOR, 0)
        if program.indexed:
            raise WeftError(f"{name!r} must not load by index to be timed: its addresses are in the data")
        load = program.kind is AgcuKind.LOAD
        counts = turns.each(name, vector, gives=load)
        total = sum(counts)
        each = Flow(None, np.arange(1, total + 1), np.arange(1, total + 1))
        ports = Ports(
            self._inputs.get((name, (Network.CONTROL, 0))),
            self._outputs.get((name, (Network.SCALAR, 0))),
            self._outputs.get((name, (Network.CONTROL, 0))),
        )
        running = None
        if load:
            moved = Stream(Link(_ENDLESS, 0, 0), total)
            gives = [(self._outputs[name, vector], each)] if (name, vector) in self._outputs else []
            process = self._add(TimedProcess(name, total, [(moved, each)], gives))
        else:
            moved = self._inputs[name, vector]
            working = [count for turn, count in zip(self.numbers, counts, strict=True) if program.works_in(turn)]
            running = Stream(Link(_ENDLESS, 0, 0), len(working))
            needs = np.repeat(np.arange(1, len(working) + 1), working)
            runs = Flow(needs, np.zeros(total, np.int64), np.zeros(0, np.int64))
            process = self._add(TimedProcess(name, total, [(moved, each), (running, runs)], []))
        fixed = (program, ports, self.numbers, counts, (process, moved), running, self.spec)
        if load:
            timer: AgcuTimer = Loader(*fixed, arguments=self.arguments)
        elif program.kind is AgcuKind.STORE:
            timer = Storer(*fixed, arguments=self.arguments, memory=self.memory)
        else:
            timer = AgcuTimer(*fixed)
        self.timers[name] = timer
        self._timer_of[len(self.processes) - 1] = timer
        if ports.token is not None:
            self._tokens[ports.token] = timer
        return process

    def _channels(self) -> list[MemoryChannel]:
        topology, tiles = Topology(self.spec), self.mapping.tiles
        order: list[Tile] = topology.of_kind(TileKind.AGCU)
        users: list[list[Loader | Storer]] = [[] for _ in range(self.spec.channels)]
        for name in sorted(self.timers, key=lambda each: order.index(tiles[each])):
            timer = self.timers[name]
            if isinstance(timer, Loader | Storer):
                users[topology.channel(tiles[name])].append(timer)
        return [MemoryChannel(list(each), self.memory) for each in users]

    # -- running ----------------------------------------------------------------------------------------

    def run(self) -> int:
        """Cycles of the launch."""
        process_of = {timer: number for number, timer in self._timer_of.items()}
        self._queue = deque(range(len(self.processes)))
        self._waits: list[Stream | None] = [None] * len(self.processes)
        for timer in self.timers.values():
            self._wake(timer.advance())
        now = 0
        while True:
            self._settle()
            known = [cycle for channel in self.channels if (cycle := channel.next_grant()) is not None]
            if not known:
                break
            now = max(now, min(known)) + self.memory.latency + _FETCH
            for channel in self.channels:
                for timer in dict.fromkeys(channel.grant_until(now)):
                    assert isinstance(timer, AgcuTimer)
                    if timer.writes:
                        self._wake(timer.advance())
                    else:
                        self._queue.append(process_of[timer])
        late = [name for name, timer in self.timers.items() if timer.idle is None]
        if late:
            raise WeftError(f"the launch must come to an end to be timed, but {', '.join(late)} would wait for ever")
        return max((timer.idle or 0) for timer in self.timers.values()) + LAUNCH

    def _settle(self) -> None:
        """Advance whatever can."""
        while self._queue:
            number = self._queue.popleft()
            moved, self._waits[number] = self.processes[number].advance()
            self._wake(moved)
            timer = self._timer_of.get(number)
            if timer is not None and moved:
                self._wake(timer.advance())

    def _wake(self, moved: Sequence[Stream]) -> None:
        for stream in moved:
            timer = self._tokens.get(stream)
            if timer is not None and stream.sent > stream.received:
                self._wake(timer.advance())
            for number in (stream.source, stream.target):
                if number >= 0 and self._waits[number] is stream:
                    self._waits[number] = None
                    self._queue.append(number)
