"""Iterations, rounds and caches: what takes place when, and what one launch leaves for the next."""

from __future__ import annotations

import re

import numpy as np
import pytest

from weft.compiler.compile import compile_program
from weft.compiler.errors import WeftError
from weft.compiler.interpreter import compare, interpret
from weft.compiler.step import parse_program
from weft.hw.presets import PRESETS
from weft.sim.functional.device import FunctionalDevice
from weft.sim.program_run import run_compiled
from weft.sim.run import memory_needed

DEMO = PRESETS["demo"]
FABRICS = {4: DEMO.replace(lanes=4, channel_bits=64), 8: DEMO, 16: DEMO.replace(lanes=16)}
Arrays = dict[str, np.ndarray]

LAST = """
step.loop 3
step.state @sum : f32 [11]
step.tensor @start : f32 [11] input
step.tensor @x : f32 [11] input each
step.tensor @scale : f32 [11] weight
step.tensor @all : f32 [11] output each
step.tensor @y : f32 [11] output
%start = step.load @start : !step.stream<f32, [11]>
%old = step.recall @sum initial %start : !step.stream<f32, [11]>
%x = step.load @x : !step.stream<f32, [11]>
%sum = step.map add %old, %x : !step.stream<f32, [11]>
step.store %sum in @all
step.keep %sum in @sum
%last = step.last %sum : !step.stream<f32, [11]>
%scale = step.load @scale : !step.stream<f32, [11]>
%y = step.map mul %last, %scale : !step.stream<f32, [11]>
step.store %y in @y
"""

ONLY_KEPT = """
step.loop 3
step.state @sum : f32 [11]
step.tensor @start : f32 [11] input
step.tensor @x : f32 [11] input each
step.tensor @y : f32 [11] output each
%start = step.load @start : !step.stream<f32, [11]>
%old = step.recall @sum initial %start : !step.stream<f32, [11]>
%x = step.load @x : !step.stream<f32, [11]>
step.store %old in @y
%sum = step.map add %old, %x : !step.stream<f32, [11]>
step.keep %sum in @sum
"""

ROWS_BY_INDEX = """
step.dimension @rounds <= 4
step.loop 2 for round in rounds
step.state @now : f32 [9]
step.tensor @index : i32 [4, 1] input
step.tensor @table : f32 [6, 9] input
step.tensor @x : f32 [9] input each
step.tensor @y : f32 [4, 9] output
%i = step.load @index walk [1] from [round, 0] : !step.stream<i32, [1]>
%row = step.random_load %i of @table : !step.stream<f32, [1, 9]>
%start = step.flatten %row over [0, 1] : !step.stream<f32, [9]>
%old = step.recall @now initial %start : !step.stream<f32, [9]>
%x = step.load @x : !step.stream<f32, [9]>
%new = step.map add %old, %x : !step.stream<f32, [9]>
step.keep %new in @now
%last = step.last %new : !step.stream<f32, [9]>
step.store %last in @y walk [1] from [round, 0]
"""

CACHE = """
step.dimension @p <= 6
step.tensor @row : bf16 [2, 1, 10] input
step.tensor @rows : bf16 [2, 7, 10] cache
step.tensor @sum : f32 [2, 10] output
%row = step.load @row : !step.stream<bf16, [2, 1, 10]>
%stored = step.store %row in @rows from [0, p, 0] -> !step.token
%rows = step.load @rows after %stored : !step.stream<bf16, [2, p + 1, 10]>
%sum = step.accum add %rows over [1] : !step.stream<f32, [2, 10]>
step.store %sum in @sum
"""

BACKWARDS = """
step.tensor @x : f32 [3, 10] input
step.tensor @y : f32 [3, 10] output
step.tensor @swapped : f32 [3, 2, 5] output
%x = step.load @x : !step.stream<f32, [3, 10]>
%rows = step.bufferize %x rank 1 : !step.buffer<f32, [3] of [10]>
%y = step.streamify %rows by [-1] from [9] : !step.stream<f32, [3, 10]>
step.store %y in @y
%halves = step.bufferize %x rank 1 : !step.buffer<f32, [3] of [10]>
%swapped = step.streamify %halves walk [0, 0] by [-5, 1] from [5] : !step.stream<f32, [3, 2, 5]>
step.store %swapped in @swapped
"""

BEFORE_THE_END = """
step.dimension @n <= 12
step.tensor @x : f32 [12, 9] input
step.tensor @y : f32 [2, 9] output
%x = step.load @x walk [0, 1] from [10 - n, 0] : !step.stream<f32, [2, 9]>
step.store %x in @y
"""


def _integers(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).integers(-4, 5, shape).astype(np.float32)


CASES: dict[str, tuple[str, Arrays, dict[str, int]]] = {
    "last": (LAST, {"start": _integers(11), "x": _integers(3, 11), "scale": _integers(11)}, {}),
    "only kept": (ONLY_KEPT, {"start": _integers(11), "x": _integers(3, 11)}, {}),
    "rounds": (
        ROWS_BY_INDEX,
        {"index": np.array([[3], [0], [5], [3]]), "table": _integers(6, 9), "x": _integers(2, 9)},
        {"rounds": 4},
    ),
    "one round": (
        ROWS_BY_INDEX,
        {"index": np.array([[3], [0], [5], [3]]), "table": _integers(6, 9), "x": _integers(2, 9)},
        {"rounds": 1},
    ),
    "backwards": (BACKWARDS, {"x": _integers(3, 10)}, {}),
    "before the end": (BEFORE_THE_END, {"x": _integers(12, 9)}, {"n": 3}),
}


@pytest.mark.parametrize("lanes", FABRICS)
@pytest.mark.parametrize("case", CASES)
def test_a_device_computes_what_it_means(case: str, lanes: int) -> None:
    text, inputs, sizes = CASES[case]
    program, spec = parse_program(text), FABRICS[lanes]
    compiled = compile_program(program, spec)
    device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
    outputs, _ = run_compiled(compiled, spec, device, inputs, sizes)
    for name, meant in interpret(program, inputs, sizes).outputs.items():
        verdict = compare(name, meant, outputs[name])
        assert verdict.exact == verdict.values
        assert verdict.agrees, verdict.sentence


def test_what_the_cases_mean() -> None:
    """Against NumPy, so that oracle and compiler are not wrong alike."""
    _, given, _ = CASES["last"]
    (last, everything) = (interpret(parse_program(LAST), given).outputs[name].value for name in ("y", "all"))
    sums = given["start"] + np.cumsum(given["x"], axis=0)
    np.testing.assert_array_equal(everything, sums)
    np.testing.assert_array_equal(last, sums[-1] * given["scale"])
    _, given, sizes = CASES["rounds"]
    rows = interpret(parse_program(ROWS_BY_INDEX), given, sizes).outputs["y"].value
    np.testing.assert_array_equal(rows, given["table"][given["index"][:, 0]] + given["x"].sum(axis=0))
    found = interpret(parse_program(BACKWARDS), CASES["backwards"][1]).outputs
    x = CASES["backwards"][1]["x"]
    np.testing.assert_array_equal(found["y"].value, x[:, ::-1])
    np.testing.assert_array_equal(found["swapped"].value, x.reshape(3, 2, 5)[:, ::-1])
    _, given, sizes = CASES["before the end"]
    found = interpret(parse_program(BEFORE_THE_END), given, sizes).outputs
    np.testing.assert_array_equal(found["y"].value, given["x"][7:9])


@pytest.mark.parametrize("lanes", FABRICS)
def test_a_cache_keeps_what_earlier_launches_stored(lanes: int) -> None:
    program, spec = parse_program(CACHE), FABRICS[lanes]
    compiled = compile_program(program, spec)
    device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
    rows, kept = _integers(7, 2, 1, 10), np.zeros((2, 7, 10), np.float32)
    for position, row in enumerate(rows):
        sizes = {"p": position}
        outputs, _ = run_compiled(compiled, spec, device, {"row": row}, sizes)
        meant = interpret(program, {"row": row, "rows": kept}, sizes).outputs
        kept[:, position] = row[:, 0]
        np.testing.assert_array_equal(meant["rows"].value, kept)
        np.testing.assert_array_equal(outputs["rows"], kept)
        np.testing.assert_array_equal(outputs["sum"], kept.sum(axis=1))


HEAD = """step.loop 2
step.tensor @x : f32 [4] input each
step.tensor @y : f32 [4] output
%x = step.load @x : F
"""
PLAIN = HEAD.removeprefix("step.loop 2\n").replace(" each", "")
BROKEN = {
    "every and last": (
        HEAD + "%l = step.last %x : F\n%y = step.map add %l, %x : F\nstep.store %y in @y",
        r"line 6: step.map \(%y\): %x is there in every iteration, and what it meets in the last iteration",
    ),
    "no loop": (PLAIN + "%l = step.last %x : F\nstep.store %l in @y", "without a step.loop there is no last iteration"),
    "kept in the last": (
        HEAD + "step.state @s : f32 [4]\n%o = step.recall @s initial %x : F\n%l = step.last %o : F\nstep.keep %l in @s",
        "%l is there in the last iteration, and none follows it",
    ),
    "rounds unknown": (
        HEAD.replace("loop 2", "loop 2 for round in n") + "step.store %x in @y",
        "size 'n' must be declared",
    ),
    "round twice": (
        "step.dimension @n <= 3\n" + HEAD.replace("loop 2", "loop 2 for n in n") + "step.store %x in @y",
        "'n' is declared twice",
    ),
    "backwards in memory": (
        PLAIN.replace("load @x", "load @x by [-1] from [3]") + "step.store %x in @y",
        "read a buffer backwards",
    ),
    "before the beginning": (
        PLAIN + "%b = step.bufferize %x rank 1 : !step.buffer<f32, [] of [4]>\n"
        "%y = step.streamify %b by [-1] from [2] : F\nstep.store %y in @y",
        "dimension 0 of .* begins at 0, and the stream goes down to index -1",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_told(case: str) -> None:
    text, sentence = BROKEN[case]
    with pytest.raises(WeftError, match=sentence):
        parse_program(re.sub(r"\bF\b", "!step.stream<f32, [4]>", text))
