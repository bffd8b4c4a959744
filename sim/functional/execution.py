"""One turn of a launch of the functional device: a Kahn network whose units run once each, on whole streams."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Container, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.compiler.backend.image import DecodedImage
from weft.compiler.netlist.netlist import Net, Program
from weft.hw.program import Agcu, AgcuKind, Pcu, Pmu
from weft.hw.program.firings.pmu_read import trigger_of
from weft.hw.program.firings.pmu_write import write_port
from weft.hw.program.firings.process import Where
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile
from weft.sim.device import Beats, DeviceError, HangError, Launch
from weft.sim.functional.agcu import AgcuResult, run_agcu, told_at_the_beginning
from weft.sim.functional.pcu import run_pcu
from weft.sim.functional.pmu import PmuResult, PmuState, run_pmu
from weft.sim.functional.waits import describe, leftovers, pcu_waits

__all__ = ["Circuit", "Execution"]


@dataclass(frozen=True)
class Circuit:
    """What a context holds: programs and tiles by unit, the net of each output, the source of each input."""

    programs: dict[str, Program]
    tiles: dict[str, Tile]
    nets: dict[tuple[Network, str], Net]
    sources: dict[str, dict[Where, str]]

    @property
    def turns(self) -> int:
        """Turns of a round."""
        return max([1, *(each.turns for each in self.agcus.values())])

    @property
    def agcus(self) -> dict[str, Agcu]:
        """Programs of the AGCUs."""
        return {unit: each for unit, each in self.programs.items() if isinstance(each, Agcu)}

    @property
    def agcu_tiles(self) -> list[Tile]:
        """Where they are."""
        return [self.tiles[unit] for unit in self.agcus]

    def rounds(self, arguments: dict[int, int]) -> int:
        """Rounds of a launch with these arguments."""
        return max([1, *(each.rounds(arguments) for each in self.agcus.values())])

    @classmethod
    def of(cls, decoded: DecodedImage) -> Circuit:
        """The circuit of an image."""
        netlist = decoded.netlist
        programs = {name: unit.program for name, unit in netlist.units.items()}
        sources: dict[str, dict[Where, str]] = {name: {} for name in programs}
        for net in netlist.nets:
            for target in net.targets:
                sources[target.unit][net.network, target.port] = net.source.unit
        nets = {(net.network, net.source.unit): net for net in netlist.nets}
        return cls(programs, decoded.mapping.tiles, nets, sources)


@dataclass
class Execution:
    """A turn of a launch under way. ``memory``, what each AGCU reaches, and ``states`` change as it goes."""

    spec: FabricSpec
    circuit: Circuit
    memory: Mapping[Tile, NDArray[np.uint8]]
    arguments: dict[int, int]
    states: dict[Tile, PmuState]
    turn: int = 0
    turn_round: int = 0
    watched: dict[tuple[Tile, Network], Beats] | None = None
    _inputs: dict[str, dict[Where, Beats]] = field(init=False)
    _missing: Counter[str] = field(init=False)
    _ready: deque[str] = field(init=False)
    _read: dict[str, PmuResult] = field(default_factory=dict, init=False)
    _waits: list[str] = field(default_factory=list, init=False)
    _refused: list[str] = field(default_factory=list, init=False)
    _buffers: dict[Tile, Beats] = field(default_factory=dict, init=False)
    _bytes: dict[Tile, tuple[int, int]] = field(default_factory=dict, init=False)

    def run(self) -> Launch:
        """Run every unit as soon as all its input streams are there.

        Raises
        ------
        DeviceError
            See :meth:`weft.sim.functional.device.FunctionalDevice.launch`.
        """
        sources = self.circuit.sources
        self._inputs = {unit: {} for unit in sources}
        self._missing = Counter({unit: len(ports) for unit, ports in sources.items()})
        self._ready = deque(unit for unit, missing in self._missing.items() if not missing)
        waiting = dict.fromkeys(sources)
        for unit, program in self.circuit.agcus.items():
            if program.tells_next:
                token = told_at_the_beginning(program, self.arguments, self.turn, self.turn_round)
                self._send(unit, Network.CONTROL, token)
        while True:
            while self._ready:
                unit = self._ready.popleft()
                del waiting[unit]
                try:
                    self._run(unit, self.circuit.programs[unit])
                except (DeviceError, ValueError) as error:  # ValueError: a row of a PCU beyond acc_depth
                    raise DeviceError(f"{unit}: {error}") from error
            if not waiting or not self._read_ahead(waiting):
                break
        for unit in waiting:
            self._waits += self._unfinished(unit, waiting)
        if self._refused:
            raise DeviceError(f"{', '.join(self._refused)} was refused an access outside its segment")
        if self._waits:
            raise HangError("launch hangs: " + ";\n".join(self._waits))
        return Launch(buffers=self._buffers, bytes_by_tile=self._bytes)

    def _send(self, unit: str, network: Network, beats: Beats | None) -> None:
        if self.watched is not None and beats is not None:
            self.watched[self.circuit.tiles[unit], network] = beats
        net = self.circuit.nets.get((network, unit))
        if net is None:
            if beats is not None and len(beats.stop):
                self._waits.append(f"{unit} sends {len(beats.stop)} {network.value} beats to nobody")
            return
        for target in net.targets:
            if beats is not None and len(beats.stop):
                self._inputs[target.unit][network, target.port] = beats
            self._missing[target.unit] -= 1
            if not self._missing[target.unit]:
                self._ready.append(target.unit)

    def _send_all(self, unit: str, vector: Beats | None, scalar: Beats | None, control: Beats | None = None) -> None:
        self._send(unit, Network.VECTOR, vector)
        self._send(unit, Network.SCALAR, scalar)
        self._send(unit, Network.CONTROL, control)

    def _took(self, unit: str, taken: Mapping[Where, int]) -> list[str]:
        lines = leftovers(unit, self._inputs[unit], taken, self.circuit.sources[unit])
        self._waits += lines
        return lines

    def _run(self, unit: str, program: Program) -> None:
        if isinstance(program, Pcu):
            self._pcu(unit, program)
        elif isinstance(program, Pmu):
            self._pmu(unit, program)
        else:
            self._agcu(unit, program)

    # -- units ------------------------------------------------------------------------------------------

    def _pcu(self, unit: str, program: Pcu) -> None:
        given = self._inputs[unit]
        result = run_pcu(self.spec, program, given)
        if self._took(unit, result.taken):
            starved = pcu_waits(program, given, result.taken)
            self._waits += [describe(unit, where, self.circuit.sources[unit]) for where in starved]
        self._send_all(unit, result.vector, result.scalar)

    def _agcu(self, unit: str, program: Agcu) -> None:
        given, tile = self._inputs[unit], self.circuit.tiles[unit]
        vector = given.get((Network.VECTOR, 0))
        if vector is not None and program.kind in (AgcuKind.STORE, AgcuKind.SINK):
            self._buffers[tile] = vector
        result = run_agcu(
            self.spec,
            program,
            self.memory[tile],
            self.arguments,
            turn=self.turn,
            turn_round=self.turn_round,
            vector=vector,
            scalar=given.get((Network.SCALAR, 0)),
            control=given.get((Network.CONTROL, 0)),
        )
        if result.waits:
            self._waits += [describe(unit, where, self.circuit.sources[unit]) for where in result.waits]
            self._send_agcu(unit, program, AgcuResult())
            return
        if result.violation:
            self._refused.append(unit)
        self._bytes[tile] = result.bytes_read, result.bytes_written
        self._took(unit, result.taken)
        self._send_agcu(unit, program, result)

    def _send_agcu(self, unit: str, program: Agcu, result: AgcuResult) -> None:
        self._send(unit, Network.VECTOR, result.vector)
        self._send(unit, Network.SCALAR, result.scalar)
        if not program.tells_next:  # else it was sent before
            self._send(unit, Network.CONTROL, result.control)

    def _pmu(self, unit: str, program: Pmu) -> None:
        given, tile = self._inputs[unit], self.circuit.tiles[unit]
        ahead = self._read.get(unit)
        result = run_pmu(
            self.spec,
            program,
            vector=given.get((Network.VECTOR, 0)),
            scalar=given.get((Network.SCALAR, 0)),
            address=None if ahead else given.get((Network.SCALAR, 1)),
            control=None if ahead else given.get((Network.CONTROL, 0)),
            state=self.states.get(tile),
        )
        self.states[tile] = result.state
        taken: dict[Where, int] = {}
        if (trigger := trigger_of(program)) is not None:
            taken[trigger] = (ahead or result).taken
        if (port := write_port(program)) is not None:
            self._buffers[tile] = result.written
            taken[port] = len(result.written.stop)
        self._took(unit, taken)
        held = len(result.state.kept) + (len(result.state.partial) > 0)
        if held > program.blocks:
            self._waits.append(f"{unit} has room for {program.blocks} blocks but is left with {held}")
        if not ahead:
            self._send_all(unit, result.vector, result.scalar, result.control)

    # -- circles ----------------------------------------------------------------------------------------

    def _read_ahead(self, waiting: dict[str, None]) -> bool:
        """Run the read side of PMUs whose trigger is complete and whose blocks suffice for it; whether there was one.

        Whatever is written later then cannot change what they send.
        """
        found = False
        for unit in waiting:
            program, tile = self.circuit.programs[unit], self.circuit.tiles[unit]
            where = trigger_of(program) if isinstance(program, Pmu) else None
            if unit in self._read or where is None or not isinstance(program, Pmu):
                continue
            source = self.circuit.sources[unit].get(where)
            if source in waiting and source not in self._read:
                continue
            beats = self._inputs[unit].get(where)
            address, control = (beats, None) if program.trigger.by_scalar else (None, beats)
            try:
                result = run_pmu(
                    self.spec,
                    program,
                    vector=None,
                    scalar=None,
                    address=address,
                    control=control,
                    state=self.states.get(tile),
                )
            except DeviceError as error:
                raise DeviceError(f"{unit}: {error}") from None
            if result.taken == (0 if beats is None else len(beats.stop)):
                found = True
                self._read[unit], self.states[tile] = result, result.state
                self._send_all(unit, result.vector, result.scalar, result.control)
        return found

    def _unfinished(self, unit: str, waiting: Container[str]) -> list[str]:
        """What a unit that never ran waits for."""
        sources = self.circuit.sources[unit]
        return [
            describe(unit, where, sources)
            for where, source in sources.items()
            if source in waiting and where not in self._inputs[unit] and source not in self._read
        ]
