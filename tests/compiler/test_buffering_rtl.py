"""What the compiler says of deadlocks happens on RTL: too little room hangs, the least that it asks for runs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from buffering_programs import centred, centred_columns, counted
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.buffering import launches_of, shortages
from weft.compiler.backend.fit import fit
from weft.compiler.backend.image import write_image
from weft.compiler.backend.memory import allocate
from weft.compiler.compile import CompiledProgram, compile_module, tensors_of
from weft.compiler.mapped.tensor import Role
from weft.compiler.passes.units import lower
from weft.hw.presets import PRESETS
from weft.sim.compare import compare_launches
from weft.sim.device import DeviceError
from weft.sim.functional.device import FunctionalDevice
from weft.sim.rtl.device import RtlDevice
from weft.sim.run import run_program

SPEC = PRESETS["tiny"]
MEMORY = 1 << 16


@pytest.fixture(params=[None, 3], ids=["no stalls", "stalls"])
def chip(request: pytest.FixtureRequest) -> Iterator[RtlDevice]:
    """A new one for each test: nothing leads out of a hang but a reset."""
    with RtlDevice(SPEC, memory_bytes=MEMORY, watchdog=3000, stalls=request.param) as device:
        yield device


def _as_written(module: ModuleOp) -> tuple[CompiledProgram, bool]:
    """The program with no buffers but its own, and whether the compiler finds it to end."""
    regions, _ = allocate(tensors_of(module), SPEC)
    netlist = lower(module, SPEC, regions)
    mapping = fit(netlist, SPEC)
    program = CompiledProgram(module, 0, regions, mapping, write_image(mapping, 0, spec=SPEC))
    return program, not shortages(netlist, SPEC, launches_of(module, SPEC))


def _run(program: CompiledProgram, chip: RtlDevice) -> None:
    """Run on both devices, which must agree in every bit."""
    (tensor,) = (each for each in tensors_of(program.module) if each.role is Role.INPUT)
    inputs = {"x": np.random.default_rng(1).normal(size=tensor.sizes).astype(np.float32)}
    expected, golden = run_program(program, SPEC, FunctionalDevice(SPEC, memory_bytes=MEMORY), inputs)
    actual, launch = run_program(program, SPEC, chip, inputs)
    np.testing.assert_array_equal(expected["y"].view(np.uint32), actual["y"].view(np.uint32))
    result = compare_launches(golden, launch)
    assert result.compared > 0
    assert result.mismatches == 0, result.first


LEAST = {
    "rows": centred(3, 20),
    "blocks": centred_columns(8, 20, blocks=5),
    "tokens": counted(10),
}
"""Programs that need all the room that they are sure of, and one beat, block or token less would be too little."""
TOO_LITTLE = {
    "rows": centred(3, 80),
    "blocks": centred_columns(8, 20, blocks=2),
    "tokens": counted(30),
}


@pytest.mark.parametrize("name", LEAST)
def test_what_is_just_enough_runs(name: str, chip: RtlDevice) -> None:
    program, ends = _as_written(LEAST[name])
    assert ends
    _run(program, chip)


def test_it_is_just_enough() -> None:
    for module in (centred(3, 24), centred_columns(8, 20, blocks=4), counted(11)):
        assert not _as_written(module)[1]


@pytest.mark.parametrize("name", TOO_LITTLE)
def test_what_is_too_little_hangs(name: str, chip: RtlDevice) -> None:
    program, ends = _as_written(TOO_LITTLE[name])
    assert not ends
    with pytest.raises(DeviceError, match="hung: nothing moved for 3000 cycles"):
        _run(program, chip)


def test_with_the_fifo_that_the_compiler_adds_it_runs(chip: RtlDevice) -> None:
    program = compile_module(TOO_LITTLE["rows"], SPEC)
    assert "y.fifo" in program.mapping.tiles
    _run(program, chip)
