"""The map from a program's words to signals in waves."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import refused, weft
from decoders import compile_decoder
from fst_names import fst_names

from weft.compiler.backend.mapping import Mapping
from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.compile import compile_module
from weft.compiler.mapped import parse_module
from weft.hw.presets import PRESETS
from weft.hw.topology import NETWORKS, Tile, Topology
from weft.signals import write_signals
from weft.sim.rtl.device import RtlDevice
from weft.sim.rtl.signal_map import gtkwave_save, signal_map
from weft.sim.run import memory_needed, run_program

ROOT = Path(__file__).resolve().parents[2]
MAPPED = ROOT / "tests" / "data" / "mapped"
TINY, DEMO = PRESETS["tiny"], PRESETS["demo"]


def ends(link: str) -> tuple[str, Tile, Tile]:
    """Network, source and target of a link's name."""
    network, source, _, target, *_ = link.split()
    places = [Tile(*map(int, place.strip("()").split(","))) for place in (source, target)]
    return network, places[0], places[1]


@pytest.fixture(scope="module")
def decoder() -> dict[str, Mapping]:
    compiled = compile_decoder(read_checkpoint(ROOT / "models" / "weft-tiny").config, DEMO)
    return {"decoder": compiled.program.mapping}


def test_streams_lead_from_unit_to_unit(decoder: dict[str, Mapping]) -> None:
    signals = signal_map(DEMO, decoder)
    for program, mapping in decoder.items():
        units = {title.split()[-1]: ports for title, ports in signals["programs"][program].items()}
        assert len(units) == len(mapping.tiles)
        assert len(signals["nets"][program]) == len(mapping.routes)
        for route, links in zip(mapping.routes, signals["nets"][program].values(), strict=True):
            network, source = route.net.network.value, route.net.source
            reached = {mapping.tiles[source.unit]}
            for link in links:
                assert ends(link)[0] == network
                assert ends(link)[1] in reached
                reached.add(ends(link)[2])
            for link in units[source.unit][f"{network} out {source.port}"]:
                assert link in links
                assert ends(link)[1] == mapping.tiles[source.unit]
            for pin in route.net.targets:
                (link,) = units[pin.unit][f"{network} in {pin.port} from {source.unit}"]
                assert link in links
                assert ends(link)[2] == mapping.tiles[pin.unit]


def test_every_link_is_there_once(decoder: dict[str, Mapping]) -> None:
    links = signal_map(DEMO, decoder)["links"]
    assert len(links) == sum(len(list(Topology(DEMO).links(network))) for network in NETWORKS)
    paths = [path for wires in links.values() for path in wires.values()]
    assert len(set(paths)) == len(paths) == 3 * len(links)


def test_the_map_is_written_beside_the_waves(tmp_path: Path, decoder: dict[str, Mapping]) -> None:
    write_signals(tmp_path / "run.fst", DEMO, decoder)
    assert json.loads((tmp_path / "run.signals.json").read_text()) == signal_map(DEMO, decoder)
    assert (tmp_path / "run.gtkw").read_text().startswith('[dumpfile] "run.fst"\n')


@pytest.mark.parametrize("taken", ["run.fst", "run.signals.json", "run.gtkw"])
def test_generate_overwrites_none_of_the_three(tmp_path: Path, taken: str) -> None:
    (tmp_path / taken).write_text("mine")
    model, waves = ROOT / "models" / "weft-tiny", tmp_path / "run.fst"
    result = weft("generate", model, "--prompt", "a", "--device", "rtl", "--waves", waves)
    refused(result, rf"--waves must be a new file, but '\S+/{taken}' exists")
    assert [path.name for path in tmp_path.iterdir()] == [taken]


def test_every_signal_is_in_the_waves(tmp_path: Path) -> None:
    compiled = compile_module(parse_module((MAPPED / "elementwise.mlir").read_text(), "elementwise"), TINY)
    arrays = {name: np.ones((6, 21), np.float32) for name in "ab"}
    waves = tmp_path / "tiny.fst"
    memory = memory_needed(compiled)
    # The tiles of `weft run`, compiled once for both; their insides are not in the waves.
    options = {"record": False, "count": False}
    with RtlDevice(TINY, memory_bytes=memory, waves=waves, **options) as chip:
        run_program(compiled, TINY, chip, arrays)
    widths = fst_names(waves)
    signals = signal_map(TINY, {"elementwise": compiled.mapping})
    assert widths[signals["clock"]["signal"]] == 1
    for link, wires in signals["links"].items():
        fields = signals["payload"][ends(link)[0]].values()
        assert widths[wires["payload"]] == sum(width for _, width in fields)
        assert widths[wires["valid"]] == widths[wires["ready"]] == 1
    assert set(signals["ports"]) == {"host", "channel 0"}
    for wires in signals["ports"].values():
        assert {"arvalid", "arready", "rdata", "wdata"} <= set(wires)
        assert set(wires.values()) <= set(widths)
    assert widths[signals["ports"]["channel 0"]["rdata"]] == TINY.channel_bits

    lines = gtkwave_save(signals, waves.name).splitlines()
    assert lines[0] == '[dumpfile] "tiny.fst"'
    shown = [line.split()[-1] for line in lines if line.startswith("+{")]
    assert len(shown) == 3 * 8  # load_a, load_b and sum send, as does y; sum takes two, y and store_y one
    for path in shown:
        name, _, bits = path.partition("[")
        assert widths[name] == (int(bits.split(":")[0]) + 1 if bits else 1)
    assert [line for line in lines if line.endswith(" sum")] == 2 * [next(x for x in lines if x.endswith(" sum"))]
