"""From a mapping and the turns of a launch to processes that are joined by streams."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from weft.compiler.backend.mapping import Mapping as Placed
from weft.compiler.backend.mapping import switch_pin
from weft.compiler.errors import WeftError
from weft.compiler.timing.agcu import AgcuSetup, AgcuTimer
from weft.compiler.timing.loader import Loader
from weft.compiler.timing.process import Flow, TimedProcess
from weft.compiler.timing.routes import Branch, branches
from weft.compiler.timing.storer import Storer
from weft.compiler.timing.stream import Link, Stream
from weft.compiler.timing.timing import Memory
from weft.compiler.timing.turns import Turns
from weft.hw.program import Agcu, AgcuKind, Pcu
from weft.hw.program.firings.links import exit_of
from weft.hw.program.firings.pipeline import pipeline_depth
from weft.hw.program.firings.process import RING, Where
from weft.hw.topology import Network

__all__ = ["Joining"]

_VECTOR: Where = (Network.VECTOR, 0)
_AT_ONCE = Link(1 << 40, 0, 0)
_TIMERS = {AgcuKind.LOAD: Loader, AgcuKind.STORE: Storer, AgcuKind.SINK: AgcuTimer}


class Joining:
    """Builds the processes of all units and forks, and what leads the AGCUs.

    ``processes`` are all, ``units`` those of each unit (of a PMU the write side first), ``timers`` the AGCUs'.
    """

    def __init__(
        self, mapping: Placed, turns: Turns, arguments: Mapping[int, int], numbers: Sequence[int], memory: Memory
    ) -> None:
        self.processes: list[TimedProcess] = []
        self.timers: dict[str, AgcuTimer] = {}
        self._mapping, self._spec, self._turns = mapping, mapping.spec, turns
        self._arguments, self._numbers, self._memory = arguments, numbers, memory
        self._inputs: dict[tuple[str, Where], Stream] = {}
        self._outputs: dict[tuple[str, Where], Stream] = {}
        self._nets()
        self.units = {name: self._unit(name) for name in mapping.netlist.units}

    def _add(self, process: TimedProcess) -> TimedProcess:
        number = len(self.processes)
        self.processes.append(process)
        for stream, _ in process.takes:
            stream.target = number
        for stream, _ in process.gives:
            stream.source = number
        return process

    # -- nets -------------------------------------------------------------------------------------------

    def _nets(self) -> None:
        units, tiles = self._mapping.netlist.units, self._mapping.tiles
        for route in self._mapping.routes:
            net = route.net
            source = net.source.unit
            targets = {(tiles[pin.unit], switch_pin(self._spec, net.network, pin.port)): pin for pin in net.targets}
            tree = branches(
                route, tiles[source], targets, exit_of(units[source].program, net.network, self._spec), self._spec
            )
            total = self._turns.total(source, (net.network, 0), gives=True)
            self._outputs[source, (net.network, 0)] = self._branch(tree, net.network, total)

    def _branch(self, branch: Branch, network: Network, total: int) -> Stream:
        """The stream over a branch, with the forks that it comes to."""
        stream = Stream(branch.link, total)
        if branch.pin is not None:
            self._inputs[branch.pin.unit, (network, branch.pin.port)] = stream
        else:
            gives = [(self._branch(part, network, total), Flow.each(total)) for part in branch.parts]
            self._add(TimedProcess(total, [(stream, Flow.each(total))], gives))
        return stream

    # -- units ------------------------------------------------------------------------------------------

    def _unit(self, name: str) -> list[TimedProcess]:
        program = self._mapping.netlist.units[name].program
        if isinstance(program, Agcu):
            return [self._agcu(name, program)] if program.kind is not AgcuKind.OFF else []
        if isinstance(program, Pcu):
            return [self._process(name, writes=False, depth=pipeline_depth(program, self._spec))]
        # A run's beginning is a cycle before its first beat, and a firing of its own or none.
        link = Link(program.blocks, 2 if self._turns.cycles(name) is not None else 3, 1)
        total = self._turns.total(name, RING, gives=True, writes=True)
        ring = Stream(link, total, self._turns.held[0].get(name, 0))
        self._inputs[name, RING] = self._outputs[name, RING] = ring
        return [self._process(name, writes=side) for side in (True, False) if (name, side) in self._turns.parts]

    def _process(self, name: str, *, writes: bool, depth: int = 0) -> TimedProcess:
        turns = self._turns
        takes = [
            (self._inputs[name, where], turns.flow(name, where, gives=False, writes=writes))
            for where in turns.sides(name, gives=False, writes=writes)
        ]
        gives = [
            (self._outputs[name, where], turns.flow(name, where, gives=True, writes=writes, depth=depth))
            for where in turns.sides(name, gives=True, writes=writes)
            if (name, where) in self._outputs
        ]
        firings, cycles = turns.firings(name, writes=writes), turns.cycles(name, writes=writes)
        return self._add(TimedProcess(firings, takes, gives, cycles))

    def _agcu(self, name: str, program: Agcu) -> TimedProcess:
        if program.indexed:
            raise WeftError(f"{name!r} must not access by index to be timed, because its addresses are in the data")
        load = program.kind is AgcuKind.LOAD
        counts = self._turns.each(name, _VECTOR, gives=load)
        total, running = sum(counts), None
        if load:
            moved = Stream(_AT_ONCE, total)
            gives = [(self._outputs[name, _VECTOR], Flow.each(total))] if (name, _VECTOR) in self._outputs else []
            process = self._add(TimedProcess(total, [(moved, Flow.each(total))], gives))
        else:
            moved = self._inputs[name, _VECTOR]
            works = [count for turn, count in zip(self._numbers, counts, strict=True) if program.works_in(turn)]
            running = Stream(_AT_ONCE, len(works))
            turn_of = np.repeat(np.arange(1, len(works) + 1), works)
            waits = Flow.of(turn_of, np.zeros(total, np.int64))
            process = self._add(TimedProcess(total, [(moved, Flow.each(total)), (running, waits)], []))
        setup = AgcuSetup(
            program,
            self._arguments,
            self._numbers,
            counts,
            process,
            moved,
            running,
            token=self._inputs.get((name, (Network.CONTROL, 0))),
            emitted=self._outputs.get((name, (Network.SCALAR, 0))),
            done=self._outputs.get((name, (Network.CONTROL, 0))),
            spec=self._spec,
            memory=self._memory,
        )
        self.timers[name] = _TIMERS[program.kind](setup)
        return process
