"""The PCU's Verilog with gated clocks, in Verilator: streams from and to files, a clock driven in C++."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from amaranth.back import verilog
from pcu_bench import Given, payloads

from weft.hw.clock_gate import CLOCK_GATE_SOURCE
from weft.hw.fields import Layout
from weft.hw.native import native_cpp, native_verilog
from weft.hw.pcu import Pcu
from weft.hw.program import Pcu as Program
from weft.hw.spec import FabricSpec
from weft.sim.verilator.commands import Optimise, tools
from weft.sim.verilator.environment import build_environment
from weft.sim.verilator.plain import build_plain
from weft.sim.verilator.store import cache_folder, content_key, kept

Beat = tuple[tuple[int, ...], int, bool]

_MAIN = """
#include "Vbench.h"
#include "verilated.h"
#include <cstdlib>
int main(int argc, char** argv) {
    VerilatedContext context;
    context.commandArgs(argc, argv);
    Vbench bench{&context};
    const long cycles = std::atol(argv[1]);
    for (long edge = 0; edge < 2 * cycles; ++edge) {
        bench.clk = edge & 1;
        bench.rst = edge < 6;
        bench.eval();
        context.timeInc(1);
    }
    bench.final();
}
"""

_SOURCE = """
  reg [{high}:0] {port}_beats [0:4095];
  integer {port}_at = 0;
  wire {port}_ready;
  reg {port}_offers = 0;
  initial $readmemh("{port}.hex", {port}_beats);
  // Beats end where the file ended: a word of ones follows.
  wire [{high}:0] {port}_beat = {port}_beats[{port}_at];
  wire {port}_valid = {port}_offers && {port}_beat != {{{width}{{1'b1}}}};
  always @(posedge clk) if (run) begin
    if ({port}_valid && {port}_ready) {port}_at <= {port}_at + 1;
    {port}_offers <= ({port}_valid && !{port}_ready) || !pause[{bit}];
  end
"""

_SINK = """
  wire [{high}:0] {port}_beat;
  wire {port}_valid;
  wire {port}_ready = !pause[{bit}];
  always @(posedge clk) if (run && {port}_valid && {port}_ready) $display("{port} %h %0d", {port}_beat, cycle);
"""


@dataclass(frozen=True)
class VerilogBench:
    """A simulator, and the folder in which it runs."""

    spec: FabricSpec
    simulator: Path
    folder: Path

    @staticmethod
    def make(spec: FabricSpec, folder: Path, *, native: bool = False) -> VerilogBench:
        """Verilate and compile the unit and its bench, unless it was done before."""
        unit = Pcu(spec=spec, clock_gating=True, native=native)
        text = verilog.convert(unit, name="pcu", emit_src=False, strip_internal_attrs=True)
        files = {"pcu.v": text, "bench.sv": _bench(spec), "main.cpp": _MAIN}
        files |= {CLOCK_GATE_SOURCE.name: CLOCK_GATE_SOURCE.read_text()}
        if native:
            files |= {**native_verilog(), **native_cpp()}
        made = kept(cache_folder() / "benches", content_key(tools(), sorted(files.items())), partial(_build, files))
        return VerilogBench(spec, made / "simulator", folder)

    def run(
        self, program: Program, vector: Given, scalar: Given, *, cycles: int, seed: int = 0
    ) -> tuple[list[Beat], list[Beat]]:
        """Beats of the vector and of the scalar output; ``seed`` 0 makes no pauses."""
        return self.received(self.arrivals(program, vector, scalar, cycles=cycles, seed=seed))

    def received(self, lines: Sequence[str]) -> tuple[list[Beat], list[Beat]]:
        """Beats of the vector and of the scalar output from what :meth:`arrivals` gives."""
        received: dict[str, list[Beat]] = {"vector_out_0": [], "scalar_out_0": []}
        for line in lines:
            port, word, _ = line.split()
            received[port].append(_beat(int(word, 16), _width(self.spec, port[:6]), self.spec.stop_bits))
        return received["vector_out_0"], received["scalar_out_0"]

    def arrivals(self, program: Program, vector: Given, scalar: Given, *, cycles: int, seed: int = 0) -> list[str]:
        """What :meth:`run` gives as it was printed: port, payload and cycle of each beat."""
        words = Layout(Program, self.spec).pack(program)
        (self.folder / "program.hex").write_text(f"{sum(word << 32 * i for i, word in enumerate(words)):x}\n")
        for name, count, given in (
            ("vector", self.spec.vector_inputs, vector),
            ("scalar", self.spec.scalar_inputs, scalar),
        ):
            for number in range(count):
                beats = payloads(given[number] if number < len(given) else None, self.spec.stop_bits)
                width = _width(self.spec, name)
                lines = [f"{word:x}" for word in [*beats, (1 << width) - 1]]
                (self.folder / f"{name}_in_{number}.hex").write_text("\n".join(lines) + "\n")
        text = _run([str(self.simulator), str(cycles), f"+seed={seed}"], self.folder)
        return [line for line in text.splitlines() if line.split()[0] in ("vector_out_0", "scalar_out_0")]


def _build(files: Mapping[str, str], work: Path, result: Path) -> None:
    build_plain(files, top="bench", folder=work, optimise=Optimise.SHORT).rename(result / "simulator")


def _width(spec: FabricSpec, network: str) -> int:
    return 32 * (spec.lanes if network == "vector" else 1) + spec.stop_bits + 1


def _beat(word: int, width: int, stop_bits: int) -> Beat:
    data = width - stop_bits - 1
    lanes = tuple(word >> at & 0xFFFFFFFF for at in range(0, data, 32))
    return lanes, word >> data & ((1 << stop_bits) - 1), bool(word >> (width - 1))


def _bench(spec: FabricSpec) -> str:
    bits = Layout(Program, spec).bits
    ports: list[str] = []
    body: list[str] = []
    inputs = [("vector", spec.vector_inputs), ("scalar", spec.scalar_inputs)]
    for name, direction, count in [*((n, "in", c) for n, c in inputs), ("vector", "out", 1), ("scalar", "out", 1)]:
        width = _width(spec, name)
        for number in range(count):
            port = f"{name}_{direction}_{number}"
            template = _SOURCE if direction == "in" else _SINK
            body.append(template.format(port=port, high=width - 1, width=width, bit=len(body)))
            wires = ("payload", f"{port}_beat"), ("valid", f"{port}_valid"), ("ready", f"{port}_ready")
            ports += [f".{name}_{direction}__{number}__{wire}({value})" for wire, value in wires]
    return "\n".join(
        [
            "module bench(input clk, input rst);",
            "  integer seed = 0; reg [31:0] noise = 1; reg run = 0; integer cycle = 0;",
            f"  reg [{bits - 1}:0] words [0:0];",
            '  initial begin $readmemh("program.hex", words); if (!$value$plusargs("seed=%d", seed)) seed = 0; end',
            "  always @(posedge clk) begin",
            "    if (!rst) cycle <= cycle + 1;",
            "    run <= cycle > 2;",
            "    noise <= cycle == 0 ? seed : {noise[30:0], noise[31] ^ noise[21] ^ noise[1] ^ noise[0]};",
            "  end",
            "  wire [31:0] pause = seed == 0 ? 0 : noise & (noise * 32'h9E3779B1);",
            *body,
            f"  pcu dut(.clk(clk), .rst(rst), .launch(cycle == 2), .\\program (words[0]), {', '.join(ports)});",
            "endmodule",
            "",
        ]
    )


def _run(command: Sequence[str], folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, env=build_environment(), capture_output=True, text=True, check=False)
    assert result.returncode == 0, f"{command[0]}: {result.stdout[-2000:]}{result.stderr[-2000:]}"
    return result.stdout
