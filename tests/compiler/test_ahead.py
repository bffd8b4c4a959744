"""Loads that run further ahead: free PMUs become FIFOs before those that long loads fill, and no value changes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend import fit
from weft.compiler.backend.buffering import sizing
from weft.compiler.backend.buffering.ahead import further_ahead
from weft.compiler.backend.buffering.fifos import with_fifos
from weft.compiler.backend.mapping import FitError, Mapping
from weft.compiler.backend.memory import allocate
from weft.compiler.compile import CompiledProgram, compile_module, compile_program, tensors_of
from weft.compiler.mapped import parse_module
from weft.compiler.netlist.netlist import Net, Netlist, Pin
from weft.compiler.passes.units import lower
from weft.compiler.step import parse_program
from weft.hw.presets import PRESETS
from weft.hw.program import Pmu
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network
from weft.sim.functional.device import FunctionalDevice
from weft.sim.run import memory_needed, run_program

LANES, LINES = PRESETS["tiny"].lanes, PRESETS["tiny"].pmu_lines
LONG = 4 * LINES  # beats


def fabric(pmus: int) -> FabricSpec:
    """As many PMUs, the first tile of each row, and AGCUs and PCUs for all that is computed here."""
    return PRESETS["tiny"].replace(rows=max(4, pmus), columns=4, pattern=(*["MCCC"] * pmus, *["CCCC"] * (4 - pmus)))


def summed(*beats: int, write: str = "rank = 0 : i64", inner: str = "[{beats}, 4] of []") -> ModuleOp:
    """Columns of tensors ``a``, ``b``, ... of so many beats each, which come through buffers, are added up."""
    text = ""
    for name, count in zip("abc", beats, strict=False):
        stream, buffer = f"!mapped.stream<vector, [{count}, 4]>", f"!mapped.buffer<vector, {inner.format(beats=count)}>"
        text += f"""
  mapped.tensor @{name} {{shape = array<i64: {count}, 4>, format = "f32", role = "input"}}
  mapped.tensor @{name}_sum {{shape = array<i64: 4>, format = "f32", role = "output"}}
  %{name} = mapped.linear_load @{name} : () -> {stream}
  %{name}_kept = mapped.bufferize %{name} {{{write}}} : ({stream}) -> {buffer}
  %{name}_ahead = mapped.streamify %{name}_kept : ({buffer}) -> {stream}
  %{name}_sum = mapped.accum "add" %{name}_ahead {{over = 1 : i64, keep = 1 : i64, init = 0.0 : f32}}
    : ({stream}) -> !mapped.stream<vector, [4]>
  mapped.linear_store %{name}_sum in @{name}_sum : (!mapped.stream<vector, [4]>) -> ()"""
    return parse_module(f"builtin.module {{{text}\n}}")


def lowered(module: ModuleOp, spec: FabricSpec) -> Netlist:
    return lower(module, spec, allocate(tensors_of(module), spec)[0])


def added(module: ModuleOp, spec: FabricSpec) -> set[str]:
    """The units that make loads run further ahead."""
    netlist = lowered(module, spec)
    return set(further_ahead(netlist, spec).units) - set(netlist.units)


def random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(1).normal(size=shape).astype(np.float32)


def fifos(compiled: CompiledProgram) -> set[str]:
    return {name for name in compiled.mapping.netlist.units if name.endswith(".fifo")}


def executed(compiled: CompiledProgram, **inputs: NDArray[np.float32]) -> dict[str, NDArray[np.float32]]:
    spec = compiled.mapping.spec
    outputs, _ = run_program(compiled, spec, FunctionalDevice(spec, memory_bytes=memory_needed(compiled)), inputs)
    return outputs


def test_a_fifo_stands_between_the_load_and_the_fifo_that_is_there() -> None:
    netlist, spec = lowered(summed(LONG), fabric(2)), fabric(2)
    longer = further_ahead(netlist, spec)
    assert longer.units.keys() - netlist.units.keys() == {"a_ahead.fifo"}
    links = {
        Net(Network.VECTOR, Pin("load_a"), (Pin("a_ahead.fifo"),)),
        Net(Network.VECTOR, Pin("a_ahead.fifo"), (Pin("a_ahead"),)),
    }
    assert {*longer.nets} - {*netlist.nets} == links
    assert {*netlist.nets} - {*longer.nets} == {Net(Network.VECTOR, Pin("load_a"), (Pin("a_ahead"),))}
    program = longer.units["a_ahead.fifo"].program
    assert isinstance(program, Pmu)
    assert (program.block_lines, program.blocks) == (1, spec.pmu_lines)


def test_the_first_of_several_fifos_leaves_out_what_is_not_for_them() -> None:
    netlist, spec = lowered(summed(LONG), fabric(3)), fabric(3)
    unit = netlist.units["a_ahead"]
    assert isinstance(unit.program, Pmu)
    some = replace(unit.program, period=LONG, block_from=3, block_to=9)
    part = Netlist({**netlist.units, "a_ahead": replace(unit, program=some)}, netlist.nets)
    longer = with_fifos(part, Network.VECTOR, Pin("a_ahead"), 2, spec)
    kept = {name: vars(unit.program).get("period") for name, unit in longer.units.items() if "a_ahead" in name}
    assert kept == {"a_ahead": 0, "a_ahead.fifo": 0, "a_ahead.fifo.2": LONG}
    first = longer.units["a_ahead.fifo.2"].program
    assert isinstance(first, Pmu)
    assert (first.block_from, first.block_to) == (3, 9)
    assert Net(Network.VECTOR, Pin("load_a"), (Pin("a_ahead.fifo.2"),)) in longer.nets


def test_no_more_fifos_than_free_pmus_and_the_longest_loads_first() -> None:
    module = summed(LONG, LONG + 2, LONG + 1)
    netlist = lowered(module, fabric(3))
    assert further_ahead(netlist, fabric(3)) is netlist
    assert added(module, fabric(4)) == {"b_ahead.fifo"}
    assert added(module, fabric(5)) == {"b_ahead.fifo", "c_ahead.fifo"}
    assert added(module, fabric(6)) == added(module, fabric(8)) == {"a_ahead.fifo", "b_ahead.fifo", "c_ahead.fifo"}


def test_a_load_is_long_from_four_fifos_on() -> None:
    assert added(summed(LONG - 1), fabric(2)) == set()
    assert added(summed(LONG), fabric(2)) == {"a_ahead.fifo"}


def test_a_load_that_fills_two_fifos_gets_one_more_before_each() -> None:
    stream, buffer = f"!mapped.stream<vector, [{LONG}, 4]>", f"!mapped.buffer<vector, [{LONG}, 4] of []>"
    text = f"""
  mapped.tensor @a {{shape = array<i64: {LONG}, 4>, format = "f32", role = "input"}}
  %a = mapped.linear_load @a : () -> {stream}"""
    for name in ("one", "two"):
        text += f"""
  mapped.tensor @{name}_copy {{shape = array<i64: {LONG}, 4>, format = "f32", role = "output"}}
  %{name}_kept = mapped.bufferize %a {{rank = 0 : i64}} : ({stream}) -> {buffer}
  %{name} = mapped.streamify %{name}_kept : ({buffer}) -> {stream}
  mapped.linear_store %{name} in @{name}_copy : ({stream}) -> ()"""
    module = parse_module(f"builtin.module {{{text}\n}}")
    assert added(module, fabric(3)) == {"one.fifo"}
    assert added(module, fabric(4)) == {"one.fifo", "two.fifo"}
    a = random(LONG, 4)
    outputs = executed(compile_module(module, fabric(4)), a=a)
    np.testing.assert_array_equal(outputs["one_copy"], a)
    np.testing.assert_array_equal(outputs["two_copy"], a)


def test_a_buffer_of_rows_is_no_fifo() -> None:
    assert added(summed(LONG, write="rank = 1 : i64", inner="[{beats}] of [4]"), fabric(2)) == set()


def test_what_is_computed_needs_no_fifo() -> None:
    """A FIFO behind a PCU fills no faster than the PCU gives."""
    stream, buffer = f"!mapped.stream<vector, [{LONG}, 4]>", f"!mapped.buffer<vector, [{LONG}, 4] of []>"
    module = parse_module(f"""builtin.module {{
  mapped.tensor @x {{shape = array<i64: {LONG}, 4>, format = "f32", role = "input"}}
  mapped.tensor @y {{shape = array<i64: {LONG}, 4>, format = "f32", role = "output"}}
  %x = mapped.linear_load @x : () -> {stream}
  %square = mapped.map "mul" %x, %x : ({stream}, {stream}) -> {stream}
  %kept = mapped.bufferize %square {{rank = 0 : i64}} : ({stream}) -> {buffer}
  %y = mapped.streamify %kept : ({buffer}) -> {stream}
  mapped.linear_store %y in @y : ({stream}) -> ()
}}""")
    assert added(module, fabric(2)) == set()


# -- programs ---------------------------------------------------------------------------------------------

ROWS = LONG // 2  # of two beats each
LOOPED = f"""step.loop 3
step.tensor @x : f32 [{ROWS}] input each
step.tensor @w : f32 [{ROWS}, 8] weight each
step.tensor @y : f32 [8] output each
%x = step.load @x : !step.stream<f32, [{ROWS}]>
%w = step.load @w : !step.stream<f32, [{ROWS}, 8]>
%y = step.matmul %x, %w : !step.stream<f32, [8]>
step.store %y in @y
"""


def test_weights_in_a_loop_run_further_ahead_and_values_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = fabric(4)
    x, w = random(3, ROWS), random(3, ROWS, 8)
    with_one = compile_program(parse_program(LOOPED), spec)
    assert fifos(with_one) == {"w_ahead.fifo"}
    monkeypatch.setattr(sizing, "further_ahead", lambda netlist, _: netlist)
    without = compile_program(parse_program(LOOPED), spec)
    assert fifos(without) == set()
    outputs = executed(with_one, x=x, w=w)
    np.testing.assert_array_equal(outputs["y"], executed(without, x=x, w=w)["y"])
    np.testing.assert_allclose(outputs["y"], np.einsum("tk,tkn->tn", x, w), rtol=1e-3, atol=1e-3)


def test_without_ways_through_the_array_loads_stay_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only what a program cannot do without is asked for."""
    tried: list[bool] = []

    def narrow(netlist: Netlist, spec: FabricSpec) -> Mapping:
        tried.append("a_ahead.fifo" in netlist.units)
        if tried[-1]:
            raise FitError("must be routed", {})
        return fit.place_and_route(netlist, spec)

    monkeypatch.setattr(sizing, "place_and_route", narrow)
    compiled = compile_module(summed(LONG), fabric(2))
    assert tried == [True]
    assert fifos(compiled) == set()
    a = random(LONG, 4)
    np.testing.assert_allclose(executed(compiled, a=a)["a_sum"], a.sum(axis=0), rtol=1e-3, atol=1e-3)
