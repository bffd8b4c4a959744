"""The graph of a fabric read back from its Verilog, to compare with the one it was made from.

What a wire is called proves nothing; here only the pins of tile instances and the nets between them count.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass

from weft.hw.fabric import instance_name, tile_module
from weft.hw.topology import NETWORKS, Direction, Link, Tile, TileKind

__all__ = ["NetGraph", "NetlistError", "read_netlist"]

_PORT = re.compile(r"^  (?:input|output) wire (?:\[\d+:0\] )?(\w+),?$", re.MULTILINE)
_WIRE = re.compile(r"^  wire (?:\[\d+:0\] )?(\w+);$", re.MULTILINE)
_INSTANCE = re.compile(r"^  (weft_tile_\w+) (tile_(\d+)_(\d+)) \(\n(.*?)\n  \);", re.MULTILINE | re.DOTALL)
_PIN = re.compile(r"^    \.(\w+)\((.*)\),?$", re.MULTILINE)
_CONSTANT = re.compile(r"\d+'([hd])(\w+)")
_ANSWER = re.compile(r"^    else (\w+) <=\n(.*?);\n  assign read_data = \1;$", re.MULTILINE | re.DOTALL)
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
    ``ports``
        For each port of the fabric that leads to tiles: which pins of which.
    ``answering``
        Those whose ``read_data`` is in the fabric's.
    """

    tiles: dict[Tile, TileKind]
    numbers: dict[Tile, int]
    links: frozenset[Link]
    ports: dict[str, frozenset[tuple[Tile, str]]]
    answering: frozenset[Tile]


@dataclass(frozen=True)
class _Pin:
    tile: Tile
    name: str

    @property
    def link(self) -> Link | None:
        """The link as counted by the tile whose pin it is: for an input, the link that would lead back."""
        found = _LINK.fullmatch(self.name)
        if found is None:
            return None
        network = next(each for each in NETWORKS if each.value == found[1])
        return Link(network, self.tile, Direction[found[2].upper()], int(found[4]))

    @property
    def out(self) -> bool:
        """The stream leaves the tile here."""
        found = _LINK.fullmatch(self.name)
        return found is not None and found[3] == "out"

    @property
    def wire(self) -> str:
        """Which of the wires of a stream."""
        return self.name.rpartition("__")[2]

    def __str__(self) -> str:
        return f"{instance_name(self.tile)}.{self.name}"


def read_netlist(text: str) -> NetGraph:
    """The graph in the Verilog of a fabric.

    Raises
    ------
    NetlistError
        A net of a link does not join exactly one sending and one receiving port, a pin at the edge is not tied, or a
        net is not declared once.
    """
    outside = _PORT.findall(text)
    names = [*outside, *_WIRE.findall(text)]
    declared = set(names)
    if len(declared) != len(names):
        raise NetlistError("nets must be declared once each")
    tiles: dict[Tile, TileKind] = {}
    numbers: dict[Tile, int] = {}
    nets: defaultdict[str, list[_Pin]] = defaultdict(list)
    for module, name, row, column, body in _INSTANCE.findall(text):
        tile = Tile(int(row), int(column))
        if name != instance_name(tile) or tile in tiles:
            raise NetlistError(f"tile instances must have one name each, not twice {name}")
        tiles[tile] = next(kind for kind in TileKind if tile_module(kind) == module)
        for port, expression in _PIN.findall(body):
            pin = _Pin(tile, port)
            if port == "tile":
                numbers[tile] = _constant(pin, expression)
            elif expression in declared:
                nets[expression].append(pin)
            else:
                _check_edge(pin, expression)
    return NetGraph(
        tiles=tiles,
        numbers=numbers,
        links=_links({net: pins for net, pins in nets.items() if any(pin.link for pin in pins)}),
        ports={net: frozenset((pin.tile, pin.name) for pin in nets[net]) for net in outside if net in nets},
        answering=_answering(text, nets),
    )


def _constant(pin: _Pin, expression: str) -> int:
    found = _CONSTANT.fullmatch(expression)
    if found is None:
        raise NetlistError(f"{pin} must be a constant, not {expression or 'open'}")
    return int(found[2], {"h": 16, "d": 10}[found[1]])


def _check_edge(pin: _Pin, expression: str) -> None:
    """A pin that is on no net: an output may be open, an input must be zero."""
    if expression and not _CONSTANT.fullmatch(expression):
        raise NetlistError(f"{pin} must be on a net that is declared, not {expression}")
    if pin.link and _drives(pin):
        if expression:
            raise NetlistError(f"{pin} drives and must be open or on a net, not at {expression}")
    elif pin.link and (not expression or _constant(pin, expression)):
        raise NetlistError(f"{pin} must be tied to 0 where there is no neighbour, not {expression or 'open'}")


def _drives(pin: _Pin) -> bool:
    return pin.out ^ (pin.wire == "ready")


def _links(nets: dict[str, list[_Pin]]) -> frozenset[Link]:
    wires: defaultdict[Link, set[str]] = defaultdict(set)
    for net, pins in nets.items():
        sender = next((pin for pin in pins if pin.out), None)
        receiver = next((pin for pin in pins if not pin.out), None)
        if len(pins) != 2 or sender is None or receiver is None or sender.wire != receiver.wire:
            raise NetlistError(f"{net} must join one output and one input by the same wire, not {_names(pins)}")
        link = sender.link
        if link is None or receiver.link != Link(link.network, link.target, link.direction.opposite, link.track):
            raise NetlistError(f"{net} must lead from a port to the one that leads back, not join {_names(pins)}")
        wires[link].add(sender.wire)
    for link, found in wires.items():
        if found != {"payload", "valid", "ready"}:
            raise NetlistError(f"{link} must have payload, valid and ready, not only {sorted(found)}")
    return frozenset(wires)


def _names(pins: list[_Pin]) -> str:
    return " and ".join(map(str, pins))


def _answering(text: str, nets: dict[str, list[_Pin]]) -> frozenset[Tile]:
    answer = _ANSWER.search(text)
    if answer is None:
        raise NetlistError("read_data must be assigned from a register")
    tiles: set[Tile] = set()
    for net in re.findall(r"\w+", answer[2]):
        pins = nets.get(net, [])
        if [pin.name for pin in pins] != ["read_data"] or pins[0].tile in tiles:
            raise NetlistError(f"{net} must be the read_data of one tile, named once, not of {_names(pins) or 'none'}")
        tiles.add(pins[0].tile)
    return frozenset(tiles)
