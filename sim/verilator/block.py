"""Modules that are compiled once and placed often: each becomes a C++ model, a part of an array (see ``array.h``).

Verilator's own ``hier_block`` calls a block again whenever an input changes, because it must assume a path from there
to an output. Our blocks promise that they have none: every output comes from a register. So one call at each rising
edge is exact, whatever the order of the calls: all blocks read what was there before the edge. And a block in which an
edge would change nothing sleeps until an input does, see ``block.h``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.sim.verilator.edge import edge_declarations

__all__ = ["BlockPort", "block_counters", "block_glue", "block_ports"]

_PORT = re.compile(r"VL_(IN|OUT)(8|16|64|W)?\(&(\w+),(\d+),0")


@dataclass(frozen=True)
class BlockPort:
    """A port of a verilated model: Verilog's and C++'s name, bits, direction."""

    name: str
    member: str
    width: int
    output: bool

    @property
    def packed(self) -> str:
        """SystemVerilog's packed dimension; none for a bit, which DPI passes by value."""
        return f"[{self.width - 1}:0]" if self.width > 1 else ""


def block_ports(header: Path) -> tuple[BlockPort, ...]:
    """The ports that a verilated model's header declares, inputs first, the clock left out."""
    ports = []
    for way, _, member, high in _PORT.findall(header.read_text()):
        name = member.replace("___05F", "__")
        if name != "clk":
            ports.append(BlockPort(name, member, int(high) + 1, way == "OUT"))
    return tuple(sorted(ports, key=lambda port: port.output))


def block_counters(header: Path, submodule: str) -> dict[str, str]:
    """The 32-bit registers of a submodule that only counts, and what follows from them: C++ member by Verilog name.

    ``header`` declares the state of a verilated model, ``V*___024root.h``.
    """
    found = re.findall(rf"IData/\*31:0\*/ (\w+__DOT__{submodule}__DOT__(\w+));", header.read_text())
    return {name: member for member, name in found}


def block_glue(block: str, ports: tuple[BlockPort, ...], counters: Mapping[str, str], edge: Sequence[str]) -> str:
    """C++ of ``{block}_place``, which makes an instance of the block as a part of an array; ``edge`` is a cycle."""
    inputs = [port for port in ports if not port.output]
    outputs = [port for port in ports if port.output]
    root = "model.rootp->"
    listed = ", ".join(f'{{"{name}", &{root}{member}}}' for name, member in counters.items())
    return "\n".join(
        [
            f'#include "V{block}.h"',
            f'#include "V{block}___024root.h"',
            f'#include "V{block}__Syms.h"',
            '#include "block.h"',
            '#include "ports.h"',
            *edge_declarations(block),
            "namespace {",
            "class Placed final : public Block {",
            "public:",
            "  explicit Placed(const std::string& path)",
            "      : Block(path), model(Verilated::threadContextp(), path.c_str()) {",
            f"    hold({root}vlSymsp, sizeof(V{block}__Syms), {{{listed}}});",
            "    model.eval();  // with the clock low, so that the first edge is seen as one",
            f"    inputs = {{{', '.join(f'pin(model.{port.member})' for port in inputs)}}};",
            f"    outputs = {{{', '.join(f'net(model.{port.member})' for port in outputs)}}};",
            *(f"    last_{port.member} = model.{port.member};" for port in outputs),
            "  }",
            "protected:",
            "  void edge(std::vector<Net*>& moved) override {",
            *(f"    {call}" for call in edge),
            *(
                f"    if (renew(last_{port.member}, model.{port.member})) moved.push_back(&outputs[{number}]);"
                for number, port in enumerate(outputs)
            ),
            "  }",
            "private:",
            f"  V{block} model;",
            *(f"  std::decay_t<decltype(V{block}::{port.member})> last_{port.member};" for port in outputs),
            "};",
            "}  // namespace",
            f"std::unique_ptr<Part> {block}_place(const std::string& path) {{",
            "  return std::make_unique<Placed>(path);",
            "}",
            "",
        ]
    )
