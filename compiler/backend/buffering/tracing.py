"""From a netlist and a launch's arguments to the network of its processes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from weft.compiler.backend.buffering.network import Channel, ProcessNetwork
from weft.compiler.backend.buffering.selectors import SELECTOR, with_selectors
from weft.compiler.netlist.netlist import Netlist, Pin
from weft.hw.program import Agcu, Pcu, Pmu, Port, Trigger
from weft.hw.program.firings.agcu import turn_of
from weft.hw.program.firings.header import inputs_of
from weft.hw.program.firings.links import exit_of, sure_capacity
from weft.hw.program.firings.pcu import firings_of
from weft.hw.program.firings.pmu_read import read_of, trigger_of
from weft.hw.program.firings.pmu_write import Blocks, write_port, written_of
from weft.hw.program.firings.process import RING, Process, Side, Where
from weft.hw.program.firings.stream import NOTHING, Shape
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network

__all__ = ["Traced", "network_of", "trace"]

_TOKEN = Shape.of(np.zeros(1, np.uint8))


@dataclass(frozen=True)
class Traced:
    """The network of a turn of a launch, or why there is none.

    ``endless`` says why even endless buffers would not help it to its end: a unit waits for beats that nobody sends, or
    beats are left over. ``unjudged`` says what data decide: counts are then not known, or only as examples, and that it
    comes to no end says nothing.
    """

    network: ProcessNetwork | None
    endless: str = ""
    unjudged: str = ""


def trace(
    netlist: Netlist,
    spec: FabricSpec,
    arguments: Mapping[int, int],
    turn: int = 0,
    turn_round: int = 0,
    *,
    other_first: bool = False,
) -> Traced:
    """Trace one turn of a round of a launch; ``arguments`` hold sizes as they are in this round.

    Of a merge whose selectors are data, all blocks of input 0 are taken to come before those of input 1, with
    ``other_first`` after them: the two cases that need most room.
    """
    tracing = _Tracing(netlist, spec, arguments, turn, turn_round, other_first=other_first)
    network = tracing.run()
    ends = network is not None or tracing.unjudged
    return Traced(network, "" if ends else tracing.reason, tracing.unjudged)


def network_of(
    netlist: Netlist, spec: FabricSpec, arguments: Mapping[int, int], turn: int = 0, turn_round: int = 0
) -> ProcessNetwork | None:
    """The network of :func:`trace`, or None where it never ends or data decide."""
    traced = trace(netlist, spec, arguments, turn, turn_round)
    return None if traced.unjudged else traced.network


def _reads_a_length(program: Pmu) -> bool:
    """Whether how many beats it sends is a number in a stream."""
    return program.read is not Port.OFF and program.trigger is Trigger.LENGTH


class _Tracing:
    """Runs each unit once, on whole streams, as soon as all its inputs are known (Kahn 1974)."""

    def __init__(
        self,
        netlist: Netlist,
        spec: FabricSpec,
        arguments: Mapping[int, int],
        turn: int,
        turn_round: int,
        *,
        other_first: bool,
    ) -> None:
        self.netlist, self.spec, self.arguments = netlist, spec, arguments
        self.turn, self.turn_round = turn, turn_round
        self.nets = {(net.network, net.source.unit): net for net in netlist.nets}
        self.given: dict[str, dict[Where, Shape]] = {name: {} for name in netlist.units}
        self.missing: dict[str, set[Where]] = {name: set() for name in netlist.units}
        for net in netlist.nets:
            for pin in net.targets:
                self.missing[pin.unit].add((net.network, pin.port))
        self.result = ProcessNetwork()
        self.taker: dict[tuple[str, Where], int] = {}
        self.giver: dict[tuple[str, Where], int] = {}
        self.held: dict[str, int] = {}
        self.other_first = other_first
        self.unjudged, self.reason = "", ""

    def run(self) -> ProcessNetwork | None:
        waiting = dict.fromkeys(self.netlist.units)
        for name, unit in self.netlist.units.items():
            if isinstance(unit.program, Agcu) and unit.program.tells_next:
                tells = unit.program.tells_in(self.turn, self.turn_round)
                self._send(name, {Network.CONTROL: _TOKEN} if tells else {}, [Network.CONTROL])
        while waiting:
            ready = [name for name in waiting if not self.missing[name]]
            for name in ready:
                del waiting[name]
                if not self._unit(name):
                    self.reason = self.reason or f"{self.netlist.units[name]} waits for beats that nobody sends"
                    return None
            if not ready and not self._read_ahead(waiting):
                names = ", ".join(str(self.netlist.units[name]) for name in list(waiting)[:4])
                self.reason = f"{names} wait for each other"
                return None
        return self._joined()

    def _unit(self, name: str) -> bool:
        unit, given = self.netlist.units[name], self.given[name]
        program = unit.program
        if isinstance(program, Pmu):
            if _reads_a_length(program) and self._unknown(given, (Network.SCALAR, 1)):
                self.unjudged = f"how much {unit} reads is a number in a stream"
                return False
            self._pmu(name, program)
            return True
        if isinstance(program, Pcu):
            if any(where not in given for where in inputs_of(program)):
                return False
            if program.merge:
                if not unit.selectors and self._unknown(given, SELECTOR):
                    self.unjudged = f"the order in which {unit} takes its inputs is in a stream"
                given = with_selectors(program, given, unit.selectors, other_first=self.other_first)
            does = firings_of(program, given)
        else:
            does = turn_of(program, given, self.arguments, self.turn, self.turn_round, spec=self.spec)
            if does.waits:
                return False
        self._add(name, does.process)
        self._send(name, does.outputs)
        return True

    def _unknown(self, given: Mapping[Where, Shape], where: Where) -> bool:
        """Whether data decide what a stream carries."""
        return where in given and given[where].value is None and not given[where].void.all()

    def _pmu(self, name: str, program: Pmu) -> None:
        given, port = self.given[name], write_port(program)
        blocks = None
        if port is not None:
            beats = given.get(port, NOTHING)
            ended = int((beats.stop >= program.write_rank).sum())  # in each of the turns before, too
            written = written_of(program, beats, number=self.turn * ended)
            self._add(name, written.process(self.held.get(name, 0)))
            blocks = written.blocks
            if program.by_length:
                self.result.longest[name] = int(blocks.kept.max(initial=0))
        if program.read is not Port.OFF and name not in self.held:
            self._read(name, program, blocks)

    def _read(self, name: str, program: Pmu, blocks: Blocks | None) -> None:
        where = trigger_of(program)
        trigger = None if where is None else self.given[name].get(where, NOTHING)
        read = read_of(program, blocks, trigger, lanes=self.spec.lanes)
        if blocks is None:
            self.held[name] = read.needed
        self._add(name, read.process)
        self._send(name, read.outputs)

    def _read_ahead(self, waiting: Mapping[str, None]) -> bool:
        """Read what turns or launches before have left, in PMUs that something read from them will fill again."""
        found = False
        for name in waiting:
            program = self.netlist.units[name].program
            if not isinstance(program, Pmu) or program.trigger is Trigger.BLOCK or name in self.held:
                continue
            if _reads_a_length(program):
                continue
            if trigger_of(program) not in self.missing[name]:
                self._read(name, program, None)
                found = True
        return found

    def _add(self, name: str, process: Process) -> None:
        number = len(self.result.processes)
        self.result.processes.append(process)
        self.result.units.append(self.netlist.units[name])
        for side in process.takes:
            self.taker[name, side.where] = number
        for side in process.gives:
            self.giver[name, side.where] = number

    def _send(self, name: str, outputs: Mapping[Network, Shape], networks: Iterable[Network] = Network) -> None:
        for network in networks:
            net = self.nets.get((network, name))
            for pin in net.targets if net is not None else ():
                where = network, pin.port
                self.missing[pin.unit].discard(where)
                if network in outputs:
                    self.given[pin.unit][where] = outputs[network]

    # -- channels ---------------------------------------------------------------------------------------

    def _joined(self) -> ProcessNetwork | None:
        """The channels; None if beats are left over."""
        result = self.result
        result.takes.extend([] for _ in result.processes)
        result.gives.extend([] for _ in result.processes)
        for net in self.netlist.nets:
            where, sender = (net.network, 0), self.netlist.units[net.source.unit]
            source = self.giver.get((net.source.unit, where))
            capacity = sure_capacity(exit_of(sender.program, net.network, self.spec), len(net.targets), self.spec)
            for pin in net.targets:
                target = self.taker.get((pin.unit, (net.network, pin.port)))
                sent = self._total(source, where, gives=True)
                taken = self._total(target, (net.network, pin.port), gives=False)
                if sent != taken:
                    self.reason = (
                        f"{sender} sends {sent} beats to {net.network.value} input {pin.port} of "
                        f"{self.netlist.units[pin.unit]}, which takes {taken}"
                    )
                    return None
                if source is not None and target is not None:
                    self._join(Channel(source, target, net, pin, capacity), where, (net.network, pin.port))
        for name, unit in self.netlist.units.items():
            writer, reader = self.giver.get((name, RING)), self.taker.get((name, RING))
            if writer is not None and reader is not None and isinstance(unit.program, Pmu):
                held = self.held.get(name, 0)
                self._join(Channel(writer, reader, None, Pin(name), unit.program.blocks, held), RING, RING)
        return result

    def _side(self, number: int, where: Where, *, gives: bool) -> Side:
        process = self.result.processes[number]
        return next(side for side in (process.gives if gives else process.takes) if side.where == where)

    def _total(self, number: int | None, where: Where, *, gives: bool) -> int:
        return 0 if number is None else self._side(number, where, gives=gives).total

    def _join(self, channel: Channel, output: Where, taken: Where) -> None:
        number = len(self.result.channels)
        self.result.channels.append(channel)
        self.result.gives[channel.source].append((number, self._side(channel.source, output, gives=True)))
        self.result.takes[channel.target].append((number, self._side(channel.target, taken, gives=False)))
