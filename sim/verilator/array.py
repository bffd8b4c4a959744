"""A structure of blocks as C++: one DPI call at each rising edge for all of them.

In the verilated design a stub stands for the structure. It hands in the structure's own ports; the blocks inside it,
and what is between them, are simulated by ``array.h``.
"""

from __future__ import annotations

from collections.abc import Mapping

from weft.sim.verilator.block import BlockPort
from weft.sim.verilator.structure import Structure, connections

__all__ = ["array_glue", "array_stub"]


def array_stub(structure: Structure) -> str:
    """SystemVerilog that stands for the structure in the design around it."""
    name = structure.module
    inputs = [port for port in structure.ports if not port.output]
    outputs = [port for port in structure.ports if port.output]
    declared = ["input clk", *(f"input {port.packed} {port.name}" for port in inputs)]
    declared += [f"output reg {port.packed} {port.name}" for port in outputs]
    taken = ["input chandle array", *(f"input bit {port.packed} {port.name}" for port in inputs)]
    given = ["input chandle array", *(f"output bit {port.packed} {port.name}" for port in outputs)]
    lines = [f"module {name} (" + ", ".join(declared) + ");"]
    lines += [f'  import "DPI-C" context function chandle {name}_new();']
    lines += [f'  import "DPI-C" function bit {name}_step(' + ", ".join(taken) + ");"]
    lines += [f'  import "DPI-C" function void {name}_outputs(' + ", ".join(given) + ");"]
    lines += ["  chandle array;", *(f"  bit {port.packed} next_{port.name};" for port in outputs)]
    lines += [f"  initial array = {name}_new();"]
    lines += [
        f"  always @(posedge clk) if ({name}_step(" + ", ".join(["array", *(p.name for p in inputs)]) + ")) begin"
    ]
    lines += [f"    {name}_outputs(" + ", ".join(["array", *(f"next_{port.name}" for port in outputs)]) + ");"]
    lines += [f"    {port.name} <= next_{port.name};" for port in outputs]
    return "\n".join([*lines, "  end", "endmodule", ""])


def array_glue(structure: Structure, ports: Mapping[str, tuple[BlockPort, ...]]) -> str:
    """C++ behind the stub: makes the blocks and joins them as the structure says; ``ports`` are those of each block."""
    name = structure.module
    inputs = [port for port in structure.ports if not port.output]
    outputs = [port for port in structure.ports if port.output]
    joined = connections(structure, ports)
    taken = ", ".join(["void* handle", *(f"{_formal(port)} {port.name}" for port in inputs)])
    given = ", ".join(["void* handle", *(f"{_formal(port)} {port.name}" for port in outputs)])
    places = [f'{{{each.module}_place, "{"." if each.name else ""}{each.name}"}}' for each in structure.instances]
    return "\n".join(
        [
            '#include "array.h"',
            '#include "ports.h"',
            "#include <string>",
            "#include <vector>",
            *(
                f"std::unique_ptr<Part> {block}_place(const std::string& path);"
                for block in sorted({each.module for each in structure.instances})
            ),
            "namespace {",
            "struct Ports : Outside {",
            *(f"  {_member(port)} port_{port.name}{{}};" for port in structure.ports),
            "  Ports() {",
            f"    outputs = {{{', '.join(f'net(port_{port.name})' for port in inputs)}}};",
            f"    inputs = {{{', '.join(f'pin(port_{port.name})' for port in outputs)}}};",
            "  }",
            "};",
            "const struct {",
            "  std::unique_ptr<Part> (*place)(const std::string&);",
            "  const char* name;",
            f"}} PLACES[] = {{{', '.join(places)}}};",
            f"const std::vector<Array::Join> JOINS{{{_rows(joined.joins)}}};",
            f"const std::vector<Array::Tie> TIES{{{_rows(joined.ties)}}};",
            f"const std::vector<Array::Stream> STREAMS{{{_rows(joined.streams)}}};",
            "struct Placed {",
            "  Ports ports;",
            "  Array array{ports};",
            "  explicit Placed(const std::string& path) {",
            "    for (const auto& each : PLACES) array.add(each.place(path + each.name));",
            *(f"    array.add(std::make_unique<OrRegister>({len(each.terms)}));" for each in structure.registers),
            "    for (const auto& each : JOINS) array.join(each);",
            "    for (const auto& each : TIES) array.tie(each);",
            "    for (const auto& each : STREAMS) array.pair(each);",
            "  }",
            "};",
            "}  // namespace",
            f'extern "C" void* {name}_new() {{ return new Placed(svGetNameFromScope(svGetScope())); }}',
            f'extern "C" svBit {name}_step({taken}) {{',
            "  auto& self = *static_cast<Placed*>(handle);",
            *(
                f"  if (take(self.ports.port_{port.name}, {port.name})) self.array.enter({number});"
                for number, port in enumerate(inputs)
            ),
            "  return self.array.step();",
            "}",
            f'extern "C" void {name}_outputs({given}) {{',
            "  const auto& ports = static_cast<Placed*>(handle)->ports;",
            *(f"  give({port.name}, ports.port_{port.name});" for port in outputs),
            "}",
            "",
        ]
    )


def _rows(numbers: tuple[tuple[int, ...], ...]) -> str:
    return ", ".join(f"{{{', '.join(map(str, row))}}}" for row in numbers)


def _member(port: BlockPort) -> str:
    """Verilator's type of a port."""
    for name, bits in (("CData", 8), ("SData", 16), ("IData", 32), ("QData", 64)):
        if port.width <= bits:
            return name
    return f"VlWide<{(port.width + 31) // 32}>"


def _formal(port: BlockPort) -> str:
    """C's type of a DPI argument."""
    if port.width == 1:
        return "svBit*" if port.output else "svBit"
    return "svBitVecVal*" if port.output else "const svBitVecVal*"
