"""A netlist laid out on a fabric: which tile holds each unit, and which switch settings carry each net."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from weft.compiler.errors import WeftError
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.compiler.netlist.program_json import program_from_json, program_to_json
from weft.hw.program import Switch, switch_program
from weft.hw.spec import FabricSpec
from weft.hw.topology import Direction, Network, Tile, Topology, tracks

__all__ = ["FitError", "Hop", "Mapping", "Route", "link_input", "switch_pin"]


class FitError(WeftError):
    """A netlist that a fabric has no room for; the sentence says what is missing and what would be enough.

    ``changes`` are the fields of the spec to replace, and their values; empty where no change of the spec helps.
    """

    def __init__(self, missing: str, changes: dict[str, int] | None = None) -> None:
        self.missing = missing
        self.changes = dict(changes or {})
        advice = " and ".join(f"{field}={value}" for field, value in self.changes.items())
        super().__init__(f"{missing}: set {advice}" if advice else missing)


@dataclass(frozen=True, order=True)
class Hop:
    """One setting of one switch: ``output`` sends what comes in at ``input``, see ``weft.hw.program.switch``."""

    tile: Tile
    output: int
    input: int


@dataclass(frozen=True)
class Route:
    """The multicast tree of a net: its hops from the source outwards, each after the hop that feeds it."""

    net: Net
    hops: tuple[Hop, ...]


def switch_pin(spec: FabricSpec, network: Network, port: int) -> int:
    """Number at the switch of a unit's port: those of the links come first."""
    return len(Direction) * tracks(spec, network) + port


def link_input(spec: FabricSpec, network: Network, tile: Tile, output: int) -> tuple[Tile, int]:
    """Where a switch output that is a link arrives: the neighbouring tile and the number of its switch's input."""
    count = tracks(spec, network)
    direction = list(Direction)[output // count]
    rows, columns = direction.value
    return Tile(tile.row + rows, tile.column + columns), direction.opposite.number * count + output % count


@dataclass(frozen=True)
class Mapping:
    """A netlist on a fabric.

    Parameters
    ----------
    spec
        The fabric.
    netlist
        Units and nets.
    tiles
        The tile of each unit, by the unit's name.
    routes
        A route for each net, in the order of the netlist.
    """

    spec: FabricSpec
    netlist: Netlist
    tiles: dict[str, Tile]
    routes: tuple[Route, ...]

    @cached_property
    def units(self) -> dict[Tile, Unit]:
        """The unit in each tile that holds one."""
        return {tile: self.netlist.units[name] for name, tile in self.tiles.items()}

    @cached_property
    def switches(self) -> dict[Tile, Switch]:
        """The switch program of every tile of the fabric.

        Raises
        ------
        ValueError
            Two routes that set one output of one switch.
        """
        settings: dict[Tile, dict[str, int]] = {}
        for route in self.routes:
            for hop in route.hops:
                fields = settings.setdefault(hop.tile, {})
                field = Switch.field(route.net.network, hop.output)
                if field in fields:
                    raise ValueError(f"switch output {field} of tile {hop.tile} is set by two routes")
                fields[field] = hop.input + 1
        return {
            # A frozen pydantic model is hashable, which pyright cannot know.
            tile: switch_program(self.spec, kind)(**settings.get(tile, {}))  # pyright: ignore[reportArgumentType]
            for tile, kind in Topology(self.spec).tiles.items()
        }

    # -- text -------------------------------------------------------------------------------------------

    def to_json(self) -> str:
        """This mapping as JSON text, the same for equal mappings; :meth:`from_json` reads it back equal."""
        units = [_unit_to_json(unit, self.tiles[name]) for name, unit in self.netlist.units.items()]
        routes = [_route_to_json(route) for route in self.routes]
        fabric = self.spec.model_dump(mode="json")
        lines = [
            f'{{"fabric": {json.dumps(fabric)},',
            '"units": [',
            ",\n".join(json.dumps(unit) for unit in units),
            "],",
            '"nets": [',
            ",\n".join(json.dumps(route) for route in routes),
            "]}",
        ]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Mapping:
        """The mapping in JSON text.

        Raises
        ------
        WeftError
            Text that is no mapping.
        """
        try:
            content: dict[str, Any] = json.loads(text)
            spec = FabricSpec.make(**content["fabric"])
            units = [_unit_from_json(unit) for unit in content["units"]]
            routes = tuple(_route_from_json(route) for route in content["nets"])
        except (ValueError, KeyError, TypeError, IndexError) as error:
            raise WeftError(f"mapping must be JSON as Weft writes it, but {error!r}") from None
        netlist = Netlist({unit.name: unit for unit, _ in units}, tuple(route.net for route in routes))
        return cls(spec, netlist, {unit.name: tile for unit, tile in units}, routes)


def _unit_to_json(unit: Unit, tile: Tile) -> dict[str, Any]:
    fields: dict[str, Any] = {"name": unit.name, "kind": unit.kind.value, "tile": [tile.row, tile.column]}
    if unit.tile is not None:
        fields["pinned"] = [unit.tile.row, unit.tile.column]
    if unit.channel is not None:
        fields["channel"] = unit.channel
    return {**fields, "program": program_to_json(unit.program)}


def _unit_from_json(fields: dict[str, Any]) -> tuple[Unit, Tile]:
    pinned = Tile(*fields["pinned"]) if "pinned" in fields else None
    program = program_from_json(fields["kind"], fields["program"])
    return Unit(fields["name"], program, pinned, fields.get("channel")), Tile(*fields["tile"])


def _route_to_json(route: Route) -> dict[str, Any]:
    net = route.net
    return {
        "network": net.network.value,
        "source": [net.source.unit, net.source.port],
        "targets": [[pin.unit, pin.port] for pin in net.targets],
        "hops": [[hop.tile.row, hop.tile.column, hop.output, hop.input] for hop in route.hops],
    }


def _route_from_json(fields: dict[str, Any]) -> Route:
    net = Net(Network(fields["network"]), Pin(*fields["source"]), tuple(Pin(*pin) for pin in fields["targets"]))
    return Route(net, tuple(Hop(Tile(row, column), output, input) for row, column, output, input in fields["hops"]))
