"""Routes obey the rules of the switches, and nets give way to each other where they must."""

import pytest
from netlists import PROGRAMS, random_netlist
from routing_rules import check_mapping

from weft.compiler.backend.mapping import FitError, Hop, Mapping, Route
from weft.compiler.backend.place import place
from weft.compiler.backend.route import route
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile, TileKind, Topology

TINY, DEMO = PRESETS["tiny"], PRESETS["demo"]
LARGE = DEMO.replace(rows=16, columns=14)
WIDE = {"vector_tracks": 4, "scalar_tracks": 4, "control_tracks": 4}


def routed(netlist: Netlist, spec: FabricSpec, tiles: dict[str, Tile]) -> Mapping:
    return Mapping(spec, netlist, tiles, route(netlist, tiles, spec))


@pytest.mark.parametrize("seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.long) for seed in range(3, 6))])
@pytest.mark.parametrize("spec", [TINY, DEMO, LARGE], ids=["tiny", "demo", "16x16"])
def test_random_netlists_are_routed_by_the_rules(spec: FabricSpec, seed: int) -> None:
    netlist = random_netlist(seed, spec, fan_out=5)
    assert netlist.nets
    check_mapping(routed(netlist, spec, place(netlist, spec, seed=seed)))


@pytest.mark.parametrize("seed", range(6))
def test_long_wires_of_an_unplaced_netlist_are_routed_by_the_rules(seed: int) -> None:
    spec = DEMO.replace(**WIDE)
    netlist = random_netlist(seed, spec, fan_out=5, near=60, nets=0.8)
    free = {kind: iter(Topology(spec).of_kind(kind)) for kind in TileKind}
    tiles = {name: next(free[unit.kind]) for name, unit in netlist.units.items()}
    check_mapping(routed(netlist, spec, tiles))


def test_routing_is_deterministic() -> None:
    netlist = random_netlist(3, DEMO)
    tiles = place(netlist, DEMO)
    assert route(netlist, tiles, DEMO) == route(netlist, tiles, DEMO)


def parallel(count: int) -> tuple[Netlist, dict[str, Tile]]:
    """Units of the west that each send to one of the east, in the same row."""
    units: dict[str, Unit] = {}
    tiles: dict[str, Tile] = {}
    nets: list[Net] = []
    for row in range(count):
        for name, column in ((f"w{row}", 0), (f"e{row}", 5)):
            units[name] = Unit(name, PROGRAMS[TileKind.AGCU])
            tiles[name] = Tile(row, column)
    targets = list(range(count))
    for row, target in zip(range(count), targets[::-1], strict=True):
        nets.append(Net(Network.CONTROL, Pin(f"w{row}"), (Pin(f"e{target}"),)))
    return Netlist(units, tuple(nets)), tiles


def test_nets_that_all_want_the_shortest_way_negotiate() -> None:
    """Four nets cross in an array of four rows with one track: every vertical cut is full, each must take a row."""
    spec = FabricSpec.make(name="four", rows=4, columns=4, control_tracks=1)
    netlist, tiles = parallel(4)
    mapping = routed(netlist, spec, tiles)
    check_mapping(mapping)
    columns = [{hop.tile.column for hop in each.hops} for each in mapping.routes]
    assert all(each == set(range(6)) for each in columns)


def test_a_net_makes_a_detour_for_another() -> None:
    """A net through the only track of a row goes around another that has no other way."""
    spec = FabricSpec.make(name="two", rows=2, columns=2, control_tracks=1)
    agcu, pmu = PROGRAMS[TileKind.AGCU], PROGRAMS[TileKind.PMU]
    units = [Unit("a", agcu), Unit("b", pmu), Unit("c", pmu), Unit("d", agcu)]
    tiles = {"a": Tile(0, 0), "b": Tile(0, 2), "c": Tile(1, 1), "d": Tile(0, 3)}
    nets = (Net(Network.CONTROL, Pin("a"), (Pin("b"),)), Net(Network.CONTROL, Pin("c"), (Pin("d"),)))
    netlist = Netlist({unit.name: unit for unit in units}, nets)
    mapping = routed(netlist, spec, tiles)
    check_mapping(mapping)
    links = [(hop.tile, hop.output) for each in mapping.routes for hop in each.hops if hop.output < 4]
    assert len(links) == len(set(links))


def test_multicast_shares_its_way() -> None:
    spec = FabricSpec.make(name="row", rows=1, columns=8, pattern=("M",))
    units = {f"m{index}": Unit(f"m{index}", PROGRAMS[TileKind.PMU]) for index in range(5)}
    tiles = {name: Tile(0, 1 + index) for index, name in enumerate(units)}
    net = Net(Network.VECTOR, Pin("m0"), tuple(Pin(f"m{index}") for index in (4, 2, 1, 3)))
    mapping = routed(Netlist(units, (net,)), spec, tiles)
    check_mapping(mapping)
    assert len(mapping.routes[0].hops) == 4 + 4


def test_a_unit_can_send_to_itself() -> None:
    units = {"m": Unit("m", PROGRAMS[TileKind.PMU])}
    net = Net(Network.VECTOR, Pin("m"), (Pin("m"),))
    mapping = routed(Netlist(units, (net,)), TINY, {"m": Tile(0, 2)})
    assert mapping.routes == (Route(net, (Hop(Tile(0, 2), 8, 8),)),)


def test_too_few_tracks_are_named_with_the_number_that_is_enough() -> None:
    spec = FabricSpec.make(name="one row", rows=1, columns=4, pattern=("CM",), vector_tracks=1, scalar_inputs=4)
    pcu, pmu = PROGRAMS[TileKind.PCU], PROGRAMS[TileKind.PMU]
    units = [Unit("a", pcu), Unit("b", pmu), Unit("c", pcu), Unit("d", pmu)]
    tiles = {"a": Tile(0, 1), "b": Tile(0, 2), "c": Tile(0, 3), "d": Tile(0, 4)}
    nets = (
        Net(Network.VECTOR, Pin("a"), (Pin("c", 0), Pin("d"))),
        Net(Network.VECTOR, Pin("b"), (Pin("c", 1),)),
    )
    netlist = Netlist({unit.name: unit for unit in units}, nets)
    with pytest.raises(FitError) as caught:
        route(netlist, tiles, spec)
    sentence = "needs 2 vector tracks east of tile (0,2) where there are 1 on fabric 'one row': set vector_tracks=2"
    assert str(caught.value) == sentence
    larger = spec.replace(**caught.value.changes)
    check_mapping(routed(netlist, larger, tiles))
