"""The benches in which a real unit and the native function meet: both in one Verilated model, on the same operands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from weft.hw.arith import Convert, FunctionUnit, Multiplier, ReductionTree, SpecialFunction
from weft.hw.native import native_cpp, native_verilog
from weft.hw.yosys import to_verilog
from weft.sim.verilator.plain import build_plain

__all__ = ["LANES", "MODELS", "Model", "build_model"]

LANES = 8
"""Sets of operands a cycle; eight units side by side keep the overhead of a cycle small."""

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Model:
    """A real unit: how it is made, its latency, operands of a lane, the native module beside it."""

    unit: Any
    latency: int
    operands: int
    native: str
    tree: bool = False


MODELS = {
    "functions": Model(FunctionUnit, FunctionUnit.latency, 3, "weft_native_functions"),
    # The multiplier alone, a third of the function unit: for more operands in the same time.
    "products": Model(Multiplier, FunctionUnit.latency, 2, "weft_native_functions"),
    "specials": Model(SpecialFunction, SpecialFunction.latency, 1, "weft_native_specials"),
    "conversions": Model(Convert, Convert.latency, 1, "weft_native_conversions"),
    "reduction": Model(
        lambda: ReductionTree(lanes=LANES), ReductionTree.latency_of(LANES), 1, "weft_native_reduction", tree=True
    ),
}


def build_model(name: str, folder: Path, cpp: Mapping[str, str] | None = None) -> Path:
    """Build a bench in ``folder``; ``cpp`` takes the place of the native functions' sources. Returns the executable."""
    model = MODELS[name]
    constants = {
        "LANES": LANES,
        "OPERANDS": model.operands,
        "DELAY": model.latency + 1,
        "TREE": int(model.tree),
        "RESULTS": 1 if model.tree else LANES,
    }
    files = {
        "unit.v": to_verilog(model.unit(), "unit"),
        "bench.sv": _bench(model),
        "bench.h": "".join(f"#define {key} {value}\n" for key, value in constants.items()),
        "compare.cpp": (_HERE / "compare.cpp").read_text(),
        **native_verilog(),
        **(native_cpp() if cpp is None else cpp),
    }
    return build_plain(files, top="bench", folder=folder)


def _bench(model: Model) -> str:
    """SystemVerilog of the bench: operands of a set enter together and leave DELAY cycles later, from both units."""
    words = 32 * LANES
    results = 32 if model.tree else words
    lines = [
        f"module bench(input clk, input [3:0] op, input [{words - 1}:0] next_a, input [{words - 1}:0] next_b,",
        f"  input [{words - 1}:0] next_c, output [{results - 1}:0] real_r, output [{results - 1}:0] native_r);",
        # Registers, because Verilator computes what follows from an input at both edges of the clock.
        f"  reg [{words - 1}:0] a, b, c, later_c;",
        "  always @(posedge clk) begin a <= next_a; b <= next_b; c <= next_c; later_c <= c; end",
    ]
    if model.tree:
        lines.append("  unit tree(.clk(clk), .rst(1'b0), .op(op[1:0]), .x(a), .r(real_r));")
        parameters = f"#(.LANES({LANES}), .LATENCY({model.latency}))"
    else:
        lines += [_real_lane(model, lane) for lane in range(LANES)]
        parameters = f"#(.LANES({LANES}))"
    if model.native == "weft_native_functions":
        operation = "4'd1" if model.operands == 2 else "op"
        ports = f".op({operation}), .a(a), .b(b), .c(later_c), .bypass({LANES}'b0)"
    else:
        ports = ".op(op), .x(a)"
    lines += [f"  {model.native} {parameters} host(.clk(clk), .valid(1'b1), {ports}, .r(native_r));", "endmodule", ""]
    return "\n".join(lines)


def _real_lane(model: Model, lane: int) -> str:
    word = f"[{32 * lane} +: 32]"
    if model.operands == 3:
        ports = f".op(op), .a(a{word}), .b(b{word}), .c(later_c{word}), .bypass(1'b0), .r(real_r{word})"
    elif model.operands == 2:
        wait = f"  reg [31:0] p{lane}, q{lane}; wire [31:0] r{lane}; assign real_r{word} = q{lane};\n"
        wait += f"  always @(posedge clk) begin p{lane} <= r{lane}; q{lane} <= p{lane}; end\n"
        return f"{wait}  unit u{lane}(.clk(clk), .rst(1'b0), .a(a{word}), .b(b{word}), .r(r{lane}));"
    else:
        ports = f".op(op), .x(a{word}), .r(real_r{word})"
    return f"  unit u{lane}(.clk(clk), .rst(1'b0), {ports});"
