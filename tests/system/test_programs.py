"""Programs that are no decoders: what is compiled gives what the oracle and NumPy give, on three fabrics and RTL."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import pytest
from program_cases import CASES, ProgramCase

from weft.compiler.compile import CompiledProgram, compile_program
from weft.compiler.interpreter import Interpretation, compare, interpret
from weft.compiler.step import parse_program
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.compare import compare_launches
from weft.sim.functional.device import FunctionalDevice
from weft.sim.program_run import run_compiled
from weft.sim.rtl.device import RtlDevice

FABRICS = {lanes: PRESETS["demo"] if lanes == 8 else PRESETS["demo"].replace(lanes=lanes) for lanes in (4, 8, 16)}
MEMORY = 1 << 20


@cache
def meant(name: str) -> Interpretation:
    case = CASES[name]
    return interpret(parse_program(case.text, name), case.inputs, case.sizes)


@cache
def compiled(name: str, spec: FabricSpec) -> CompiledProgram:
    return compile_program(parse_program(CASES[name].text, name), spec)


def check(case: ProgramCase, name: str, outputs: dict[str, np.ndarray]) -> None:
    """Within the oracle's bounds, and near what NumPy computed with float64."""
    assert outputs.keys() == case.want.keys() == meant(name).outputs.keys()
    for output, values in outputs.items():
        verdict = compare(output, meant(name).outputs[output], values)
        assert verdict.agrees, verdict.sentence
        assert verdict.unjudged == 0, verdict.sentence
        want = case.want[output]
        np.testing.assert_allclose(values, want, rtol=1e-5, atol=1e-5 * float(np.abs(want).max(initial=1)))


@pytest.mark.parametrize("lanes", sorted(FABRICS))
@pytest.mark.parametrize("name", sorted(CASES))
def test_functional_keeps_the_meaning(name: str, lanes: int) -> None:
    case, spec = CASES[name], FABRICS[lanes]
    device = FunctionalDevice(spec, memory_bytes=MEMORY)
    outputs, _ = run_compiled(compiled(name, spec), spec, device, case.inputs, case.sizes)
    check(case, name, outputs)


@pytest.fixture(
    scope="module", params=[8, pytest.param(4, marks=pytest.mark.long), pytest.param(16, marks=pytest.mark.long)]
)
def chip(request: pytest.FixtureRequest) -> Iterator[RtlDevice]:
    # Counters take longer to read than most programs to run, and test_sleeping_tiles.py has them.
    with RtlDevice(FABRICS[request.param], memory_bytes=MEMORY, stalls=3, count=False) as device:
        yield device


@pytest.mark.parametrize("name", sorted(CASES))
def test_rtl_equals_functional_bit_for_bit(chip: RtlDevice, name: str) -> None:
    case, spec = CASES[name], chip.spec
    program = compiled(name, spec)
    golden = FunctionalDevice(spec, memory_bytes=MEMORY)
    expected, launch = run_compiled(program, spec, golden, case.inputs, case.sizes)
    actual, on_rtl = run_compiled(program, spec, chip, case.inputs, case.sizes)
    for output, values in expected.items():
        np.testing.assert_array_equal(values.view(np.uint32), actual[output].view(np.uint32))
    result = compare_launches(launch, on_rtl)
    assert result.compared > 0
    assert result.mismatches == 0, result.first
    check(case, name, actual)
