"""Lowering: which operations share a unit, and what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from weft.compiler.backend.memory import allocate
from weft.compiler.compile import tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module
from weft.compiler.netlist.netlist import Netlist
from weft.compiler.passes.units import lower
from weft.hw.numerics.ops import Op, Reduction
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Pcu, Pmu, Source, Trigger
from weft.hw.spec import FabricSpec
from weft.hw.topology import TileKind

EXAMPLES = Path(__file__).parents[2] / "tests" / "data" / "mapped"
DEMO = PRESETS["demo"]


def _lower(text: str, spec: FabricSpec = DEMO) -> Netlist:
    module = parse_module(text)
    return lower(module, spec, allocate(tensors_of(module), spec)[0])


def _example(name: str) -> Netlist:
    return _lower((EXAMPLES / f"{name}.mlir").read_text())


def _pcus(netlist: Netlist) -> dict[str, Pcu]:
    return {name: unit.program for name, unit in netlist.units.items() if isinstance(unit.program, Pcu)}


def test_a_chain_of_maps_is_one_pcu() -> None:
    (program,) = _pcus(_example("elementwise")).values()
    assert [stage.op for stage in program.stages] == [Op.MUL, Op.ADD, Op.MAX, Op.PASS]


def test_a_product_before_a_sum_is_one_multiply_add() -> None:
    (program,) = _pcus(_example("matmul")).values()
    first, second, *rest = program.stages
    assert (first.op, first.b, first.c) == (Op.MULADD, Source.SCALAR0, Source.ACC)
    assert second == replace(first, a=Source.REG1)  # the other vector of a packed beat
    assert all(stage.op is Op.PASS for stage in rest)
    assert (program.unpack_both, program.drain_stages) == (True, 2)
    assert program.accumulate is Accumulate.DRAIN
    assert (program.acc_row, program.acc_rank, program.stop_rank, program.stop_sub) == (1, 2, 2, 1)
    assert program.unpack
    assert program.unpack_odd  # 20 columns are 3 vectors of 8 lanes


def test_a_sum_over_lanes_ends_in_the_tree() -> None:
    (program,) = _pcus(_example("gather_dot")).values()
    assert program.accumulate is Accumulate.REDUCE
    assert program.reduction is Reduction.SUM
    assert program.scalar_out
    assert not program.vector_out


def test_a_value_with_two_users_ends_its_pcu() -> None:
    assert sorted(_pcus(_example("prefix_sum"))) == ["e", "y"]


def test_every_buffer_read_once_is_a_pmu_with_block_trigger() -> None:
    pmus = [unit.program for unit in _example("top1").units.values() if isinstance(unit.program, Pmu)]
    assert len(pmus) == 3
    assert {pmu.trigger for pmu in pmus} == {Trigger.BLOCK}


def test_nets_join_what_the_text_joins() -> None:
    netlist = _example("top1")
    source = next(net for net in netlist.nets if net.source.unit == "load_x")
    assert sorted(pin.unit for pin in source.targets) == ["again", "max"]
    assert sum(unit.kind is TileKind.AGCU for unit in netlist.units.values()) == 4


HEAD = """builtin.module {
  mapped.tensor @x {shape = array<i64: 8>, format = "f32", role = "input"}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [8]>
"""


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "nobody takes the stream that 'load_x' gives"),
        (
            '  %y = mapped.map "exp" %x : (!mapped.stream<vector, [8]>) -> !mapped.stream<vector, [8]>\n',
            r"nobody takes the result of mapped.map \(y\)",
        ),
        (
            "  %b = mapped.bufferize %x {rank = 1 : i64}"
            " : (!mapped.stream<vector, [8]>) -> !mapped.buffer<vector, [] of [8]>\n",
            "nobody reads a mapped.bufferize",
        ),
        (
            "  mapped.sink %x : !mapped.stream<vector, [8]>\n"
            "  %a = mapped.argument {index = 1 : i64} : !mapped.stream<scalar, []>\n"
            "  %b = mapped.argument {index = 2 : i64} : !mapped.stream<scalar, []>\n",
            "1 have none",
        ),
    ],
)
def test_refusals_are_one_sentence(body: str, sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        _lower(HEAD + body + "}")


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ("base_args = array<i64: 1, 2, 3>", "base_args must be at most 2 arguments, not 3"),
        ("size_args = array<i64: 0, 0>", "size_args must be at most 1, one a dimension, not 2"),
        ("dims = array<i32: 0>", "Expected attribute i64 but got i32"),
    ],
)
def test_attributes_of_a_load_are_checked(attributes: str, sentence: str) -> None:
    text = HEAD.replace("@x :", f"@x {{{attributes}}} :") + "  mapped.sink %x : !mapped.stream<vector, [8]>\n}"
    with pytest.raises(WeftError, match=sentence):
        _lower(text)


def test_a_buffer_larger_than_a_pmu_names_the_change() -> None:
    small = DEMO.replace(pmu_lines=16)
    module = parse_module((EXAMPLES / "matmul.mlir").read_text().replace("24", "240"))
    with pytest.raises(WeftError, match="set pmu_lines=32"):
        lower(module, small, allocate(tensors_of(module), small)[0])


SUMS = """builtin.module {{
  mapped.tensor @x {{shape = array<i64: {shape}>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {shape}>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [{shape}]>
  %y = mapped.{op} "add" %x {{over = 1 : i64, keep = {keep} : i64, init = 0.0 : f32}}
    : (!mapped.stream<vector, [{shape}]>) -> !mapped.stream<vector, [{result}]>
  mapped.linear_store %y in @y {{dims = array<i64: {dims}>}} : (!mapped.stream<vector, [{result}]>) -> ()
}}"""
SHALLOW = DEMO.replace(acc_depth=16)  # and 8 lanes


ROWS: list[tuple[dict[str, object], int]] = [
    ({"op": "accum", "shape": "3, 128", "keep": 1, "result": "128", "dims": "1"}, 16),
    ({"op": "accum", "shape": "3, 129", "keep": 1, "result": "129", "dims": "1"}, 17),
    ({"op": "accum", "shape": "3, 4, 32", "keep": 2, "result": "4, 32", "dims": "1, 2"}, 16),
    ({"op": "accum", "shape": "3, 4, 33", "keep": 2, "result": "4, 33", "dims": "1, 2"}, 20),
    ({"op": "scan", "shape": "3, 136", "keep": 1, "result": "3, 136", "dims": "0, 1"}, 17),
    ({"op": "scan", "shape": "3, 136", "keep": 0, "result": "3, 136", "dims": "0, 1"}, 1),
]
"""Accumulations, and the beats of a row."""


@pytest.mark.parametrize("parts", [parts for parts, beats in ROWS if beats <= 16])
def test_a_row_may_have_acc_depth_beats(parts: dict[str, object]) -> None:
    _lower(SUMS.format(**parts), SHALLOW)


@pytest.mark.parametrize(("parts", "beats"), [(parts, beats) for parts, beats in ROWS if beats > 16])
def test_a_row_of_more_than_acc_depth_beats_is_refused(parts: dict[str, object], beats: int) -> None:
    sentence = rf"a row \[.*\] of mapped\.{parts['op']} \(y\) must be at most acc_depth = 16 beats .*, not {beats}: "
    with pytest.raises(WeftError, match=sentence + "set acc_depth=32"):
        _lower(SUMS.format(**parts), SHALLOW)


SCALARS = """builtin.module {{
  mapped.tensor @x {{shape = array<i64: 3, {size}>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {size}>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> !mapped.stream<vector, [3, {size}]>
  %b = mapped.bufferize %x {{rank = 2 : i64}}
    : (!mapped.stream<vector, [3, {size}]>) -> !mapped.buffer<vector, [] of [3, {size}]>
  %s = mapped.streamify %b : (!mapped.buffer<vector, [] of [3, {size}]>) -> !mapped.stream<scalar, [3, {size}]>
  %y = mapped.accum "add" %s {{over = 1 : i64, keep = 1 : i64, init = 0.0 : f32}}
    : (!mapped.stream<scalar, [3, {size}]>) -> !mapped.stream<scalar, [{size}]>
  %c = mapped.bufferize %y {{rank = 1 : i64}}
    : (!mapped.stream<scalar, [{size}]>) -> !mapped.buffer<scalar, [] of [{size}]>
  %z = mapped.streamify %c : (!mapped.buffer<scalar, [] of [{size}]>) -> !mapped.stream<vector, [{size}]>
  mapped.linear_store %z in @y : (!mapped.stream<vector, [{size}]>) -> ()
}}"""


def test_a_row_of_scalars_has_a_beat_for_each() -> None:
    _lower(SCALARS.format(size=16), SHALLOW)
    with pytest.raises(WeftError, match=r"a row \[17\] of mapped\.accum \(y\) .*, not 17: set acc_depth=32"):
        _lower(SCALARS.format(size=17), SHALLOW)
