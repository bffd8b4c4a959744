"""The programs in `examples/`: none is a decoder, all run on the same tiles, on two fabrics, equal to plain NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from weft.compiler.compile import compile_module
from weft.compiler.mapped import parse_module, print_module
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.compare import compare_launches
from weft.sim.functional.device import FunctionalDevice
from weft.sim.rtl.device import RtlDevice
from weft.sim.run import run_program

EXAMPLES = Path(__file__).parents[2] / "tests" / "data" / "mapped"
FABRICS = {"tiny": PRESETS["tiny"].replace(columns=3), "demo": PRESETS["demo"]}
MEMORY = 1 << 20

Arrays = dict[str, np.ndarray]


def _bf16(values: np.ndarray) -> np.ndarray:
    return (values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)


def _random(seed: int) -> dict[str, Arrays]:
    rng = np.random.default_rng(seed)
    normal = lambda *shape: rng.normal(size=shape).astype(np.float32)  # noqa: E731
    return {
        "elementwise": {"a": normal(6, 21), "b": normal(6, 21)},
        "matmul": {"x": normal(5, 24), "w": _bf16(normal(24, 20))},
        "top1": {"x": normal(4, 50)},
        "prefix_sum": {"x": normal(3, 9, 14)},
        "transpose": {"x": normal(3, 10, 3), "w": normal(8, 16)},
        "turns": {"start": normal(11), "x": normal(5, 11)},
        "gather_dot": {"index": rng.integers(0, 12, 7), "table": normal(12, 19), "v": normal(19)},
    }


EXPECTED: dict[str, Callable[[Arrays], Arrays]] = {
    "elementwise": lambda i: {"y": np.maximum(i["a"] * i["b"] + np.float32(0.5), 0)},
    "matmul": lambda i: {"y": i["x"].astype(np.float64) @ i["w"]},
    "top1": lambda i: {"top": i["x"].max(axis=1), "place": i["x"].argmax(axis=1)},
    "prefix_sum": lambda i: {"y": i["x"].cumsum(axis=1), "e": np.exp(i["x"].cumsum(axis=1, dtype=np.float64))},
    "transpose": lambda i: {"y": i["x"].transpose(0, 2, 1), "v": i["w"].T},
    "turns": lambda i: {"y": i["start"] + i["x"].cumsum(axis=0, dtype=np.float64)},
    "gather_dot": lambda i: {"y": i["table"][i["index"]].astype(np.float64) @ i["v"]},
}


@pytest.fixture(scope="module", params=sorted(FABRICS))
def fabric(request: pytest.FixtureRequest) -> tuple[FabricSpec, str]:
    return FABRICS[request.param], request.param


@pytest.fixture(scope="module")
def chip(fabric: tuple[FabricSpec, str]) -> Iterator[RtlDevice]:
    with RtlDevice(fabric[0], memory_bytes=MEMORY, stalls=3, count=False) as device:
        yield device


def test_there_is_an_expectation_for_every_example() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.mlir")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_text_parses_back(name: str) -> None:
    text = print_module(parse_module((EXAMPLES / f"{name}.mlir").read_text()))
    assert print_module(parse_module(text)) == text


@pytest.mark.parametrize("name", sorted(EXPECTED))
@pytest.mark.parametrize("seed", [1, 2])
def test_functional_equals_numpy(fabric: tuple[FabricSpec, str], name: str, seed: int) -> None:
    spec, inputs = fabric[0], _random(seed)[name]
    program = compile_module(parse_module((EXAMPLES / f"{name}.mlir").read_text()), spec)
    outputs, _ = run_program(program, spec, FunctionalDevice(spec, memory_bytes=MEMORY), inputs)
    expected = EXPECTED[name](inputs)
    assert outputs.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(outputs[key], values, rtol=2e-6, atol=2e-6)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_rtl_equals_functional_bit_for_bit(fabric: tuple[FabricSpec, str], chip: RtlDevice, name: str) -> None:
    spec, inputs = fabric[0], _random(5)[name]
    program = compile_module(parse_module((EXAMPLES / f"{name}.mlir").read_text()), spec)
    expected, golden = run_program(program, spec, FunctionalDevice(spec, memory_bytes=MEMORY), inputs)
    actual, launch = run_program(program, spec, chip, inputs)
    for key, values in expected.items():
        np.testing.assert_array_equal(values.view(np.uint32), actual[key].view(np.uint32))
    result = compare_launches(golden, launch)
    assert result.compared > 0
    assert result.mismatches == 0, result.first
