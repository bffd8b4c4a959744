"""A whole chip with native arithmetic: the functional device's bits, in the cycles of the real logic."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from weft.compiler.compile import compile_module
from weft.compiler.mapped import parse_module
from weft.hw.presets import PRESETS
from weft.sim.compare import compare_launches
from weft.sim.functional.device import FunctionalDevice
from weft.sim.rtl.device import RtlDevice
from weft.sim.run import run_program

EXAMPLES = Path(__file__).parents[2] / "tests" / "data" / "mapped"
# The fabric and the simulator of test_rtl_device.py.
SPEC = PRESETS["tiny"]
MEMORY = 1 << 20
STALLS = 3


@pytest.fixture(scope="module")
def native() -> Iterator[RtlDevice]:
    with RtlDevice(SPEC, memory_bytes=MEMORY, stalls=STALLS, arith="native") as device:
        yield device


@pytest.fixture(scope="module")
def real() -> Iterator[RtlDevice]:
    with RtlDevice(SPEC, memory_bytes=MEMORY, stalls=STALLS) as device:
        yield device


def _matmul() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(5)
    w = rng.normal(size=(24, 20)).astype(np.float32)
    w = (w.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    return {"x": rng.normal(size=(5, 24)).astype(np.float32), "w": w}


def _prefix_sum() -> dict[str, np.ndarray]:
    return {"x": np.random.default_rng(6).normal(size=(3, 9, 14)).astype(np.float32)}


@pytest.mark.parametrize(("name", "inputs"), [("matmul", _matmul()), ("prefix_sum", _prefix_sum())])
def test_native_equals_functional_and_takes_the_cycles_of_real_logic(
    native: RtlDevice, real: RtlDevice, name: str, inputs: dict[str, np.ndarray]
) -> None:
    program = compile_module(parse_module((EXAMPLES / f"{name}.mlir").read_text()), SPEC)
    expected, golden = run_program(program, SPEC, FunctionalDevice(SPEC, memory_bytes=MEMORY), inputs)
    actual, launch = run_program(program, SPEC, native, inputs)
    for key, values in expected.items():
        np.testing.assert_array_equal(values.view(np.uint32), actual[key].view(np.uint32))
    compared = compare_launches(golden, launch)
    assert compared.compared > 0
    assert compared.mismatches == 0, compared.first
    _, slower = run_program(program, SPEC, real, inputs)
    assert launch.cycles == slower.cycles
    assert launch.counters == slower.counters


def test_an_unknown_arithmetic_is_refused() -> None:
    with pytest.raises(ValueError, match="arith must be one of native, rtl, not 'host'"):
        RtlDevice(SPEC, memory_bytes=MEMORY, arith="host")
