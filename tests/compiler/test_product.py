"""`mapped.product`: text, what it refuses, and what it becomes."""

from __future__ import annotations

import numpy as np
import pytest

from weft.compiler.backend.memory import allocate
from weft.compiler.compile import compile_module, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module, print_module
from weft.compiler.netlist.netlist import Netlist
from weft.compiler.passes.units import lower
from weft.compiler.weights.quantised import Quantisation, quantise
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Agcu, Pcu, Pmu, Unpack
from weft.hw.spec import FabricSpec
from weft.sim.functional.device import FunctionalDevice
from weft.sim.run import run_program

DEMO = PRESETS["demo"]
FORMS = list(Quantisation)


def text(
    form: str, rows: int = 70, columns: int = 24, *, groups: int = 0, replace: dict[str, str] | None = None
) -> str:
    outer = f"{groups}, " if groups else ""
    loops = f"{{sizes = array<i64: {groups}, {rows}>, strides = array<i64: 0, 1>}} " if groups else ""
    every = max(groups, 1) * columns
    weights, numbers = f"!mapped.stream<{form}, [{outer}{rows}, {columns}]>", f"!mapped.stream<scalar, [{outer}{rows}]>"
    result = f"""builtin.module {{
  mapped.tensor @w {{shape = array<i64: {outer}{rows}, {columns}>, format = "{form}", role = "weight"}}
  mapped.tensor @x {{shape = array<i64: {rows}>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {every}>, format = "f32", role = "output"}}
  %w = mapped.linear_load @w : () -> {weights}
  %f = mapped.bufferize %w {{rank = 0 : i64}} : ({weights}) -> !mapped.buffer<{form}, [{outer}{rows}, {columns}] of []>
  %q = mapped.streamify %f : (!mapped.buffer<{form}, [{outer}{rows}, {columns}] of []>) -> {weights}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [{rows}]>
  %b = mapped.bufferize %x {{rank = 1 : i64}}
    : (!mapped.stream<vector, [{rows}]>) -> !mapped.buffer<vector, [] of [{rows}]>
  %s = mapped.streamify %b {loops}: (!mapped.buffer<vector, [] of [{rows}]>) -> {numbers}
  %p = mapped.product %s times %q : ({weights}, {numbers}) -> !mapped.stream<vector, [{every}]>
  mapped.linear_store %p in @y : (!mapped.stream<vector, [{every}]>) -> ()
}}
"""
    for old, new in (replace or {}).items():
        assert old in result
        result = result.replace(old, new)
    return result


def lowered(program: str, spec: FabricSpec = DEMO) -> Netlist:
    module = parse_module(program)
    return lower(module, spec, allocate(tensors_of(module), spec)[0])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("groups", [0, 2])
def test_a_product_is_near_numpy(form: Quantisation, groups: int) -> None:
    module = parse_module(text(form.value, groups=groups))
    assert print_module(parse_module(print_module(module))) == print_module(module)
    program = compile_module(module, DEMO)
    source = np.random.default_rng(1)
    shape = (groups, 70, 24) if groups else (70, 24)
    weights, x = source.normal(size=shape).astype(np.float32), source.normal(size=70).astype(np.float32)
    outputs, _ = run_program(program, DEMO, FunctionalDevice(DEMO, memory_bytes=1 << 16), {"w": weights, "x": x})
    stored = quantise(weights, form).values().astype(np.float64)
    np.testing.assert_allclose(outputs["y"], np.einsum("...rc,r->...c", stored, x).ravel(), atol=1e-5)


@pytest.mark.parametrize(("form", "unpack"), [("int8", Unpack.INT8), ("mxfp4", Unpack.MXFP4)])
def test_a_product_is_one_pcu(form: str, unpack: Unpack) -> None:
    netlist = lowered(text(form, groups=2))
    programs = [unit.program for unit in netlist.units.values()]
    (program,) = [each for each in programs if isinstance(each, Pcu)]
    assert (program.unpack, program.unpack_row, program.accumulate) == (unpack, 3, Accumulate.DRAIN)
    assert program.drain_sum
    assert program.drain_scale == (form == "int8")
    assert sum(isinstance(each, Pmu) for each in programs) == 2
    load = next(each for each in programs if isinstance(each, Agcu))
    assert [level.bound for level in load.levels] == [2 * unpack.matrix_beats(70, 3)]


def test_what_needs_no_other_input_shares_its_pcu() -> None:
    vector = "!mapped.stream<vector, [24]>"
    rounded = {
        "  mapped.linear_store %p": f'  %r = mapped.map "bf16" %p : ({vector}) -> {vector}\n  mapped.linear_store %r',
    }
    (program,) = [
        u.program for u in lowered(text("int8", replace=rounded)).units.values() if isinstance(u.program, Pcu)
    ]
    assert program.conversion.name == "TO_BF16"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"@w {shape = array<i64: 70, 24>": "@w {shape = array<i64: 70>"}, "must be that of matrices for int8"),
        ({'format = "int8", role = "weight"': 'format = "int8", role = "cache"'}, "must be a weight or input"),
        ({"<int8,": "<packed,"}, "a int8 tensor moves as int8, not packed"),
        ({"@w : ()": "@w {dims = array<i64: -1, 1>} : ()"}, "must move as a whole"),
        ({"%w {rank = 0": "%w {rank = 1"}, "rank must be 0 for int8"),
        (
            {
                "mapped.product %s times %q": "mapped.flatten %q",
                "(!mapped.stream<int8, [70, 24]>, !mapped.stream<scalar, [70]>)": "(!mapped.stream<int8, [70, 24]>)",
            },
            "only mapped.product takes int8, not mapped.flatten",
        ),
        ({"vector, [24]>": "vector, [70]>"}, r"result must be vector \[24\]"),
    ],
    ids=range(7),
)
def test_what_is_no_product_is_refused(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        lowered(text("int8", replace=change))


def test_matrices_have_known_sizes() -> None:
    with pytest.raises(WeftError, match=r"int8 must be matrices of known sizes, not \[\?, 24\]"):
        parse_module(text("int8", replace={"!mapped.stream<int8, [70, 24]>": "!mapped.stream<int8, [?, 24]>"}))


def test_fabrics_without_room_are_refused() -> None:
    sentence = r"^int8 weights need at least stages = 3, but fabric 'demo' has stages = 2: set stages=3$"
    with pytest.raises(WeftError, match=sentence):
        lowered(text("int8"), DEMO.replace(stages=2))
    with pytest.raises(WeftError, match=r"scalar_inputs = 4 and stages = 4, .*: set scalar_inputs=4 stages=4$"):
        lowered(text("mxfp4"), DEMO.replace(scalar_inputs=2, stages=3))
    with pytest.raises(WeftError, match=r"must be at most acc_depth = 2 beats in fabric .*, not 3: set acc_depth=4"):
        lowered(text("int8"), DEMO.replace(acc_depth=2))
    with pytest.raises(WeftError, match="must be a multiple of lanes = 8, not 20"):
        lowered(text("int8", columns=20, groups=2))
