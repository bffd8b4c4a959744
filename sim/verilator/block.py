"""Modules that are compiled once and placed often: each becomes a C++ model that a DPI call an edge steps.

Verilator's own ``hier_block`` calls a block again whenever an input changes, because it must assume a path from there
to an output. Our blocks promise that they have none: every output comes from a register. So one call at each rising
edge is exact, whatever the order of the calls: all blocks read what was there before the edge. And a block in which an
edge would change nothing sleeps until an input does, see ``block.h``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BlockPort", "block_counters", "block_glue", "block_ports", "block_stub"]

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


def block_stub(block: str, ports: tuple[BlockPort, ...]) -> str:
    """SystemVerilog that stands for the block in the design around it."""
    inputs = [port for port in ports if not port.output]
    outputs = [port for port in ports if port.output]
    declared = ["input clk", *(f"input {port.packed} {port.name}" for port in inputs)]
    declared += [f"output reg {port.packed} {port.name}" for port in outputs]
    taken = ["input chandle model", *(f"input bit {port.packed} {port.name}" for port in inputs)]
    given = ["input chandle model", *(f"output bit {port.packed} {port.name}" for port in outputs)]
    lines = [f"module {block} (" + ", ".join(declared) + ");"]
    lines += [f'  import "DPI-C" context function chandle {block}_new();']
    lines += [f'  import "DPI-C" function bit {block}_step(' + ", ".join(taken) + ");"]
    lines += [f'  import "DPI-C" function void {block}_outputs(' + ", ".join(given) + ");"]
    lines += ["  chandle model;", *(f"  bit {port.packed} next_{port.name};" for port in outputs)]
    lines += [f"  initial model = {block}_new();"]
    lines += [
        f"  always @(posedge clk) if ({block}_step(" + ", ".join(["model", *(p.name for p in inputs)]) + ")) begin"
    ]
    lines += [f"    {block}_outputs(" + ", ".join(["model", *(f"next_{port.name}" for port in outputs)]) + ");"]
    lines += [f"    {port.name} <= next_{port.name};" for port in outputs]
    return "\n".join([*lines, "  end", "endmodule", ""])


def block_glue(block: str, ports: tuple[BlockPort, ...], counters: Mapping[str, str]) -> str:
    """C++ behind the stub: hands in the inputs, steps the model or lets it sleep, tells whether an output changed."""
    inputs = [port for port in ports if not port.output]
    outputs = [port for port in ports if port.output]
    root = "model.rootp->"
    listed = ", ".join(f'{{"{name}", &{root}{member}}}' for name, member in counters.items())
    taken = ", ".join(["void* handle", *(f"{_formal(port)} {port.name}" for port in inputs)])
    given = ", ".join(["void* handle", *(f"{_formal(port)} {port.name}" for port in outputs)])
    return "\n".join(
        [
            f'#include "V{block}.h"',
            f'#include "V{block}___024root.h"',
            f'#include "V{block}__Syms.h"',
            '#include "block.h"',
            "namespace {",
            "struct Placed {",
            f"  V{block} model;",
            "  Block block;",
            "  bool fresh = true;",
            *(f"  std::decay_t<decltype(model.{port.member})> last_{port.member}{{}};" for port in outputs),
            "  explicit Placed(const char* path)",
            "      : model(Verilated::threadContextp(), path),",
            f"        block(path, {root}vlSymsp, sizeof(V{block}__Syms), {{{listed}}}) {{",
            "    model.eval();  // with the clock low, so that the first edge is seen as one",
            "  }",
            "};",
            "}  // namespace",
            f'extern "C" void* {block}_new() {{ return new Placed(svGetNameFromScope(svGetScope())); }}',
            f'extern "C" svBit {block}_step({taken}) {{',
            "  auto& self = *static_cast<Placed*>(handle);",
            "  auto& model = self.model;",
            "  bool changed = false;",
            *(f"  changed |= take(model.{port.member}, {port.name});" for port in inputs),
            "  if (self.block.sleeps(changed)) return 0;",
            "  model.clk = 1;",
            "  model.eval();",
            "  model.clk = 0;  // for the clock gates",
            "  model.eval();",
            "  bool moved = std::exchange(self.fresh, false);",
            *(f"  moved |= renew(self.last_{port.member}, model.{port.member});" for port in outputs),
            "  self.block.worked(changed, moved);",
            "  return moved;",
            "}",
            f'extern "C" void {block}_outputs({given}) {{',
            "  auto& model = static_cast<Placed*>(handle)->model;",
            *(f"  give({port.name}, model.{port.member});" for port in outputs),
            "}",
            "",
        ]
    )


def _formal(port: BlockPort) -> str:
    """C's type of a DPI argument."""
    if port.width == 1:
        return "svBit*" if port.output else "svBit"
    return "svBitVecVal*" if port.output else "const svBitVecVal*"
