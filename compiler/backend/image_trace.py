"""From switch settings back to nets: follows each stream from the output of a unit through the switches."""

from __future__ import annotations

from collections.abc import Iterator

from weft.compiler.backend.mapping import Hop, Route, link_input, switch_pin
from weft.compiler.errors import WeftError
from weft.compiler.netlist.netlist import Net, Pin
from weft.hw.program import Switch
from weft.hw.spec import FabricSpec
from weft.hw.topology import NETWORKS, Direction, Network, Tile, Topology, switch_ports, tracks, unit_ports

__all__ = ["ImageError", "trace_routes", "unit_name"]


class ImageError(WeftError):
    """A configuration image that must not be loaded; one sentence says why."""


def unit_name(topology: Topology, tile: Tile) -> str:
    """What the unit in a tile is called when no better name is known."""
    return f"{topology.tiles[tile].value}({tile.row},{tile.column})"


def trace_routes(spec: FabricSpec, switches: dict[Tile, Switch]) -> tuple[Route, ...]:
    """The routes that switch settings make, by network, then source tile by tile.

    Raises
    ------
    ImageError
        An output that sends an input the switch does not have, or back where it came from; a stream that leads
        nowhere, comes from nowhere or runs in a circle.
    """
    return tuple(route for network in NETWORKS for route in _Tracer(spec, network, switches).routes())


class _Tracer:
    """One network: the outputs that send each input of each switch, and those that a traced stream has passed."""

    def __init__(self, spec: FabricSpec, network: Network, switches: dict[Tile, Switch]) -> None:
        self.spec, self.network, self.topology = spec, network, Topology(spec)
        self.links = len(Direction) * tracks(spec, network)
        self.outputs: dict[tuple[Tile, int], list[int]] = {}
        self.inputs: dict[tuple[Tile, int], int] = {}
        for tile, switch in switches.items():
            for output, input in self._settings(tile, switch):
                self._check_setting(tile, output, input)
                self.outputs.setdefault((tile, input), []).append(output)
                self.inputs[tile, output] = input
        self.passed: set[tuple[Tile, int]] = set()

    def _settings(self, tile: Tile, switch: Switch) -> Iterator[tuple[int, int]]:
        _, outputs = switch_ports(self.spec, self.topology.tiles[tile], self.network)
        for output in range(outputs):
            value = int(getattr(switch, Switch.field(self.network, output)))
            if value:
                yield output, value - 1

    def _check_setting(self, tile: Tile, output: int, input: int) -> None:
        inputs, _ = switch_ports(self.spec, self.topology.tiles[tile], self.network)
        where = f"{self.network.value} output {output} of the switch in tile {tile}"
        if input >= inputs:
            raise ImageError(f"{where} must send one of {inputs} inputs, not input {input}")
        count = tracks(self.spec, self.network)
        if output < self.links and input < self.links and output // count == input // count:
            raise ImageError(f"{where} must not send input {input}, which comes from the same neighbour")
        if output < self.links and link_input(self.spec, self.network, tile, output)[0] not in self.topology.tiles:
            raise ImageError(f"{where} must not be set, because it leads off the array")

    def routes(self) -> list[Route]:
        """All routes; every setting is part of exactly one."""
        found: list[Route] = []
        for tile, kind in self.topology.tiles.items():
            for port in range(unit_ports(self.spec, kind, self.network)[1]):
                entry = switch_pin(self.spec, self.network, port)
                if (tile, entry) in self.outputs:
                    found.append(self._route(tile, port, entry))
        for tile, output in self.inputs:
            if (tile, output) not in self.passed:
                raise self._orphan(tile, output)
        return found

    def _route(self, source: Tile, port: int, entry: int) -> Route:
        hops: list[Hop] = []
        targets: list[Pin] = []
        pending = [(source, entry)]
        while pending:
            tile, input = pending.pop(0)
            outputs = self.outputs.get((tile, input))
            if outputs is None:
                raise ImageError(f"a {self.network.value} stream leads to tile {tile}, which does not send it on")
            for output in outputs:
                hops.append(Hop(tile, output, input))
                self.passed.add((tile, output))
                if output < self.links:
                    pending.append(link_input(self.spec, self.network, tile, output))
                else:
                    targets.append(Pin(unit_name(self.topology, tile), output - self.links))
        net = Net(self.network, Pin(unit_name(self.topology, source), port), tuple(targets))
        return Route(net, tuple(hops))

    def _orphan(self, tile: Tile, output: int) -> ImageError:
        """Why a setting is part of no route: follow its stream against its direction."""
        seen: set[tuple[Tile, int]] = set()
        while (tile, output) in self.inputs and (tile, output) not in seen:
            seen.add((tile, output))
            tile, output = link_input(self.spec, self.network, tile, self.inputs[tile, output])
        if (tile, output) in seen:
            return ImageError(f"a {self.network.value} stream runs in a circle through tile {tile}")
        return ImageError(f"a {self.network.value} stream comes from tile {tile}, which does not send it")
