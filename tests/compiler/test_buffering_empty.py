"""Empty dimensions in the counting and in the timing model, against the functional model and the hardware's rules."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_buffering_units import _beats, _check_sides, _same, shapes

from weft.compiler.backend.buffering import Launches, shortages
from weft.compiler.backend.buffering.tracing import network_of
from weft.compiler.compile import CompiledProgram, compile_module
from weft.compiler.mapped import parse_module
from weft.compiler.timing import Memory, predict
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, AgcuLevel, Pmu, PmuLevel, Port
from weft.hw.program.firings.agcu import turn_of
from weft.hw.program.firings.pmu_read import read_of
from weft.hw.program.firings.pmu_write import written_of
from weft.hw.program.firings.stream import Shape
from weft.hw.topology import Network
from weft.sim.functional.agcu import run_agcu
from weft.sim.functional.pmu import run_pmu

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_loads(data: st.DataObject) -> None:
    bounds = data.draw(st.lists(st.integers(0, 3), max_size=3))
    levels = tuple(AgcuLevel(bound, stride=V, rank=rank) for rank, bound in enumerate(bounds, start=1))
    indexed = data.draw(st.booleans())
    program = Agcu(
        kind=AgcuKind.LOAD,
        levels=levels,
        end_rank=2,
        indexed=indexed,
        index_stride=V,
        nest_rank=data.draw(st.integers(0, 3)),
        segment_size=1 << 14,
    )
    index = data.draw(shapes(voids=True, most=6))
    turn = turn_of(program, {(Network.SCALAR, 0): index} if indexed else {}, {})
    assert not turn.waits
    memory = np.zeros(1 << 14, np.uint8)
    expected = run_agcu(SPEC, program, memory, {}, vector=None, scalar=_beats(index, 1, 3), control=None)
    _same(turn.outputs[Network.VECTOR], expected.vector)
    _check_sides(turn.process)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_buffers(data: st.DataObject) -> None:
    """Blocks of two beats or of none, read by a nest."""
    full = data.draw(st.lists(st.booleans(), min_size=1, max_size=6))
    stop = np.concatenate([[0, 1] if each else [1] for each in full]).astype(np.uint8)
    void = np.concatenate([[False, False] if each else [True] for each in full])
    written = Shape(stop, void)
    program = Pmu(
        write=Port.VECTOR,
        write_rank=1,
        block_lines=2,
        blocks=8,
        read=Port.VECTOR,
        levels=(PmuLevel(2, 1, 1), PmuLevel(data.draw(st.integers(1, 3)), 0, 2)),
        by_length=data.draw(st.booleans()),
        read_rank=2,
    )
    blocks = written_of(program, written).blocks
    read = read_of(program, blocks, None, lanes=SPEC.lanes)
    process, outputs = read.process, read.outputs
    given_beats = {"scalar": None, "address": None, "control": None}
    _same(outputs[Network.VECTOR], run_pmu(SPEC, program, vector=_beats(written, 4), **given_beats).vector)
    _check_sides(process)


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
