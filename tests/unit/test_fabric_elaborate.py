"""The files of an elaboration: the same every time, modules named once, ports that Verilog tools accept."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.hw.elaborate import TOP, Elaboration, elaborate
from weft.hw.netgraph import read_netlist
from weft.hw.presets import PRESETS
from weft.hw.topology import NETWORKS, Topology

SPEC = PRESETS["tiny"].replace(stages=1, lanes=2)
KEYWORDS = {"context", "program", "void", "config", "bind", "do", "this", "new", "final", "local", "global", "checker"}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def made(cache: Path) -> Elaboration:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("WEFT_CACHE", str(cache))
        return elaborate(SPEC)


def modules(text: str) -> list[str]:
    return re.findall(r"^module (\S+?) ?\(", text, re.MULTILINE)


def test_one_file_for_each_kind_of_tile_the_fabric_and_the_chip(made: Elaboration):
    kinds = ["weft_tile_agcu.v", "weft_tile_pcu.v", "weft_tile_pmu.v"]
    assert sorted(made.files) == ["weft_chip.v", "weft_fabric.v", *kinds]
    for name, text in made.files.items():
        assert name.removesuffix(".v") in modules(text)
    assert made.top == TOP


def test_only_the_kinds_that_the_fabric_has(made: Elaboration, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WEFT_CACHE", str(cache))
    files = elaborate(SPEC.replace(rows=1, columns=1, pattern=("M",))).files
    assert files["weft_tile_pmu.v"] == made.files["weft_tile_pmu.v"]
    assert sorted(files) == ["weft_chip.v", "weft_fabric.v", "weft_tile_agcu.v", "weft_tile_pmu.v"]


def test_modules_have_one_definition(made: Elaboration):
    count = Counter(name for text in made.files.values() for name in modules(text))
    assert len(count) > 20
    assert set(count.values()) == {1}


def test_the_fabric_is_the_graph(made: Elaboration):
    topology = Topology(SPEC)
    graph = read_netlist(made.files["weft_fabric.v"])
    assert graph.tiles == topology.tiles
    assert graph.links == {link for network in NETWORKS for link in topology.links(network)}


def test_ports_of_tiles_are_no_keywords(made: Elaboration):
    for name, text in made.files.items():
        found = re.search(rf"^module {name.removesuffix('.v')} ?\((.*?)\);", text, re.MULTILINE | re.DOTALL)
        assert found is not None
        ports = {port.split()[-1].lstrip("\\") for port in found[1].split(",")}
        assert {"clk", "rst"} <= ports
        assert not ports & KEYWORDS


def declared(text: str, words: str) -> dict[str, int]:
    """Bits of what is declared with one of the words."""
    found = re.findall(rf"^  (?:{words}) (?:wire )?(?:\[(\d+):0\] )?(\w+)[;,]?$", text, re.MULTILINE)
    return {name: int(high or 0) + 1 for high, name in found}


def pins(text: str, module: str) -> list[dict[str, str]]:
    """What stands at each pin of each instance of a module."""
    bodies = re.findall(rf"^  {module}\s+\w+ \((.*?)\n  \);", text, re.MULTILINE | re.DOTALL)
    return [dict(re.findall(r"^    \.(\w+)\((.*)\)", body, re.MULTILINE)) for body in bodies]


def bits(net: str, nets: dict[str, int]) -> int:
    return int(net.partition("'")[0]) if "'" in net else nets[net]


@pytest.mark.parametrize(
    ("outer", "inner", "count"),
    [
        ("weft_fabric", "weft_tile_pcu", 2),
        ("weft_fabric", "weft_tile_pmu", 2),
        ("weft_fabric", "weft_tile_agcu", 4),
        ("weft_chip", "weft_fabric", 1),
    ],
)
def test_instances_fit_their_modules(made: Elaboration, outer: str, inner: str, count: int):
    text, module = made.files[f"{outer}.v"], made.files[f"{inner}.v"].partition("endmodule")[0]
    inputs, outputs = declared(module, "input"), declared(module, "output")
    nets = declared(text.partition("endmodule")[0], "input|output|wire|reg")
    instances = pins(text, inner)
    assert len(instances) == count
    for each in instances:
        assert set(each) == {*inputs, *outputs}
        assert all(net == "" for port, net in each.items() if port in outputs and net not in nets)
        assert {port: bits(net, nets) for port, net in each.items() if net} == {
            port: width for port, width in {**inputs, **outputs}.items() if each[port]
        }
        assert all(each[port] for port in inputs)


def test_another_process_makes_the_same_bytes(made: Elaboration):
    script = (
        "import hashlib, sys; from hw.elaborate import elaborate; from hw.spec import FabricSpec; "
        "spec = FabricSpec.model_validate_json(sys.argv[1], strict=False); "
        "print(hashlib.sha256(repr(elaborate(spec, cache=False).files).encode()).hexdigest())"
    )
    arguments = [sys.executable, "-c", script, SPEC.replace(name="other").model_dump_json()]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == hashlib.sha256(repr(made.files).encode()).hexdigest()


@pytest.fixture
def converted(made: Elaboration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules that are converted, with an empty cache: the text of each is that of ``made``, whatever is asked."""
    names: list[str] = []

    def convert(name: str, component: Callable[..., object], **options: object) -> str:
        names.append(name)
        return made.files[f"{name}.v"]

    monkeypatch.setattr("weft.hw.elaborate._converted", convert)
    monkeypatch.setenv("WEFT_CACHE", str(tmp_path))
    return names


TILES = ["weft_tile_agcu", "weft_tile_pcu", "weft_tile_pmu"]


def test_cache_gives_back_what_was_made(made: Elaboration, converted: list[str], tmp_path: Path):
    assert elaborate(SPEC).files == made.files
    assert sorted(converted) == ["weft_chip", *TILES]
    for path in (tmp_path / "verilog").iterdir():
        path.write_text(f"// kept\n{path.read_text()}")
    again = elaborate(SPEC).files
    assert sum(text.startswith("// kept") for text in again.values()) == 4
    assert {name: text.removeprefix("// kept\n") for name, text in again.items()} == made.files
    assert len(converted) == 4
    elaborate(SPEC, cache=False)
    assert len(converted) == 8


@pytest.mark.parametrize(
    ("change", "option", "anew"),
    [
        ({}, "clock_gating", TILES),  # tiles have other clocks, the chip is the same
        ({}, "checks", TILES),
        ({"lanes": 4}, "", ["weft_chip", *TILES]),
        ({"name": "other"}, "", []),
        ({"rows": 4, "columns": 3, "pattern": ("CM",), "channels": 2, "channel_window": 32}, "", ["weft_chip"]),
    ],
)
def test_what_is_made_anew(change: dict[str, Any], option: str, anew: list[str], converted: list[str]):
    elaborate(SPEC)
    del converted[:]
    elaborate(SPEC.replace(**change), **({option: True} if option else {}))
    assert sorted(converted) == anew


def test_checks_add_assertions_and_stalls_and_taps_report(made: Elaboration):
    checked = elaborate(PRESETS["tiny"], checks=True, taps=True, clock_gating=True)  # as it is simulated
    for kind in ("pmu", "agcu"):
        assert "weft_tap" in checked.files[f"weft_tile_{kind}.v"]
    assert "assert (" in checked.files["weft_tile_pcu.v"]
    for kind in ("pcu", "pmu", "agcu"):
        assert "weft_stall" in checked.files[f"weft_tile_{kind}.v"]
    assert not any(word in text for text in made.files.values() for word in ("weft_tap", "weft_stall", "assert ("))
