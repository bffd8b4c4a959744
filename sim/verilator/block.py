"""Modules that are compiled once and placed often: each becomes a C++ model that one DPI call an edge steps.

Verilator's own ``hier_block`` calls a block again whenever an input changes, because it must assume a path from there
to an output. Our blocks promise that they have none: every output comes from a register. So one call at each rising
edge is exact, whatever the order of the calls: all blocks read what was there before the edge.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BlockPort", "block_glue", "block_ports", "block_stub"]

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


def block_stub(block: str, ports: tuple[BlockPort, ...]) -> str:
    """SystemVerilog that stands for the block in the design around it."""
    inputs = [port for port in ports if not port.output]
    outputs = [port for port in ports if port.output]
    declared = ["input clk", *(f"input {port.packed} {port.name}" for port in inputs)]
    declared += [f"output reg {port.packed} {port.name}" for port in outputs]
    formal = ["input chandle model", *(f"input bit {port.packed} {port.name}" for port in inputs)]
    formal += [f"output bit {port.packed} {port.name}" for port in outputs]
    actual = ["model", *(port.name for port in inputs), *(f"next_{port.name}" for port in outputs)]
    lines = [f"module {block} (" + ", ".join(declared) + ");"]
    lines += [f'  import "DPI-C" function chandle {block}_new();']
    lines += [f'  import "DPI-C" function void {block}_step(' + ", ".join(formal) + ");"]
    lines += ["  chandle model;", *(f"  bit {port.packed} next_{port.name};" for port in outputs)]
    lines += [f"  initial model = {block}_new();", "  always @(posedge clk) begin"]
    lines += [f"    {block}_step(" + ", ".join(actual) + ");"]
    lines += [f"    {port.name} <= next_{port.name};" for port in outputs]
    return "\n".join([*lines, "  end", "endmodule", ""])


def block_glue(block: str, ports: tuple[BlockPort, ...]) -> str:
    """C++ behind the stub: sets inputs, makes a rising edge, gives outputs, makes the falling edge."""
    formal = ["void* handle"]
    body = [f"  auto* model = static_cast<V{block}*>(handle);"]
    after = []
    for port in ports:
        kind = "svBitVecVal*" if port.output else "const svBitVecVal*"
        formal.append(f"{kind} {port.name}" if port.width > 1 else f"svBit{'*' if port.output else ''} {port.name}")
        (after if port.output else body).append(_copy(port))
    body += ["  model->clk = 1;", "  model->eval();", *after, "  model->clk = 0;", "  model->eval();"]
    return "\n".join(
        [
            f'#include "V{block}.h"',
            "#include <cstring>",
            '#include "svdpi.h"',
            f'extern "C" void* {block}_new() {{',
            f'  auto* model = new V{block}(Verilated::threadContextp(), "{block}");',
            "  model->eval();  // with the clock low, so that the first edge is seen as one",
            "  return model;",
            "}",
            f'extern "C" void {block}_step(' + ", ".join(formal) + ") {",
            *body,
            "}",
            "",
        ]
    )


def _copy(port: BlockPort) -> str:
    member, words = f"model->{port.member}", -(-port.width // 32)
    if port.width == 1:
        return f"  *{port.name} = {member};" if port.output else f"  {member} = {port.name};"
    if port.width <= 32:
        return f"  {port.name}[0] = {member};" if port.output else f"  {member} = {port.name}[0];"
    if port.width > 64:
        target, source = (port.name, f"{member}.data()") if port.output else (f"{member}.data()", port.name)
        return f"  std::memcpy({target}, {source}, {4 * words});"
    if port.output:
        return f"  {port.name}[0] = static_cast<uint32_t>({member}); {port.name}[1] = {member} >> 32;"
    return f"  {member} = {port.name}[0] | static_cast<uint64_t>({port.name}[1]) << 32;"
