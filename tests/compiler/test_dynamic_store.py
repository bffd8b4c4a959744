"""Stores of streams with dynamic dimensions inside: the launch argument says where the next row begins."""

from __future__ import annotations

import numpy as np
import pytest

from weft.compiler.backend.memory import decode, encode
from weft.compiler.compile import compile_module, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module, print_module
from weft.hw.presets import PRESETS
from weft.sim.functional.device import FunctionalDevice
from weft.sim.run import memory_needed

DEMO = PRESETS["demo"]
SHAPE = (3, 5, 8)
TEXT = """builtin.module {
  mapped.tensor @x {shape = array<i64: 3, 5, 8>, format = "f32", role = "input"}
  mapped.tensor @y {shape = array<i64: 3, 5, 8>, format = "f32", role = "output"}
  %x = mapped.linear_load @x {size_args = array<i64: 0, 2, 0>} : () -> !mapped.stream<vector, [3, ?, 8]>
  mapped.linear_store %x in @y {size_args = array<i64: 0, 2, 0>} : (!mapped.stream<vector, [3, ?, 8]>) -> ()
}"""
STORED = "in @y {size_args = array<i64: 0, 2, 0>}"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_each_row_is_stored_where_it_begins(size: int) -> None:
    module = parse_module(TEXT)
    assert print_module(parse_module(print_module(module))) == print_module(module)
    program = compile_module(module, DEMO)
    device = FunctionalDevice(DEMO, memory_bytes=memory_needed(program))
    tensors = {tensor.sym_name.data: tensor for tensor in tensors_of(module)}
    given = np.random.default_rng(size).normal(size=SHAPE).astype(np.float32)
    place = program.regions["x"].base
    raw = encode(tensors["x"], given, DEMO)
    device.memory[place : place + len(raw)] = raw
    device.load(program.image)
    device.launch(0, {2: size})
    expected = np.zeros(SHAPE, np.float32)
    expected[:, :size] = given[:, :size]
    np.testing.assert_array_equal(decode(tensors["y"], device.memory[program.regions["y"].base :], DEMO), expected)


@pytest.mark.parametrize(
    ("stored", "sentence"),
    [
        ("in @y", "size_args must name an argument for each dynamic dimension and 0 for the others"),
        ("in @y {size_args = array<i64: 0, 2, 2>}", "size_args must name an argument for each dynamic dimension"),
        ("in @y {size_args = array<i64: 0, 2, 0, 0>}", "size_args must be at most 3, one a dimension, not 4"),
    ],
)
def test_sizes_that_are_not_known_are_refused(stored: str, sentence: str) -> None:
    assert STORED in TEXT
    with pytest.raises(WeftError, match=sentence):
        parse_module(TEXT.replace(STORED, stored))
