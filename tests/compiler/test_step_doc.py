"""The programs of docs/step.md compile, and compute what they mean."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from weft.compiler.compile import compile_program
from weft.compiler.interpreter import compare, interpret
from weft.compiler.step import Element, parse_program
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.loop import LoopOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.hw.presets import PRESETS
from weft.sim.functional.device import FunctionalDevice
from weft.sim.program_run import run_compiled
from weft.sim.run import memory_needed

DOCS = Path(__file__).resolve().parents[2] / "docs"
PROGRAMS = re.findall(r"^```mlir\n(.*?)^```$", (DOCS / "step.md").read_text(), re.MULTILINE | re.DOTALL)


def test_there_are_programs() -> None:
    assert len(PROGRAMS) >= 9


@pytest.mark.parametrize("text", PROGRAMS, ids=lambda text: text.split("@")[1].split(" ")[0])
def test_program_computes_what_it_means(text: str) -> None:
    program, spec, rng = parse_program(text), PRESETS["demo"], np.random.default_rng(1)
    iterations = next((op.iterations for op in program.ops if isinstance(op, LoopOp)), 1)
    inputs = {}
    for tensor in program.ops:
        if isinstance(tensor, TensorOp) and tensor.role in (Role.INPUT, Role.WEIGHT):
            shape = tensor.sizes if tensor.each is None else (iterations, *tensor.sizes)
            normal = rng.normal(size=shape).astype(np.float32)
            inputs[tensor.label] = rng.integers(0, 5, shape) if tensor.element is Element.I32 else normal
    compiled = compile_program(program, spec)
    sizes = {op.sym_name.data: op.largest for op in program.ops if isinstance(op, DimensionOp)}
    meant = interpret(program, inputs, sizes)
    device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
    outputs, _ = run_compiled(compiled, spec, device, inputs, sizes)
    assert outputs
    for name, values in outputs.items():
        verdict = compare(name, meant.outputs[name], values)
        assert verdict.agrees, verdict.sentence
