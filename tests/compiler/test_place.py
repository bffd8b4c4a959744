"""Placement is legal, deterministic, and better than none."""

import time
from itertools import pairwise

import pytest
from netlists import PROGRAMS, random_netlist

from weft.compiler.backend.mapping import FitError
from weft.compiler.backend.place import place
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile, TileKind, Topology

TINY, DEMO = PRESETS["tiny"], PRESETS["demo"]
LARGE = DEMO.replace(rows=16, columns=14, channels=4)


def length(netlist: Netlist, tiles: dict[str, Tile]) -> int:
    """Sum of half perimeters."""
    total = 0
    for net in netlist.nets:
        places = [tiles[pin.unit] for pin in (net.source, *net.targets)]
        rows, columns = [p.row for p in places], [p.column for p in places]
        total += max(rows) - min(rows) + max(columns) - min(columns)
    return total


@pytest.mark.parametrize("spec", [TINY, DEMO, LARGE], ids=["tiny", "demo", "16x16"])
@pytest.mark.parametrize("seed", range(3))
def test_units_get_tiles_of_their_kind_and_none_is_shared(spec: FabricSpec, seed: int) -> None:
    netlist = random_netlist(seed, spec, fill=1.0)
    tiles = place(netlist, spec, seed=seed)
    kinds = Topology(spec).tiles
    assert list(tiles) == list(netlist.units)
    assert len(set(tiles.values())) == len(tiles) == len(kinds)
    assert all(kinds[tiles[name]] is unit.kind for name, unit in netlist.units.items())


def test_placement_depends_on_the_seed_alone() -> None:
    netlist = random_netlist(5, DEMO)
    first = place(netlist, DEMO, seed=1)
    assert place(netlist, DEMO, seed=1) == first
    assert place(netlist, DEMO, seed=2) != first


def test_placement_does_not_depend_on_the_tracks() -> None:
    netlist = random_netlist(5, DEMO)
    assert place(netlist, DEMO.replace(vector_tracks=7, control_tracks=3)) == place(netlist, DEMO)


def test_annealing_shortens_the_wires() -> None:
    netlist = random_netlist(7, DEMO)
    free = {kind: iter(Topology(DEMO).of_kind(kind)) for kind in TileKind}
    naive = {name: next(free[unit.kind]) for name, unit in netlist.units.items()}
    assert length(netlist, place(netlist, DEMO)) < 0.7 * length(netlist, naive)


def test_a_chain_is_laid_out_with_neighbours_side_by_side() -> None:
    names = [f"u{index}" for index in range(12)]
    kinds = [TileKind.PCU, TileKind.PMU] * 6
    units = {name: Unit(name, PROGRAMS[kind]) for name, kind in zip(names, kinds, strict=True)}
    nets = tuple(Net(Network.VECTOR, Pin(a), (Pin(b),)) for a, b in pairwise(names))
    netlist = Netlist(units, nets)
    assert length(netlist, place(netlist, DEMO)) <= len(nets) + 2


@pytest.mark.parametrize("seed", range(4))
def test_pins_and_channels_are_respected(seed: int) -> None:
    topology = Topology(LARGE)
    pinned = {"buffer": Tile(0, 2), "state": Tile(9, 7)}
    units = [Unit(name, PROGRAMS[TileKind.PMU], tile=tile) for name, tile in pinned.items()]
    units += [Unit(f"load{index}", PROGRAMS[TileKind.AGCU], channel=index % 4) for index in range(16)]
    units += [Unit(f"free{index}", PROGRAMS[TileKind.AGCU]) for index in range(16)]
    nets = tuple(Net(Network.CONTROL, Pin(f"load{index}"), (Pin(f"free{index}"),)) for index in range(16))
    tiles = place(Netlist({unit.name: unit for unit in units}, nets), LARGE, seed=seed)
    assert {name: tiles[name] for name in pinned} == pinned
    assert [topology.channel(tiles[f"load{index}"]) for index in range(16)] == [index % 4 for index in range(16)]
    assert len(set(tiles.values())) == len(units)


def test_more_units_than_tiles_are_refused() -> None:
    units = {f"m{index}": Unit(f"m{index}", PROGRAMS[TileKind.PMU]) for index in range(3)}
    with pytest.raises(FitError, match="unit 'm2' needs a free PMU tile, which fabric 'tiny' does not have"):
        place(Netlist(units), TINY)


def test_time_stays_close_to_linear() -> None:
    def seconds(spec: FabricSpec) -> float:
        netlist = random_netlist(1, spec)
        begin = time.process_time()
        place(netlist, spec)
        return time.process_time() - begin

    small, large = seconds(DEMO), seconds(LARGE)
    assert small < 1.5
    assert large < 3 * small * (LARGE.rows * (LARGE.columns + 2)) / (DEMO.rows * (DEMO.columns + 2))
