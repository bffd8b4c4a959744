"""A clock cycle of a verilated model, step by step, against Verilator's own ``eval``."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from weft.hw.clock_gate import CLOCK_GATE_SOURCE
from weft.sim.verilator.commands import verilate
from weft.sim.verilator.edge import edge_calls
from weft.sim.verilator.plain import build_plain

GATE = "wire gated; weft_clock_gate a_clock(.i_clk(clk), .i_enable(enable), .o_gated(gated));"


@pytest.mark.parametrize(
    ("body", "calls"),
    [
        ("always @(posedge clk) q <= ~q;", "edge"),
        ("always @(posedge clk) q <= ~q; assign echo = enable;", "inputs edge"),
        (f"{GATE} always @(posedge gated) q <= ~q;", "edge edge"),
        (f"{GATE} always @(posedge gated) q <= ~q; assign echo = enable;", "inputs edge edge"),
        ("reg half = 0; always @(posedge clk) half <= ~half; always @(posedge half) q <= ~q;", "eval eval"),
        ("always @(negedge enable) q <= ~q;", "eval eval"),
    ],
)
def test_a_cycle_evaluates_what_can_change(tmp_path: Path, body: str, calls: str) -> None:
    (tmp_path / "gate.sv").write_text(CLOCK_GATE_SOURCE.read_text())
    (tmp_path / "m.sv").write_text(f"module m(input clk, input enable, output reg q, output echo); {body} endmodule")
    verilate(tmp_path, "Vm", "m", ["m.sv", "gate.sv"], assertions=False)
    code = "".join(edge_calls(tmp_path / "obj", "m"))
    found = re.findall(r"phase__(ico)\(|eval_(nba)\(|model\.(eval)\(", code)
    assert " ".join("inputs" if ico else "edge" if nba else "eval" for ico, nba, _ in found) == calls


# Two gates, one of which opens by what the other's registers do, and a path from an input to an output.
MODEL = """
module m(input clk, input [7:0] x, output [7:0] echo, output reg [7:0] a = 0, b = 0, c = 0);
    wire odd, ripe;
    weft_clock_gate odd_clock(.i_clk(clk), .i_enable(x[0]), .o_gated(odd));
    weft_clock_gate ripe_clock(.i_clk(clk), .i_enable(a[1] ^ x[1]), .o_gated(ripe));
    always @(posedge odd) a <= a + x;
    always @(posedge ripe) b <= b ^ a ^ c;
    always @(posedge clk) c <= b + x;
    assign echo = a ^ x;
endmodule
"""
MAIN = """
#include <cstdio>
#include <cstdlib>
#include "cycle.h"
int main() {
    VerilatedContext first, second;
    Vm whole{&first}, parts{&second};
    whole.eval();
    parts.eval();
    for (int number = 0; number < 10000; ++number) {
        const bool changed = std::rand() % 3 == 0;
        if (changed) whole.x = parts.x = std::rand();
        for (int clk : {0, 1}) {
            whole.clk = clk;
            whole.eval();
        }
        cycle(parts, changed);
        if (parts.a != whole.a || parts.b != whole.b || parts.c != whole.c || parts.echo != whole.echo)
            return std::printf("differs\\n"), 1;
    }
    std::printf("%d %d %d\\n", whole.a, whole.b, whole.c);
}
"""


def test_a_cycle_is_that_of_eval(tmp_path: Path) -> None:
    files = {"m.sv": MODEL, "gate.sv": CLOCK_GATE_SOURCE.read_text(), "main.cpp": MAIN}
    program = build_plain(files, top="m", folder=tmp_path)
    assert "eval()" not in (tmp_path / "cycle.h").read_text()
    ran = subprocess.run([program], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert all(int(word) for word in ran.stdout.split()), "the registers must have moved"
