"""The Verilog of a fabric is the graph it was made from, and a netlist that is another is told from it."""

from __future__ import annotations

import re

import pytest

from weft.hw.fabric_verilog import fabric_verilog
from weft.hw.netgraph import NetlistError, read_netlist
from weft.hw.presets import PRESETS
from weft.hw.topology import NETWORKS, Tile, TileKind, Topology

TINY = PRESETS["tiny"]
SPECS = {
    "tiny": TINY,
    "tall": TINY.replace(rows=4, columns=1, vector_tracks=1, scalar_tracks=3, control_tracks=2),
    "one tile": TINY.replace(rows=1, columns=1),
    "several groups": TINY.replace(rows=5, columns=5),
    "memories only": TINY.replace(columns=3, pattern=("M",)),
}


ALL_TILES = {
    "clk", "rst", "active_context", "launch", "running",
    "bus__payload", "bus__read", "bus__read_address", "bus__clear",
}  # fmt: skip


@pytest.fixture(scope="module")
def tiny() -> str:
    return fabric_verilog(TINY)


@pytest.mark.parametrize("name", SPECS)
def test_netlist_is_the_graph(name: str):
    topology = Topology(SPECS[name])
    graph = read_netlist(fabric_verilog(SPECS[name]))
    assert graph.tiles == topology.tiles
    assert graph.numbers == {tile: topology.number(tile) for tile in topology.tiles}
    links = [link for network in NETWORKS for link in topology.links(network)]
    assert len(links) == len(graph.links) > 0
    assert graph.links == set(links)
    assert graph.answering == set(topology.tiles)


@pytest.mark.parametrize("name", SPECS)
def test_ports_lead_to_all_tiles_or_to_the_agcu_of_their_number(name: str):
    topology = Topology(SPECS[name])
    agcus = topology.of_kind(TileKind.AGCU)
    ports = dict(read_netlist(fabric_verilog(SPECS[name])).ports)
    for port in ALL_TILES:
        assert ports.pop(port) == {(tile, port) for tile in topology.tiles}
    for group in range(-(-len(topology.tiles) // 16)):
        tiles = {tile for tile in topology.tiles if topology.number(tile) // 16 == group}
        assert ports.pop(f"bus__valid__{group}") == {(tile, "bus__valid") for tile in tiles}
    seen: set[tuple[Tile, str]] = set()
    for port, pins in ports.items():
        found = re.fullmatch(r"(memory|argument|done|violation)__(\d+)(\w*)", port)
        assert found is not None
        assert pins == {(agcus[int(found[2])], found[1] + found[3])}
        seen |= pins
    assert len(seen) == len(ports) == 16 * len(agcus)


def test_verilog_is_the_same_every_time(tiny: str):
    assert fabric_verilog(TINY.replace(name="other")) == tiny


def test_modules_are_one_a_kind(tiny: str):
    assert set(re.findall(r"^  (weft_tile_\w+) ", tiny, re.MULTILINE)) == {f"weft_tile_{k.value}" for k in TileKind}


def pin(text: str, tile: str, port: str) -> str:
    """A pin of a tile and its net, as they stand in the text."""
    found = re.search(rf"\.{port}\(\S*\)", text[text.index(f" {tile} (") :])
    assert found is not None
    return found[0]


def exchanged(text: str, first: str, second: str) -> str:
    """The text with the nets of two pins exchanged, which stand in it once each."""
    assert text.count(first) == text.count(second) == 1
    (one, net), (other, net_of_other) = first.split("("), second.split("(")
    return text.replace(first, f"{one}({net_of_other}").replace(second, f"{other}({net}")


@pytest.mark.parametrize("wire", ["payload", "valid", "ready"])
@pytest.mark.parametrize("other", ["vector_east_out__1", "scalar_east_out__0", "vector_west_in__0"])
def test_exchanged_links_are_found(tiny: str, wire: str, other: str):
    pins = (pin(tiny, "tile_0_1", f"{port}__{wire}") for port in ("vector_east_out__0", other))
    with pytest.raises(NetlistError, match="must"):
        read_netlist(exchanged(tiny, *pins))


def test_links_exchanged_with_all_their_wires_are_found(tiny: str):
    broken = tiny
    for wire in ("payload", "valid", "ready"):
        pins = (pin(tiny, "tile_0_1", f"vector_{side}_out__0__{wire}") for side in ("east", "west"))
        broken = exchanged(broken, *pins)
    with pytest.raises(NetlistError, match="must lead from a port to the one that leads back"):
        read_netlist(broken)


def test_a_tile_of_the_wrong_kind_is_found(tiny: str):
    broken = tiny.replace("weft_tile_pcu tile_0_1", "weft_tile_pmu tile_0_1")
    assert read_netlist(broken).tiles != Topology(TINY).tiles


def test_roads_of_two_agcus_exchanged_are_found(tiny: str):
    pins = (pin(tiny, tile, "done") for tile in ("tile_0_0", "tile_1_0"))
    assert read_netlist(exchanged(tiny, *pins)).ports != read_netlist(tiny).ports


def test_an_untied_edge_is_found(tiny: str):
    edge = "north_in__0__valid(1'h0)"
    for broken in ("north_in__0__valid(1'h1)", "north_in__0__valid()"):
        with pytest.raises(NetlistError, match="must be tied to 0"):
            read_netlist(tiny.replace(edge, broken, 1))


def test_an_output_that_is_tied_is_found(tiny: str):
    with pytest.raises(NetlistError, match="must be open or on a net"):
        read_netlist(tiny.replace("north_out__0__valid()", "north_out__0__valid(1'h0)", 1))


def test_a_wire_that_is_not_declared_is_found(tiny: str):
    wire = "  wire tile_0_0__vector_east_out__0__valid;\n"
    with pytest.raises(NetlistError, match="must be on a net that is declared"):
        read_netlist(tiny.replace(wire, ""))
    with pytest.raises(NetlistError, match="must be declared once"):
        read_netlist(tiny.replace(wire, wire + wire))


def test_a_tile_that_does_not_answer_is_found(tiny: str):
    assert Tile(1, 1) not in read_netlist(tiny.replace(" | tile_1_1__read_data", "")).answering
    with pytest.raises(NetlistError, match="must be the read_data of one tile, named once"):
        read_netlist(tiny.replace("| tile_1_1__read_data", "| tile_0_1__read_data"))
    with pytest.raises(NetlistError, match="must be assigned from a register"):
        read_netlist(tiny.replace("assign read_data = answer;", ""))
