"""Programs whose tensors lie beyond 4 GiB, with memory of which only what is touched exists."""

from __future__ import annotations

import numpy as np
import pytest

from weft.compiler.compile import compile_program
from weft.compiler.errors import WeftError
from weft.compiler.step.dialect import parse_program
from weft.hw.presets import PRESETS
from weft.sim.functional.device import FunctionalDevice

TINY = PRESETS["tiny"]  # 4 lanes
GIB = 1 << 30


def test_a_row_beyond_4_gib_by_an_argument() -> None:
    text = """
        step.dimension @n <= 11999999
        step.tensor @x : f32 [12000000, 128] input
        step.tensor @y : f32 [1, 128] output
        %x = step.load @x from [n, 0] : !step.stream<f32, [1, 128]>
        step.store %x in @y
    """
    compiled, n = compile_program(parse_program(text), TINY), 11_000_000
    arguments = compiled.arguments({"n": n})
    assert 32 * n in arguments.values(), "vector beats before the row"
    x, y = compiled.regions["x"], compiled.regions["y"]
    assert y.base >= x.size == 12_000_000 * 512 > 4 * GIB
    device, row = FunctionalDevice(TINY, memory_bytes=7 * GIB), np.arange(128, dtype=np.float32)
    device.memory[x.base + 512 * n :][:512] = row.view(np.uint8)
    device.load(compiled.image)
    device.launch(compiled.context, arguments)
    assert device.memory[y.base :][:512].view(np.float32).tolist() == row.tolist()


def test_an_argument_has_32_bits() -> None:
    text = """
        step.dimension @n <= 16000000
        step.tensor @x : f32 [16000001, 2048] input
        step.tensor @y : f32 [1, 2048] output
        %x = step.load @x from [n, 0] : !step.stream<f32, [1, 2048]>
        step.store %x in @y
    """
    compiled = compile_program(parse_program(text), TINY)
    assert max(compiled.arguments({"n": 8_000_000}).values()) == 8_000_000 * 512 < 1 << 32
    with pytest.raises(WeftError, match=r"^what a launch argument says of size n must fit 32 bits, not 8192000000$"):
        compiled.arguments({"n": 16_000_000})
