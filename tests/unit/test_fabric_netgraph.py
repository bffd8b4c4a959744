"""The Verilog of a fabric is the graph it was made from."""

from __future__ import annotations

import re

import pytest
from amaranth.back import verilog

from hw.fabric import Fabric
from hw.netgraph import NetlistError, read_netlist
from hw.presets import PRESETS
from hw.spec import FabricSpec
from hw.topology import NETWORKS, TileKind, Topology

TINY = PRESETS["tiny"]
SPECS = {
    "tiny": TINY,
    "tall": TINY.replace(rows=4, columns=1, vector_tracks=1, scalar_tracks=3, control_tracks=2),
    "one tile": TINY.replace(rows=1, columns=1),
    "memories only": TINY.replace(columns=3, pattern=("M",)),
}


def netlist(spec: FabricSpec) -> str:
    fabric = Fabric(spec=spec, instances=True)
    return verilog.convert(fabric, name="weft_fabric", emit_src=False, strip_internal_attrs=True)


@pytest.fixture(scope="module")
def tiny() -> str:
    return netlist(TINY)


@pytest.mark.parametrize("name", SPECS)
def test_netlist_is_the_graph(name: str):
    topology = Topology(SPECS[name])
    graph = read_netlist(netlist(SPECS[name]))
    assert graph.tiles == topology.tiles
    assert graph.numbers == {tile: topology.number(tile) for tile in topology.tiles}
    links = [link for network in NETWORKS for link in topology.links(network)]
    assert len(links) == len(graph.links) > 0
    assert graph.links == set(links)


def test_verilog_is_the_same_every_time(tiny: str):
    assert netlist(TINY) == tiny


def test_modules_are_one_a_kind(tiny: str):
    assert set(re.findall(r"^  (weft_tile_\w+) ", tiny, re.MULTILINE)) == {f"weft_tile_{k.value}" for k in TileKind}


@pytest.mark.parametrize("wire", ["payload", "valid", "ready"])
def test_swapped_tracks_are_found(tiny: str, wire: str):
    first, second = (
        re.search(rf"\.vector_east_out__{track}__{wire}\((\S+)\)", tiny[tiny.index("weft_tile_pcu tile_0_1") :])
        for track in (0, 1)
    )
    assert first is not None
    assert second is not None
    broken = tiny.replace(f"__0__{wire}({first[1]})", f"__0__{wire}(SWAPPED)", 1)
    broken = broken.replace(f"__1__{wire}({second[1]})", f"__1__{wire}({first[1]})", 1).replace("SWAPPED", second[1])
    assert broken != tiny
    with pytest.raises(NetlistError, match="must"):
        read_netlist(broken)


def test_a_tile_of_the_wrong_kind_is_found(tiny: str):
    broken = tiny.replace("weft_tile_pcu tile_0_1", "weft_tile_pmu tile_0_1")
    assert read_netlist(broken).tiles != Topology(TINY).tiles


def test_an_untied_edge_is_found(tiny: str):
    broken = re.sub(r"(north_in__0__valid)\(1'h0\)", r"\1(1'h1)", tiny, count=1)
    with pytest.raises(NetlistError, match="must be tied to 0"):
        read_netlist(broken)
