"""A launch of a dynamic size of 0 on RTL: it comes to its end, when the performance model says."""

from __future__ import annotations

import numpy as np
import pytest

from weft.compiler.compile import compile_module
from weft.compiler.mapped import parse_module
from weft.compiler.timing import predict
from weft.hw.presets import PRESETS
from weft.sim.functional.device import FunctionalDevice
from weft.sim.rtl.device import RtlDevice

DEMO = PRESETS["demo"]
ROWS, SIZES = "!mapped.stream<vector, [3, ?, 8]>", "{size_args = array<i64: 0, 2, 0>}"
TEXT = f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: 3, 5, 8>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: 3, 5, 8>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x {SIZES} : () -> {ROWS}
  mapped.linear_store %x in @y {SIZES} : ({ROWS}) -> ()
}}"""


def test_no_rows_between_launches_of_some() -> None:
    program = compile_module(parse_module(TEXT), DEMO)
    functional = FunctionalDevice(DEMO, memory_bytes=1 << 20)
    functional.memory[:] = np.random.default_rng(1).integers(0, 256, 1 << 20, dtype=np.uint8)
    with RtlDevice(DEMO, memory_bytes=1 << 20, record=False, count=False) as chip:
        chip.memory[:] = functional.memory
        for device in (functional, chip):
            device.load(program.image)
        for size in (2, 0, 0, 5):
            functional.launch(program.context, {2: size})
            measured = chip.launch(program.context, {2: size}).cycles
            assert predict(program.mapping, {2: size}).cycles == pytest.approx(measured, abs=2)
            assert np.array_equal(chip.memory[: 1 << 20], functional.memory)
