"""Transposed reads of buffers: what they give for matrices of many shapes, and which are refused."""

from __future__ import annotations

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import VerifyException

from weft.compiler.backend.memory import allocate, decode, encode
from weft.compiler.compile import compile_module, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module, print_module
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.offchip import LinearLoadOp
from weft.compiler.passes.units import lower
from weft.hw.presets import PRESETS
from weft.hw.program import Pmu
from weft.sim.functional.device import FunctionalDevice
from weft.sim.run import run_program

TINY = PRESETS["tiny"]  # 4 lanes, 64 lines, 5 levels
MEMORY = 1 << 16


def _module(shape: tuple[int, ...], rank: int) -> ModuleOp:
    """y = x with its two last dimensions exchanged, in buffers of ``rank`` dimensions."""
    *outer, rows, columns = shape
    result = [*outer, columns, rows]
    given, turned = (f"!mapped.stream<vector, [{', '.join(map(str, dims))}]>" for dims in (shape, result))
    split = len(shape) - rank
    buffers = f"!mapped.buffer<vector, {list(shape[:split])} of {list(shape[split:])}>"
    return parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: {str(shape)[1:-1]}>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {str(result)[1:-1]}>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> {given}
  %b = mapped.bufferize %x {{rank = {rank} : i64}} : ({given}) -> {buffers}
  %y = mapped.streamify %b {{transposed}} : ({buffers}) -> {turned}
  mapped.linear_store %y in @y : ({turned}) -> ()
}}""")


@pytest.mark.parametrize(
    ("shape", "rank"),
    [
        ((1, 1), 2), ((4, 4), 2), ((3, 2), 2), ((5, 4), 2), ((9, 1), 2), ((64, 3), 2),
        ((4, 8), 2), ((8, 4), 2), ((16, 12), 2), ((3, 7, 4), 2), ((2, 3, 4, 8), 2),
        ((2, 4, 3), 3), ((3, 8, 2), 3), ((2, 4, 8), 3), ((2, 3, 4, 2), 4), ((2, 3, 8, 3), 3),
    ],
)  # fmt: skip
def test_columns_become_rows(shape: tuple[int, ...], rank: int) -> None:
    x = np.random.default_rng().normal(size=shape).astype(np.float32)
    program = compile_module(_module(shape, rank), TINY)
    outputs, _ = run_program(program, TINY, FunctionalDevice(TINY, memory_bytes=MEMORY), {"x": x})
    np.testing.assert_array_equal(outputs["y"], x.swapaxes(-1, -2))


def test_lanes_beyond_the_last_row_are_zero() -> None:
    module = _module((6, 3), 2)
    program = compile_module(module, TINY)
    device = FunctionalDevice(TINY, memory_bytes=MEMORY)
    run_program(program, TINY, device, {"x": np.ones((6, 3), np.float32)})
    region = program.regions["y"]
    lines = device.memory[region.base : region.base + region.size].view(np.float32)[:24].reshape(3, 2, 4)
    assert lines.tolist() == [[[1, 1, 1, 1], [1, 1, 0, 0]]] * 3


DYNAMIC = """builtin.module {
  mapped.tensor @x {shape = array<i64: 20, 3>, format = "f32", role = "input"}
  mapped.tensor @sums {shape = array<i64: 3>, format = "f32", role = "output"}
  %x = mapped.linear_load @x {size_args = array<i64: 1>} : () -> !mapped.stream<vector, [?, 3]>
  %b = mapped.bufferize %x {rank = 2 : i64} : (!mapped.stream<vector, [?, 3]>) -> !mapped.buffer<vector, [] of [?, 3]>
  %y = mapped.streamify %b {transposed} : (!mapped.buffer<vector, [] of [?, 3]>) -> !mapped.stream<vector, [3, ?]>
  %s = mapped.accum "add" %y {over = 1 : i64, keep = 0 : i64, init = 0.0 : f32} : 
    (!mapped.stream<vector, [3, ?]>) -> !mapped.stream<scalar, [3]>
  %c = mapped.bufferize %s {rank = 1 : i64} : (!mapped.stream<scalar, [3]>) -> !mapped.buffer<scalar, [] of [3]>
  %sums = mapped.streamify %c : (!mapped.buffer<scalar, [] of [3]>) -> !mapped.stream<vector, [3]>
  mapped.linear_store %sums in @sums : (!mapped.stream<vector, [3]>) -> ()
}"""


@pytest.mark.parametrize("rows", [1, 4, 6, 13, 20])
def test_the_number_of_rows_can_be_an_argument(rows: int) -> None:
    """Lanes beyond the last row add nothing."""
    program = compile_module(parse_module(DYNAMIC), TINY)
    tensors = {tensor.sym_name.data: tensor for tensor in tensors_of(program.module)}
    x = np.random.default_rng().integers(1, 100, (20, 3)).astype(np.float32)
    device = FunctionalDevice(TINY, memory_bytes=MEMORY)
    source, target = program.regions["x"], program.regions["sums"]
    data = encode(tensors["x"], x, TINY)
    device.memory[source.base : source.base + len(data)] = data
    device.load(program.image)
    device.launch(program.context, {1: rows})
    sums = decode(tensors["sums"], device.memory[target.base : target.base + target.size], TINY)
    np.testing.assert_array_equal(sums, x[:rows].sum(axis=0))


@pytest.mark.parametrize(
    ("shape", "rank", "sentence"),
    [
        ((4, 6), 2, "transposing 'y' takes rows of at most lanes = 4 elements, or rows and columns of multiples of "
                    "lanes, not 4 x 6"),
        ((6, 8), 2, "or rows and columns of multiples of lanes, not 6 x 8"),
        ((2, 6, 3), 3, "transposing several matrices of 6 x 3 in one buffer 'y' takes a multiple of lanes = 4 rows: "
                       "set rank = 2 in its mapped.bufferize, which makes a buffer of each"),
        ((65, 4), 2, "set pmu_lines=128"),
    ],
)  # fmt: skip
def test_shapes_that_do_not_fit_are_refused(shape: tuple[int, ...], rank: int, sentence: str) -> None:
    module = _module(shape, rank)
    with pytest.raises(WeftError, match=sentence):
        lower(module, TINY, allocate(tensors_of(module), TINY)[0])


def test_more_loops_than_a_pmu_has_are_refused() -> None:
    module, small = _module((4, 8), 2), TINY.replace(pmu_levels=2)
    with pytest.raises(WeftError, match="transposing 'y' must take at most pmu_levels = 2 loops, not 3"):
        lower(module, small, allocate(tensors_of(module), small)[0])


def test_a_dynamic_number_of_wide_rows_is_refused() -> None:
    module = parse_module(
        DYNAMIC.replace(", 3", ", 8").replace("[3, ?]", "[8, ?]").replace("[3]", "[8]").replace(": 3>", ": 8>")
    )
    with pytest.raises(WeftError, match=r"or rows and columns of multiples of lanes, not \? x 8"):
        lower(module, TINY, allocate(tensors_of(module), TINY)[0])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("{transposed}", "{transposed, offset = 0 : i64}", "transposed takes no sizes, strides or offset"),
        ("{transposed}", "{transposed, repeat = 0 : i64}", "repeat must be at least 1, not 0"),
        ("{transposed}", "{repeat = 2 : i64}", "repeat is for transposed"),
        ("stream<vector, [5, 3]>", "stream<vector, [15]>", r"result must have the dimensions \[5, 3\]"),
        ("buffer<vector, [] of [3, 5]>", "buffer<vector, [3] of [5]>", "vector buffers of at least 2 dimensions"),
        ("stream<vector, [5, 3]>", "stream<scalar, [5, 3]>", "at least 2 dimensions as vectors"),
    ],
)
def test_the_verifier_says_what_it_expects(old: str, new: str, sentence: str) -> None:
    text = print_module(_module((3, 5), 2))
    assert old in text
    if "of [5]" in new:
        text = text.replace("rank = 2", "rank = 1")
    with pytest.raises(WeftError, match=sentence):
        parse_module(text.replace(old, new))


def test_text_and_constructor_are_one() -> None:
    module = _module((2, 3, 5), 2)
    assert print_module(parse_module(print_module(module))) == print_module(module)
    load = next(op for op in module.walk() if isinstance(op, LinearLoadOp))
    built = StreamifyOp(BufferizeOp(load.result, rank=2).result, transposed=True)
    parsed = next(op for op in module.walk() if isinstance(op, StreamifyOp))
    assert built.result.type == parsed.result.type
    assert built.properties == parsed.properties
    built.verify_()
    with pytest.raises(VerifyException, match="transposed takes no sizes"):
        StreamifyOp(built.buffer, transposed=True, sizes=(3, 5)).verify_()


def test_rows_of_one_beat_are_stored_in_order() -> None:
    module = _module((8, 3), 2)
    netlist = lower(module, TINY, allocate(tensors_of(module), TINY)[0])
    (program,) = (unit.program for unit in netlist.units.values() if isinstance(unit.program, Pmu))
    assert (program.transposed, program.write_levels, program.write_stride) == (True, (), 1)
