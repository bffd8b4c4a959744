"""Products of several rows at once: what they give, which are refused, and what a PCU makes of them."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.memory import allocate
from weft.compiler.compile import compile_module, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module, print_module
from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.matmul import MatmulOp
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.mapped.types import Kind, StreamType
from weft.compiler.passes.units import lower
from weft.hw.presets import PRESETS
from weft.hw.program import Pcu
from weft.hw.spec import FabricSpec
from weft.sim.functional.device import FunctionalDevice
from weft.sim.run import run_program

TINY = PRESETS["tiny"]  # 4 lanes, 2 stages, 8 accumulators
FABRIC = TINY.replace(rows=4, columns=4, stages=4)
MEMORY = 1 << 16


def product(rows: int, depth: int, columns: int, *, groups: int = 1, parts: int = 1) -> ModuleOp:
    """y [groups, rows, columns] = x @ w, where x lies as matrices [parts, rows, depth / parts] side by side."""
    module = ModuleOp([])
    add = module.body.block.add_op
    x = TensorOp("x", (parts, rows, depth // parts), format=Format.F32, role=Role.INPUT)
    w = TensorOp("w", (groups, depth, columns), format=Format.BF16X2, role=Role.INPUT)
    y = TensorOp("y", (groups, rows, columns), format=Format.F32, role=Role.OUTPUT)
    given = LinearLoadOp(x, StreamType.make(Kind.VECTOR, x.sizes))
    kept = BufferizeOp(given.result, rank=3)
    turned = StreamifyOp(kept.result, transposed=True, flat=True, repeat=groups)
    packed = LinearLoadOp(w, StreamType.make(Kind.PACKED, w.sizes))
    weights = UnpackOp(packed.result)
    result = MatmulOp(turned.result, weights.result)
    for op in (x, w, y, given, kept, turned, packed, weights, result, LinearStoreOp(result.result, y)):
        add(op)
    module.verify()
    return module


@pytest.mark.parametrize(
    ("rows", "depth", "columns", "groups", "parts"),
    [(1, 8, 8, 1, 1), (2, 12, 16, 1, 1), (3, 4, 13, 2, 1), (4, 16, 32, 3, 1), (4, 24, 20, 2, 3), (3, 6, 7, 1, 2)],
)
def test_every_row_is_multiplied(rows: int, depth: int, columns: int, groups: int, parts: int) -> None:
    source = np.random.default_rng(1)
    x = source.integers(-8, 9, (parts, rows, depth // parts)).astype(np.float32)
    w = source.integers(-8, 9, (groups, depth, columns)).astype(np.float32)
    module = parse_module(print_module(product(rows, depth, columns, groups=groups, parts=parts)))
    device = FunctionalDevice(FABRIC, memory_bytes=MEMORY)
    outputs, _ = run_program(compile_module(module, FABRIC), FABRIC, device, {"x": x, "w": w})
    np.testing.assert_array_equal(outputs["y"], x.transpose(1, 0, 2).reshape(rows, depth) @ w)


def test_every_weight_passes_once() -> None:
    module = product(4, 16, 32)
    netlist = lower(module, FABRIC, allocate(tensors_of(module), FABRIC)[0])
    (program,) = (unit.program for unit in netlist.units.values() if isinstance(unit.program, Pcu))
    assert (program.unpack, program.drain_stages) == (True, 4)


@pytest.mark.parametrize(
    ("spec", "rows", "columns", "sentence"),
    [
        (TINY, 3, 8, "rows of mapped.matmul .* must be at most 2, stages and lanes of a PCU in fabric 'tiny', not 3"),
        (FABRIC, 4, 40, "a row .* of mapped.matmul .* must be at most acc_depth = 8 beats"),
    ],
)
def test_what_a_pcu_cannot_do_is_refused(spec: FabricSpec, rows: int, columns: int, sentence: str) -> None:
    module = product(rows, 8, columns)
    with pytest.raises(WeftError, match=sentence):
        lower(module, spec, allocate(tensors_of(module), spec)[0])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("keep = 1", "keep = 3", "keep must be 1 to 2, the matrix's rank less one, not 3"),
        ("keep = 1", "keep = 2", "columns must have the outer dimensions"),
        ("stream<vector, [1, 2, 8]>", "stream<vector, [1, 4, 8]>", r"result must be vector \[1, 2, 8\]"),
    ],
)
def test_the_verifier_says_what_it_expects(old: str, new: str, sentence: str) -> None:
    lines = print_module(product(2, 12, 8)).splitlines()
    text = "\n".join(line if "linear_load" in line else line.replace(old, new) for line in lines)
    with pytest.raises(WeftError, match=sentence):
        parse_module(text)
