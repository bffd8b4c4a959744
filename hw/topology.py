"""The fabric as a graph: tiles, ports and links. Hardware, router, image writer and drawings all derive from it.

The array has ``spec.rows`` rows and ``spec.columns + 2`` columns; columns 0 and ``spec.columns + 1`` are AGCU tiles.
Every tile holds one unit and one switch. Switches of neighbouring tiles are linked in both directions, ``tracks`` times
a network; a unit reaches the fabric through its own switch only.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cached_property

from weft.hw.spec import FabricSpec

__all__ = [
    "NETWORKS",
    "Direction",
    "Link",
    "Network",
    "Tile",
    "TileKind",
    "Topology",
    "switch_ports",
    "tracks",
    "unit_ports",
]


class Network(Enum):
    """The three networks; they differ in what a beat carries."""

    VECTOR = "vector"
    SCALAR = "scalar"
    CONTROL = "control"


NETWORKS = (Network.VECTOR, Network.SCALAR, Network.CONTROL)


class TileKind(Enum):
    """What unit a tile holds."""

    PCU = "pcu"
    PMU = "pmu"
    AGCU = "agcu"


class Direction(Enum):
    """Where a neighbour lies: (rows, columns) from here. The order numbers the ports of a switch."""

    NORTH = (-1, 0)
    EAST = (0, 1)
    SOUTH = (1, 0)
    WEST = (0, -1)

    @property
    def opposite(self) -> Direction:
        """The direction back."""
        return Direction((-self.value[0], -self.value[1]))

    @property
    def number(self) -> int:
        """Place in the order of ports."""
        return list(Direction).index(self)


def tracks(spec: FabricSpec, network: Network) -> int:
    """Links from a switch to a neighbour, each way."""
    return int(getattr(spec, f"{network.value}_tracks"))


def unit_ports(spec: FabricSpec, kind: TileKind, network: Network) -> tuple[int, int]:
    """Input and output ports of a unit on a network.

    PMU scalar inputs: 0 beats to write, 1 addresses. The PMU's control input triggers runs, an AGCU's starts it.
    """
    inputs_of_pcu = {
        Network.VECTOR: spec.vector_inputs,
        Network.SCALAR: spec.scalar_inputs,
        Network.CONTROL: 0,
    }
    table = {
        TileKind.PCU: (inputs_of_pcu[network], 0 if network is Network.CONTROL else 1),
        TileKind.PMU: (2 if network is Network.SCALAR else 1, 1),
        TileKind.AGCU: (1, 1),
    }
    return table[kind]


def switch_ports(spec: FabricSpec, kind: TileKind, network: Network) -> tuple[int, int]:
    """Inputs and outputs of the switch in a tile of that kind: links first, then the unit's ports."""
    unit_inputs, unit_outputs = unit_ports(spec, kind, network)
    links = len(Direction) * tracks(spec, network)
    return links + unit_outputs, links + unit_inputs


@dataclass(frozen=True, order=True)
class Tile:
    """A place in the array."""

    row: int
    column: int

    def __str__(self) -> str:
        return f"({self.row},{self.column})"


@dataclass(frozen=True)
class Link:
    """A wire from a switch output to the neighbour's switch input, of the same number counted from the other side."""

    network: Network
    source: Tile
    direction: Direction
    track: int

    @property
    def target(self) -> Tile:
        """The tile it leads to."""
        rows, columns = self.direction.value
        return Tile(self.source.row + rows, self.source.column + columns)


@dataclass(frozen=True)
class Topology:
    """The graph of a fabric."""

    spec: FabricSpec

    @cached_property
    def tiles(self) -> dict[Tile, TileKind]:
        """Every tile with its kind, row by row."""
        return {
            Tile(row, column): self._kind(row, column)
            for row in range(self.spec.rows)
            for column in range(self.spec.columns + 2)
        }

    def _kind(self, row: int, column: int) -> TileKind:
        if column in (0, self.spec.columns + 1):
            return TileKind.AGCU
        pattern = self.spec.pattern
        letters = pattern[row % len(pattern)]
        return TileKind.PCU if letters[(column - 1) % len(letters)] == "C" else TileKind.PMU

    def of_kind(self, kind: TileKind) -> list[Tile]:
        """The tiles of a kind, row by row."""
        return [tile for tile, each in self.tiles.items() if each is kind]

    def number(self, tile: Tile) -> int:
        """A tile's identifier on the configuration bus, from 0, row by row."""
        return tile.row * (self.spec.columns + 2) + tile.column

    def neighbours(self, tile: Tile) -> Iterator[tuple[Direction, Tile]]:
        """The tiles that share an edge with this one."""
        for direction in Direction:
            rows, columns = direction.value
            other = Tile(tile.row + rows, tile.column + columns)
            if other in self.tiles:
                yield direction, other

    def links(self, network: Network) -> Iterator[Link]:
        """Every link of a network."""
        for tile in self.tiles:
            for direction, _ in self.neighbours(tile):
                for track in range(tracks(self.spec, network)):
                    yield Link(network, tile, direction, track)

    def channel(self, tile: Tile) -> int:
        """The memory channel that an AGCU tile uses; those of a channel lie in a band of rows, at both sides."""
        return self._channels[tile]

    @cached_property
    def _channels(self) -> dict[Tile, int]:
        return {
            tile: channel
            for channel in range(self.spec.channels)
            for tile in self.of_kind(TileKind.AGCU)[channel_agcus(self.spec.rows, self.spec.channels, channel)]
        }


def channel_agcus(rows: int, channels: int, channel: int) -> slice:
    """Which of the AGCUs of an array, counted row by row, use a channel: as many of each, or one more."""
    return slice(*(2 * rows * each // channels for each in (channel, channel + 1)))
