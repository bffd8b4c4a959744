"""Invariants of the fabric's graph."""

from collections import Counter

import pytest

from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.hw.topology import (
    NETWORKS,
    Direction,
    Link,
    Network,
    Tile,
    TileKind,
    Topology,
    switch_ports,
    tracks,
    unit_ports,
)

SPECS = [
    *PRESETS.values(),
    FabricSpec.make(name="one", rows=1, columns=1),
    FabricSpec.make(name="odd", rows=3, columns=5, pattern=("CCM", "MCC"), vector_tracks=3, channels=4),
]


@pytest.fixture(params=SPECS, ids=lambda spec: spec.name)
def topology(request: pytest.FixtureRequest) -> Topology:
    return Topology(request.param)


def test_tiles_are_numbered_row_by_row(topology: Topology) -> None:
    spec = topology.spec
    assert len(topology.tiles) == spec.rows * (spec.columns + 2)
    assert [topology.number(tile) for tile in topology.tiles] == list(range(len(topology.tiles)))
    assert list(topology.tiles) == sorted(topology.tiles)


def test_kinds_follow_the_pattern_between_two_columns_of_agcus(topology: Topology) -> None:
    spec = topology.spec
    for tile, kind in topology.tiles.items():
        if tile.column in (0, spec.columns + 1):
            assert kind is TileKind.AGCU
        else:
            row = spec.pattern[tile.row % len(spec.pattern)]
            assert kind.name[1] == row[(tile.column - 1) % len(row)]  # pCu, pMu
    assert sum(len(topology.of_kind(kind)) for kind in TileKind) == len(topology.tiles)
    assert len(topology.of_kind(TileKind.AGCU)) == 2 * spec.rows


def test_links_are_counted(topology: Topology) -> None:
    rows, columns = topology.spec.rows, topology.spec.columns + 2
    edges = 2 * (rows * (columns - 1) + columns * (rows - 1))
    for network in NETWORKS:
        links = list(topology.links(network))
        assert len(links) == len(set(links)) == edges * tracks(topology.spec, network)


def test_every_link_has_one_back(topology: Topology) -> None:
    for network in NETWORKS:
        links = set(topology.links(network))
        for link in links:
            assert link.target in topology.tiles
            back = Link(network, link.target, link.direction.opposite, link.track)
            assert back in links
            assert back.target == link.source


def test_neighbours_are_mutual_and_adjacent(topology: Topology) -> None:
    for tile in topology.tiles:
        for direction, other in topology.neighbours(tile):
            assert (direction.opposite, tile) in list(topology.neighbours(other))
            assert abs(tile.row - other.row) + abs(tile.column - other.column) == 1


def test_directions() -> None:
    assert [direction.name for direction in Direction] == ["NORTH", "EAST", "SOUTH", "WEST"]
    assert [direction.number for direction in Direction] == [0, 1, 2, 3]
    for direction in Direction:
        assert direction.opposite is not direction
        assert direction.opposite.opposite is direction
        assert Link(Network.VECTOR, Tile(5, 5), direction, 0).target != Tile(5, 5)
    assert Link(Network.VECTOR, Tile(5, 5), Direction.NORTH, 0).target == Tile(4, 5)
    assert Link(Network.VECTOR, Tile(5, 5), Direction.EAST, 0).target == Tile(5, 6)


def test_channels_are_shared_evenly(topology: Topology) -> None:
    agcus = topology.of_kind(TileKind.AGCU)
    counts = Counter(topology.channel(tile) for tile in agcus)
    assert set(counts) == set(range(topology.spec.channels))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_ports_of_units_and_switches() -> None:
    spec = FabricSpec.make(vector_inputs=2, scalar_inputs=5, vector_tracks=3, scalar_tracks=2, control_tracks=1)
    vector, scalar, control = NETWORKS
    assert [unit_ports(spec, TileKind.PCU, each) for each in NETWORKS] == [(2, 1), (5, 1), (0, 0)]
    assert [unit_ports(spec, TileKind.PMU, each) for each in NETWORKS] == [(1, 1), (2, 1), (1, 1)]
    assert [unit_ports(spec, TileKind.AGCU, each) for each in NETWORKS] == [(1, 1), (1, 1), (1, 1)]
    assert switch_ports(spec, TileKind.PCU, vector) == (12 + 1, 12 + 2)
    assert switch_ports(spec, TileKind.PMU, scalar) == (8 + 1, 8 + 2)
    assert switch_ports(spec, TileKind.PCU, control) == (4, 4)
