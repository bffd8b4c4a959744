"""Empty dimensions in the counting and in the timing model, against the functional model and the hardware's rules."""

from __future__ import annotations

import pytest

from weft.compiler.backend.buffering import Launches, shortages
from weft.compiler.backend.buffering.tracing import network_of
from weft.compiler.compile import CompiledProgram, compile_module
from weft.compiler.mapped import parse_module
from weft.compiler.timing import Memory, predict
from weft.hw.presets import PRESETS

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes


def rows_of(size: int) -> tuple[CompiledProgram, dict[int, int]]:
    """A copy of [3, size, 8], 3 rows of ``size`` times two vectors, and the arguments of its launch."""
    rows, sizes = "!mapped.stream<vector, [3, ?, 8]>", "{size_args = array<i64: 0, 2, 0>}"
    program = compile_module(
        parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: 3, 5, 8>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: 3, 5, 8>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x {sizes} : () -> {rows}
  mapped.linear_store %x in @y {sizes} : ({rows}) -> ()
}}"""),
        SPEC,
    )
    return program, {2: size}


@pytest.mark.parametrize(("size", "beats"), [(0, 3), (1, 6)])
def test_the_shortest_launch_is_judged(size: int, beats: int) -> None:
    program, arguments = rows_of(size)
    network = network_of(program.mapping.netlist, SPEC, arguments)
    assert network is not None
    assert network.total(0) == beats
    assert not shortages(program.mapping.netlist, SPEC, Launches((arguments,)))


def test_a_launch_of_nothing_takes_as_long_as_its_void_beats() -> None:
    program, arguments = rows_of(0)
    (route,) = program.mapping.routes
    sent = SPEC.agcu_levels + 6 + 3 + 2  # the last of three
    stored = sent + 1 + len(route.hops) + 1
    for latency in (1, 200):
        prediction = predict(program.mapping, arguments, memory=Memory(latency))
        assert prediction.cycles == stored + 2 + 2 + 2
        assert prediction.channel == 0
