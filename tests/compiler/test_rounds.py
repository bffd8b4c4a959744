"""Programs that go through their turns several times in a launch: what they compute, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.compile import compile_module
from weft.compiler.errors import WeftError
from weft.compiler.mapped import parse_module
from weft.hw.presets import PRESETS
from weft.sim.compare import compare_launches
from weft.sim.device import Device, Launch
from weft.sim.functional.device import FunctionalDevice
from weft.sim.rtl.device import RtlDevice
from weft.sim.run import run_program

SPEC = PRESETS["tiny"]
MEMORY = 1 << 16
ROUNDS, SIZE = 1, 2
MOST = 6
ROW, HELD = "!mapped.stream<vector, [4]>", "!mapped.stream<vector, [?, 4]>"


def running_sum(
    loop: str = "{turns = 1 : i64, rounds_arg = 1 : i64}",
    load: str = "{dims = array<i64: 1>, round_dim = 0 : i64, follows}",
    store: str = "{dims = array<i64: 1>, round_dim = 0 : i64, starts = array<i64: 1, 0>}",
    token: str = "",
) -> ModuleOp:
    """Round r: y[r] = x[r] + the sum of the first n + r rows of z, which is also x[r + 1]."""
    result = "()" if not token else "!mapped.stream<control, []>"
    return parse_module(f"""builtin.module {{
  mapped.loop {loop}
  mapped.tensor @x {{shape = array<i64: {MOST + 1}, 4>, format = "f32", role = "input"}}
  mapped.tensor @z {{shape = array<i64: {MOST}, 4>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {MOST}, 4>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x {load} : () -> {ROW}
  %z = mapped.linear_load @z {{size_args = array<i64: {SIZE}, 0>, grows}} : () -> {HELD}
  %sum = mapped.accum "add" %z {{over = 1 : i64, keep = 1 : i64, init = 0.0 : f32}} : ({HELD}) -> {ROW}
  %y = mapped.map "add" %x, %sum : ({ROW}, {ROW}) -> {ROW}
  mapped.linear_store %y in @y {{dims = array<i64: 1>, round_dim = 0 : i64}} : ({ROW}) -> ()
  {token}mapped.linear_store %y in @x {store} : ({ROW}) -> {result}
}}""")


@pytest.fixture(params=[None, 3], ids=["no stalls", "stalls"], scope="module")
def chip(request: pytest.FixtureRequest) -> Iterator[RtlDevice]:
    with RtlDevice(SPEC, memory_bytes=MEMORY, watchdog=3000, stalls=request.param) as device:
        yield device


def _run(device: Device, rounds: int, size: int) -> tuple[np.ndarray, np.ndarray, Launch]:
    """The result, what it must be, and the launch."""
    random = np.random.default_rng(rounds)
    x, z = (random.integers(-9, 9, (rows, 4)).astype(np.float32) for rows in (MOST + 1, MOST))
    program = compile_module(running_sum(), SPEC)
    inputs, arguments = {"x": x, "z": z}, {ROUNDS: rounds, SIZE: size}
    outputs, launch = run_program(program, SPEC, device, inputs, arguments=arguments)
    expected = np.cumsum([x[0], *(z[: size + each].sum(axis=0) for each in range(rounds))], axis=0)[1:]
    return outputs["y"][:rounds], expected, launch


@pytest.mark.parametrize(("rounds", "size"), [(1, 1), (1, 6), (5, 2), (6, 1)])
def test_a_round_begins_where_the_one_before_has_ended(rounds: int, size: int) -> None:
    actual, expected, _ = _run(FunctionalDevice(SPEC, memory_bytes=MEMORY), rounds, size)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize(("rounds", "size"), [(1, 1), (5, 2), (6, 1)])
def test_rtl_equals_functional_bit_for_bit(chip: RtlDevice, rounds: int, size: int) -> None:
    _, _, golden = _run(FunctionalDevice(SPEC, memory_bytes=MEMORY), rounds, size)
    actual, expected, launch = _run(chip, rounds, size)
    np.testing.assert_array_equal(actual, expected)
    result = compare_launches(golden, launch)
    assert result.compared > 0
    assert result.mismatches == 0, result.first


def test_text_parses_back() -> None:
    text = str(running_sum())
    assert str(parse_module(text)) == text


REFUSED = [
    ({"loop": "{turns = 1 : i64, rounds_arg = 0 : i64}"}, "rounds_arg must be at least 1, not 0"),
    ({"load": "{dims = array<i64: 1>, round_dim = 2 : i64}"}, "round_dim must be below 2, the tensor's dimensions"),
    ({"load": "{dims = array<i64: 1>, grows}"}, "grows needs a dynamic dimension"),
    ({"loop": "{turns = 1 : i64}"}, "round_dim needs a mapped.loop with a rounds_arg"),
    ({"loop": "{turns = 2 : i64, rounds_arg = 1 : i64}"}, "must be one of the first turn of several rounds"),
    ({"token": "%done = "}, "needs one store of it, without another token or load"),
]


@pytest.mark.parametrize(("change", "sentence"), REFUSED, ids=[sentence for _, sentence in REFUSED])
def test_programs_that_cannot_be(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        compile_module(running_sum(**change), SPEC)
