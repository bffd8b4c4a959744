"""Multiply-adds a CPU second of a PCU whose arithmetic never rests, native and real logic, on one core; their ratio."""

from __future__ import annotations

import random
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from amaranth.back import verilog
from results import Result, result, run

from weft.hw.clock_gate import CLOCK_GATE_SOURCE
from weft.hw.fields import Layout
from weft.hw.native import native_cpp, native_verilog
from weft.hw.numerics.ops import Op
from weft.hw.pcu import Pcu
from weft.hw.presets import PRESETS
from weft.hw.program import Pcu as Program
from weft.hw.program.pcu import Accumulate, Input, InputMode, Source, Stage
from weft.hw.spec import FabricSpec
from weft.sim.verilator.plain import build_plain

_figure = partial(result, better="higher", command="python benchmarks/bench_arith.py --out FILE")
_TARGET = 6.0
_ROWS = 64  # products added up in each accumulator

_MAIN = """
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include "cycle.h"
#include "verilated.h"
int main(int, char** argv) {
    VerilatedContext context;
    Vbench bench{&context};
    const long cycles = std::atol(argv[1]);
    bench.eval();
    const std::clock_t begun = std::clock();
    for (long number = 0; number < cycles; ++number) {
        bench.rst = number < 3;
        cycle(bench, true);
    }
    std::printf("%u %u %f\\n", bench.sum, bench.taken, double(std::clock() - begun) / CLOCKS_PER_SEC);
}
"""


def measure(fabric: str, cycles: int, rounds: int) -> list[Result]:
    """Results for the PCU of a preset, the best of ``rounds`` runs each, the two kinds in turn."""
    spec = PRESETS[fabric]
    best = {"native": 0.0, "rtl": 0.0}
    sums: set[str] = set()
    with tempfile.TemporaryDirectory() as folder:
        programs = {arith: _build(spec, Path(folder) / arith, native=arith == "native") for arith in best}
        for _ in range(rounds):
            for arith, program in programs.items():
                rate, checksum = _rate(spec, program, cycles)
                best[arith] = max(best[arith], rate)
                sums.add(checksum)
    if len(sums) > 1:
        raise RuntimeError("native and real logic must give the same results")
    return [
        *(_figure(f"muladds_{fabric}_{arith}", rate / 1e6, "M/s") for arith, rate in best.items()),
        _figure(f"muladds_{fabric}_ratio", best["native"] / best["rtl"], "", target=_TARGET),
    ]


def _rate(spec: FabricSpec, program: Path, cycles: int) -> tuple[float, str]:
    """Multiply-adds a CPU second, and a checksum of the results. A beat meets a scalar in every stage and lane."""
    run = subprocess.run([program, str(cycles)], cwd=program.parents[1], capture_output=True, text=True, check=True)
    checksum, beats, seconds = run.stdout.split()
    if int(beats) < cycles // 2:
        raise RuntimeError(f"the PCU must be busy in most of the {cycles} cycles, not in {beats}")
    return int(beats) * spec.lanes * spec.stages / float(seconds), checksum


def _build(spec: FabricSpec, folder: Path, *, native: bool) -> Path:
    """The PCU under Verilator, fed with a beat a cycle."""
    unit = Pcu(spec=spec, clock_gating=True, native=native)
    files = {"pcu.v": verilog.convert(unit, name="pcu", emit_src=False, strip_internal_attrs=True)}
    files |= {"bench.sv": _bench(spec), "main.cpp": _MAIN, CLOCK_GATE_SOURCE.name: CLOCK_GATE_SOURCE.read_text()}
    if native:
        files |= {**native_verilog(), **native_cpp()}
    program = build_plain(files, top="bench", folder=folder)
    _write_beats(spec, folder)
    return program


def _program(spec: FabricSpec) -> Program:
    """An outer product: every stage has a scalar stream of its own."""
    stages = [
        Stage(Op.MULADD, Source.REG0, Source.scalar(number % spec.scalar_inputs), Source.ACC, dst=0)
        for number in range(spec.stages)
    ]
    return Program(
        vector=(Input(InputMode.EACH),),
        scalar=tuple(Input(InputMode.HOLD, 1) for _ in range(spec.scalar_inputs)),
        stages=tuple(stages),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_stages=spec.stages,
        vector_out=True,
    )


def _write_beats(spec: FabricSpec, folder: Path) -> None:
    """A block of rows of bf16 vectors, scalars to go with them, and the program."""
    rng = random.Random(1)

    def number() -> int:
        return 0x3F800000 + (rng.getrandbits(9) << 16) - (1 << 23) | rng.getrandbits(1) << 31

    beats = []
    for row in range(_ROWS):
        for place in range(spec.acc_depth):
            stop = 0 if place < spec.acc_depth - 1 else 1 if row < _ROWS - 1 else 2
            data = sum(number() << 32 * lane for lane in range(spec.lanes))
            beats.append(data | stop << 32 * spec.lanes)
    (folder / "vector.hex").write_text("\n".join(f"{beat:x}" for beat in beats) + "\n")
    (folder / "scalar.hex").write_text("\n".join(f"{number():x}" for _ in range(_ROWS)) + "\n")
    words = Layout(Program, spec).pack(_program(spec))
    (folder / "program.hex").write_text(f"{sum(word << 32 * i for i, word in enumerate(words)):x}\n")


def _bench(spec: FabricSpec) -> str:
    count = _ROWS * spec.acc_depth
    width, scalar_width = 32 * spec.lanes + spec.stop_bits + 1, 32 + spec.stop_bits + 1
    ports = [".vector_in__0__payload(beats[at])", ".vector_in__0__valid(run)", ".vector_in__0__ready(ready)"]
    ports += [
        ".vector_out__0__payload(result)",
        ".vector_out__0__valid(valid)",
        ".vector_out__0__ready(1'b1)",
        ".scalar_out__0__ready(1'b1)",
    ]
    folded = " + ".join(f"result[{32 * lane} +: 32]" for lane in range(spec.lanes))
    body: list[str] = []
    for number in range(spec.scalar_inputs):
        body += [
            f"  reg [31:0] at_{number} = {number}; wire ready_{number};",
            f"  always @(posedge clk) if (run && ready_{number}) at_{number} <= (at_{number} + 1) % {_ROWS};",
        ]
        pins = (("payload", f"scalars[at_{number}]"), ("valid", "run"), ("ready", f"ready_{number}"))
        ports += [f".scalar_in__{number}__{pin}({value})" for pin, value in pins]
    return "\n".join(
        [
            "module bench(input clk, input rst, output reg [31:0] taken, output reg [31:0] sum);",
            f"  reg [{width - 1}:0] beats [0:{count - 1}]; reg [{scalar_width - 1}:0] scalars [0:{_ROWS - 1}];",
            f"  reg [{Layout(Program, spec).bits - 1}:0] words [0:0];",
            "  reg launch = 0, run = 0; reg [31:0] at = 0; wire ready; initial taken = 0;",
            '  initial begin $readmemh("vector.hex", beats); $readmemh("scalar.hex", scalars);',
            '    $readmemh("program.hex", words); end',
            "  always @(posedge clk) begin",
            "    launch <= rst; run <= !rst && (launch || run);",
            f"    if (run && ready) begin at <= (at + 1) % {count}; taken <= taken + 1; end",
            "  end",
            # Without it Verilator would leave out all that leads to the output.
            f"  wire [{width - 1}:0] result; wire valid; initial sum = 0;",
            f"  always @(posedge clk) if (valid) sum <= sum * 31 + {folded};",
            *body,
            # As in a tile: what follows from the program alone rests.
            f"  reg [{Layout(Program, spec).bits - 1}:0] shown; wire config_clk;",
            "  weft_clock_gate config_clock(.i_clk(clk), .i_enable(rst), .o_gated(config_clk));",
            "  always @(posedge config_clk) shown <= words[0];",
            f"  pcu dut(.clk(clk), .rst(rst), .launch(launch), .\\program (shown), {', '.join(ports)});",
            "endmodule",
            "",
        ]
    )


if __name__ == "__main__":
    run(measure, __doc__, choices={"fabric": sorted(PRESETS)}, fabric="demo", cycles=200_000, rounds=10)
