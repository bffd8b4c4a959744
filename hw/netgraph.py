"""The graph of a fabric read back from its Verilog, to compare with the one it was made from.

What a netlist is told by name proves nothing; here only the pins of tile instances and the nets between them count.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from hw.fabric import instance_name, tile_module
from hw.topology import NETWORKS, Direction, Link, Tile, TileKind

__all__ = ["NetGraph", "NetlistError", "read_netlist"]

_INSTANCE = re.compile(r"^  (weft_tile_\w+) (tile_(\d+)_(\d+)) \(\n(.*?)\n  \);", re.MULTILINE | re.DOTALL)
_PIN = re.compile(r"^    \.(\S+)\((.*)\),?$", re.MULTILINE)
_ALIAS = re.compile(r"^  assign (\S+) +=\s*(\S+) ?;$", re.MULTILINE)
_CONSTANT = re.compile(r"\d+'\w+")
_LINK = re.compile(
    f"({'|'.join(n.value for n in NETWORKS)})_({'|'.join(d.name.lower() for d in Direction)})_(in|out)"
    r"__(\d+)__(payload|valid|ready)"
)


class NetlistError(ValueError):
    """A netlist that is not a fabric: a wire that leads nowhere, to too many pins, or to the wrong kind of pin."""


@dataclass(frozen=True)
class NetGraph:
    """What the netlist shows.

    ``tiles``
        The kind of each, from its module.
    ``numbers``
        The identifier each is tied to.
    ``links``
        Those of which payload, valid and ready all connect the same two ports.
    """

    tiles: dict[Tile, TileKind]
    numbers: dict[Tile, int]
    links: frozenset[Link]


@dataclass(frozen=True)
class _Pin:
    tile: Tile
    link: Link
    """The link as counted by the tile whose pin it is: for an input, the link that would lead back."""
    out: bool
    wire: str


def read_netlist(text: str) -> NetGraph:
    """The graph in the Verilog of a fabric or chip made with tiles as instances.

    Raises
    ------
    NetlistError
        A net of a link does not join exactly one sending and one receiving port, or a pin at the edge is not tied.
    """
    nets = dict(_ALIAS.findall(text))
    tiles: dict[Tile, TileKind] = {}
    numbers: dict[Tile, int] = {}
    ends: defaultdict[str, list[_Pin]] = defaultdict(list)
    for module, name, row, column, body in _INSTANCE.findall(text):
        tile = Tile(int(row), int(column))
        if name != instance_name(tile) or tile in tiles:
            raise NetlistError(f"tile instances must have one name each, not twice {name}")
        tiles[tile] = next(kind for kind in TileKind if tile_module(kind) == module)
        for port, expression in _PIN.findall(body):
            net = _resolve(expression.strip(), nets)
            if port == "tile":
                numbers[tile] = _constant(net)
            elif found := _LINK.fullmatch(port):
                pin = _pin(tile, *found.groups())
                if _CONSTANT.fullmatch(net):
                    if _constant(net):
                        raise NetlistError(f"{name}.{port} must be tied to 0 where there is no neighbour, not {net}")
                else:
                    ends[net].append(pin)
    return NetGraph(tiles=tiles, numbers=numbers, links=_links(ends))


def _resolve(net: str, aliases: dict[str, str]) -> str:
    while net in aliases:
        net = aliases[net]
    return net


def _constant(net: str) -> int:
    found = re.fullmatch(r"\d+'([hdb])(\w+)", net)
    if found is None:
        raise NetlistError(f"a tile's number must be a constant, not {net}")
    return int(found[2], {"h": 16, "d": 10, "b": 2}[found[1]])


def _pin(tile: Tile, network: str, direction: str, side: str, track: str, wire: str) -> _Pin:
    link = Link(next(n for n in NETWORKS if n.value == network), tile, Direction[direction.upper()], int(track))
    return _Pin(tile, link, side == "out", wire)


def _links(ends: dict[str, list[_Pin]]) -> frozenset[Link]:
    wires: defaultdict[Link, set[str]] = defaultdict(set)
    for net, pins in ends.items():
        if len(pins) == 1 and not (pins[0].out ^ (pins[0].wire == "ready")):
            raise NetlistError(f"{net} must be driven by a tile, but only {pins[0]} is on it")
        if len(pins) == 1:
            continue  # an output at the edge
        sender = next((pin for pin in pins if pin.out), None)
        receiver = next((pin for pin in pins if not pin.out), None)
        if len(pins) != 2 or sender is None or receiver is None or sender.wire != receiver.wire:
            raise NetlistError(f"{net} must join one output and one input by the same wire, not {pins}")
        link, back = sender.link, receiver.link
        expected = Link(link.network, link.target, link.direction.opposite, link.track)
        if back != expected:
            raise NetlistError(f"{net} must lead from {link} to the port that leads back, not to that of {back}")
        wires[link].add(sender.wire)
    for link, found in wires.items():
        if found != {"payload", "valid", "ready"}:
            raise NetlistError(f"{link} must have payload, valid and ready, not only {sorted(found)}")
    return frozenset(wires)
