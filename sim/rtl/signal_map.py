"""Where the waves of a chip show what a program does: names of units, links and channels to signals in the FST.

Tiles are compiled on their own, and of them waves show only the ports. These are all links, and so every stream between
units and what holds it up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from amaranth.lib import wiring

from weft.compiler.backend.data_order import data_order
from weft.compiler.backend.mapping import Hop, link_input, switch_pin
from weft.compiler.backend.mapping import Mapping as Placed
from weft.hw.chip.shell import outer_members
from weft.hw.fabric import instance_name
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_layout
from weft.hw.tile.tile import link_name
from weft.hw.topology import NETWORKS, Direction, Link, Network, Topology, tracks
from weft.hw.verilog_ports import verilog_ports

__all__ = ["gtkwave_save", "signal_map"]

_BENCH = "weft_tb"
_FABRIC = f"{_BENCH}.chip.fabric"
# How GTKWave shows the lines that follow: bits of its trace flags.
_BINARY, _HEXADECIMAL, _COMMENT, _BEGIN, _END = "@28", "@22", "@200", "@c00200", "@1401200"


def signal_map(spec: FabricSpec, programs: Mapping[str, Placed]) -> dict[str, Any]:
    """The map of a chip on which programs run, by their names, as a JSON value.

    ``links``
        The signals ``valid``, ``ready`` and ``payload`` of every link.
    ``payload``
        First bit and width of the fields in a network's payload.
    ``programs``
        For each unit in the order of the data: the link that feeds each input, and the links that an output feeds.
    ``nets``
        For each stream of a program: the links that it takes, outwards.
    ``ports``
        The chip's AXI4 ports: the host's and each channel's signals.
    """
    layouts = {network: beat_layout(spec, network) for network in NETWORKS}
    return {
        "clock": {"signal": f"{_BENCH}.clk", "period_ns": 10},
        "payload": {
            network.value: {str(name): [field.offset, field.width] for name, field in layout}
            for network, layout in layouts.items()
        },
        "ports": _ports(spec),
        "programs": {name: _units(mapping) for name, mapping in programs.items()},
        "nets": {name: _nets(mapping) for name, mapping in programs.items()},
        "links": {_title(link): _signals(link) for network in NETWORKS for link in Topology(spec).links(network)},
    }


def gtkwave_save(signals: dict[str, Any], waves: str) -> str:
    """A save file that opens ``waves`` in GTKWave with a closed group for every unit of the programs in a map."""
    lines = [f'[dumpfile] "{waves}"', "*-8.0 0", _BINARY, signals["clock"]["signal"]]
    for program, units in signals["programs"].items():
        lines += [_COMMENT, f"-{program}"]
        for unit, ports in units.items():
            lines += [_BEGIN, f"-{unit}"]
            for port, links in ports.items():
                for link in links:
                    network = link.split()[0]
                    top = max(first + width for first, width in signals["payload"][network].values()) - 1
                    paths = signals["links"][link]
                    lines += [_BINARY, *(f"+{{{port} {wire}}} {paths[wire]}" for wire in ("valid", "ready"))]
                    lines += [_HEXADECIMAL, f"+{{{port} payload}} {paths['payload']}[{top}:0]"]
            lines += [_END, f"-{unit}"]
    return "\n".join(lines) + "\n"


def _ports(spec: FabricSpec) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for name in verilog_ports(wiring.Signature(outer_members(spec)).create()):
        port, divider, signal = name.rpartition("__")
        if divider:
            found.setdefault(port.replace("__", " "), {})[signal] = f"{_BENCH}.{name}"
    return found


def _title(link: Link) -> str:
    return f"{link.network.value} {link.source} to {link.target} track {link.track}"


def _signals(link: Link) -> dict[str, str]:
    port = f"{_FABRIC}.{instance_name(link.source)}.{link_name(link.network, link.direction, out=True)}__{link.track}"
    return {wire: f"{port}__{wire}" for wire in ("valid", "ready", "payload")}


def _units(mapping: Placed) -> dict[str, dict[str, list[str]]]:
    spec = mapping.spec
    ports: dict[str, dict[str, list[str]]] = {unit: {} for unit in data_order(mapping.netlist)}
    for route in mapping.routes:
        network, source = route.net.network, route.net.source
        own = switch_pin(spec, network, source.port)
        sent = [hop for hop in route.hops if hop.tile == mapping.tiles[source.unit] and hop.input == own]
        ports[source.unit][f"{network.value} out {source.port}"] = [
            _title(link) for hop in sent if (link := _behind(spec, network, hop))
        ]
        for pin in route.net.targets:
            own = switch_pin(spec, network, pin.port)
            taken = [hop for hop in route.hops if hop.tile == mapping.tiles[pin.unit] and hop.output == own]
            ports[pin.unit][f"{network.value} in {pin.port} from {source.unit}"] = [
                _title(link) for hop in taken if (link := _before(spec, network, hop))
            ]
    return {
        f"{mapping.netlist.units[unit].kind.value} {mapping.tiles[unit]} {unit}": dict(sorted(found.items()))
        for unit, found in ports.items()
    }


def _nets(mapping: Placed) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for route in mapping.routes:
        network, source = route.net.network, route.net.source
        name = f"{network.value} {source.unit} to {', '.join(pin.unit for pin in route.net.targets)}"
        links = (_behind(mapping.spec, network, hop) for hop in route.hops)
        found[name] = [_title(link) for link in links if link]
    return found


def _behind(spec: FabricSpec, network: Network, hop: Hop) -> Link | None:
    """The link that a hop sends into, unless it sends into the unit."""
    direction, track = divmod(hop.output, tracks(spec, network))
    return Link(network, hop.tile, list(Direction)[direction], track) if direction < len(Direction) else None


def _before(spec: FabricSpec, network: Network, hop: Hop) -> Link | None:
    """The link that a hop takes from, unless it takes from the unit."""
    side, track = divmod(hop.input, tracks(spec, network))
    if side >= len(Direction):
        return None
    source, _ = link_input(spec, network, hop.tile, hop.input)
    return Link(network, source, list(Direction)[side].opposite, track)
