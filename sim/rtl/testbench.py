"""The test bench around a chip, written for the ports that the chip has.

The chip's Verilog is the only source of port names and widths, so a bench fits every fabric.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from weft.sim.verilator.build import Design
from weft.sim.verilator.commands import Optimise

__all__ = ["Port", "chip_design", "module_ports", "testbench"]

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_FABRIC = "weft_fabric"
_PUBLIC = ("rst", "request", "events")

_HANDSHAKES = [f"{channel}{signal}" for channel in ("aw", "w", "b", "ar", "r") for signal in ("valid", "ready")]
_LITE = [*_HANDSHAKES, "awaddr", "wdata", "wstrb", "bresp", "araddr", "rdata", "rresp"]
_REQUEST = ["id", "addr", "len", "size", "burst"]
_FULL = [*_HANDSHAKES, *(f"{channel}{name}" for channel in ("aw", "ar") for name in _REQUEST)]
_FULL += ["wdata", "wstrb", "wlast", "bid", "bresp", "rid", "rdata", "rresp", "rlast"]


@dataclass(frozen=True)
class Port:
    """A port of a Verilog module."""

    name: str
    width: int
    output: bool


def module_ports(verilog: str, module: str) -> dict[str, Port]:
    """The ports of a module, in the style that Yosys writes.

    Raises
    ------
    ValueError
        No such module in the text.
    """
    found = re.search(rf"^module {re.escape(module)}\s*\(.*?^endmodule", verilog, re.M | re.S)
    if found is None:
        raise ValueError(f"module {module} must be in its Verilog file")
    declaration = re.compile(r"^\s*(input|output)\s+(?:\[(\d+):0\]\s+)?\\?(\S+?)\s*;", re.M)
    return {
        name: Port(name, int(high or 0) + 1, way == "output") for way, high, name in declaration.findall(found.group(0))
    }


def testbench(chip: str) -> str:
    """SystemVerilog of ``weft_tb``: the chip of that Verilog, a host on its AXI4-Lite port, memory on every channel.

    Raises
    ------
    ValueError
        The chip has no ``host__*`` or ``channel__N__*`` ports with the signals of AXI4.
    """
    ports = module_ports(chip, "weft_chip")
    channels = sorted({int(name.split("__")[1]) for name in ports if name.startswith("channel__")})
    lines = ["module weft_tb (input clk, input rst, input [31:0] request, output [31:0] events);"]
    lines += ["  wire interrupt;"]
    lines += [f"  wire [{port.width - 1}:0] {port.name};" for port in ports.values() if "__" in port.name]
    host = _pins(ports, "host__", _LITE)
    lines += [f"  weft_host host ({host}, .request(request), .events(events), .interrupt(interrupt));"]
    for number in channels:
        pins = _pins(ports, f"channel__{number}__", _FULL)
        width = ports[f"channel__{number}__wdata"].width
        lines += [f"  weft_memory #(.CHANNEL({number}), .DATA({width})) memory{number} ({pins});"]
    lines += ["  weft_chip chip (", ",\n".join(f"    .{name}({name})" for name in ports), "  );", "endmodule", ""]
    return "\n".join(lines)


def _pins(ports: Mapping[str, Port], prefix: str, signals: list[str]) -> str:
    """A model's pins: one for each signal; the wires are as wide as the chip's, Verilog cuts and extends."""
    missing = [signal for signal in signals if prefix + signal not in ports]
    if missing:
        raise ValueError(f"weft_chip must have the AXI4 ports {prefix}{{{','.join(missing)}}}")
    return ", ".join([".clk(clk)", ".rst(rst)", *(f".{signal}({prefix}{signal})" for signal in signals)])


def chip_design(
    files: Mapping[str, str],
    *,
    waves: bool = False,
    flat: bool = False,
    assertions: bool = True,
    optimise: Optimise = Optimise.LONG,
) -> Design:
    """What is built for a chip: its Verilog and C++, the hand-written modules, the test bench and the models behind it.

    Tiles are compiled on their own, and with the array between them are C++; with ``waves`` the array stays Verilog, so
    that its wires are signals. With ``flat`` everything stays Verilog.

    Raises
    ------
    ValueError
        No module ``weft_chip``, or one without the ports that it needs.
    """
    verilog = {name: text for name, text in files.items() if name.endswith((".v", ".sv"))}
    chip = next((text for text in verilog.values() if re.search(r"^module weft_chip\b", text, re.M)), None)
    if chip is None:
        raise ValueError("module weft_chip must be in the chip's Verilog files")
    modules = {name for text in verilog.values() for name in re.findall(r"^module (\w+)", text, re.M)}
    models = sorted([*_HERE.glob("*.cpp"), *_HERE.glob("*.h")])
    hand_written = sorted([*_HERE.glob("*.sv"), *_ROOT.glob("hw/**/*.sv")])
    return Design(
        top="weft_tb",
        files={**{path.name: path.read_text() for path in hand_written}, **verilog, "weft_tb.sv": testbench(chip)},
        public=_PUBLIC,
        cpp={
            **{path.name: path.read_text() for path in models},
            **{name: text for name, text in files.items() if name.endswith((".cpp", ".h"))},
        },
        blocks=() if flat else tuple(sorted(name for name in modules if re.fullmatch(r"weft_tile_\w+", name))),
        array="" if flat or waves or _FABRIC not in modules else _FABRIC,
        counters="counters",
        clock=True,
        waves=waves,
        assertions=assertions,
        optimise=optimise,
    )
