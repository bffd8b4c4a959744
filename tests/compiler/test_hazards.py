"""Accesses to one tensor in loops: which pairs are in order over iterations and rounds, and which are refused."""

from __future__ import annotations

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

SPEC = PRESETS["demo"]
ROW = "!step.stream<f32, [8]>"
HEAD = f"""step.dimension @n <= 4
step.loop TURNS for round in n
step.tensor @x : f32 [4, 8] input
step.tensor @s : f32 [9, 8] cache
step.tensor @y : f32 [4, 8] output
%x = step.load @x walk [1] from [round, 0] : {ROW}
"""


def program(body: str, *, turns: int = 1) -> str:
    return HEAD.replace("TURNS", str(turns)) + body


def store(value: str, row: str, tensor: str = "s") -> str:
    return f"step.store %{value} in @{tensor} walk [1] from [{row}, 0]"


def load(row: str, after: str = "") -> str:
    return f"\n%old = step.load @s walk [1] from [{row}, 0]{after} : {ROW}\n"


def stored(row: str) -> str:
    return f"%t = {store('x', row)} -> !step.token"


BOTH = f"%sum = step.map add %x, %old : {ROW}\n"
IN_ORDER = {
    "load of what the round before has stored": program(load("round") + BOTH + store("sum", "round + 1")),
    "load of what two rounds before have stored": program(load("round") + BOTH + store("sum", "round + 2")),
    "load of what this round has stored": program(stored("round") + load("round", " after %t") + BOTH),
    "load of all that there is so far": program(
        stored("round")
        + f"""
%all = step.load @s after %t : !step.stream<f32, [round + 1, 8]>
%sum = step.accum add %all over [0] : {ROW}
"""
    ),
    "load of a part that no round stores": program(load("0") + BOTH + store("sum", "round + 1")),
    "load of the first iteration of what the last one has stored": program(
        load("round")
        + f"""step.state @now : f32 [8]
%before = step.recall @now initial %old : {ROW}
%more = step.map add %before, 1.0 : {ROW}
step.keep %more in @now
%last = step.last %more : {ROW}
%sum = step.map add %last, %x : {ROW}
"""
        + store("sum", "round + 1"),
        turns=2,
    ),
}


@pytest.mark.parametrize("case", IN_ORDER)
def test_accesses_in_order_mean_the_same_on_a_device(case: str) -> None:
    module = parse_program(IN_ORDER[case] + "\n" + store("sum", "round", "y"))
    compiled = compile_program(module, SPEC)
    given = {name: np.arange(8.0 * rows, dtype=np.float32).reshape(rows, 8) for name, rows in (("x", 4), ("s", 9))}
    outputs, _ = run_compiled(
        compiled, SPEC, FunctionalDevice(SPEC, memory_bytes=memory_needed(compiled)), given, {"n": 4}
    )
    for name, meant in interpret(module, given, {"n": 4}).outputs.items():
        assert compare(name, meant, outputs[name]).agrees


RAN_AHEAD = "a later {} could store to @{} {} before an earlier one has {} the same part: {}"
REFUSED = {
    "a later round stores what is loaded": (
        program(store("x", "round") + load("round + 1") + store("old", "round", "y")),
        "line 7: step.store: " + RAN_AHEAD.format("round", "s", "(lines 7 and 8)", "loaded", "store to another tensor"),
    ),
    "a later round stores what is loaded after a token": (
        program(stored("0") + load("0", " after %t") + store("old", "round", "y")),
        "line 7: step.store (%t): "
        + RAN_AHEAD.format("round", "s", "(lines 7 and 8)", "loaded", "store to another tensor"),
    ),
    "a later round stores what another store has stored": (
        program(f"%e = step.map exp %x : {ROW}\n" + store("x", "round + 1") + "\n" + store("e", "round")),
        "line 9: step.store: " + RAN_AHEAD.format("round", "s", "(lines 8 and 9)", "stored", "store to another tensor"),
    ),
    "a store that comes down to what is loaded": (
        program(load("4").lstrip() + store("x", "4 - round + 1") + "\n" + store("old", "round", "y")),
        "a load and a store of @s (lines 7 and 8) in one launch have no order",
    ),
    "a later iteration stores what is loaded after a token": (
        program(
            stored("round") + load("round", " after %t") + store("old", "round", "y"),
            turns=2,
        ),
        "line 7: step.store (%t): "
        + RAN_AHEAD.format("iteration", "s", "(lines 7 and 8)", "loaded", "mark the tensor each"),
    ),
    "a load of every iteration": (
        program(load("round").lstrip() + BOTH + store("sum", "round + 1"), turns=2),
        "line 7: step.load (%old): a later round could load @s (lines 7 and 9) before an earlier one has stored",
    ),
    "two loads": (
        program(
            load("round").lstrip()
            + f"%too = step.load @s walk [1] from [round, 0] : {ROW}\n%sum = step.map add %too, %old : {ROW}\n"
            + store("sum", "round + 1")
        ),
        "line 7: step.load (%old): a later round could load @s (lines 7 and 10) before an earlier one has stored",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_accesses_without_an_order_are_refused(case: str) -> None:
    text, sentence = REFUSED[case]
    with pytest.raises(WeftError) as refused:
        parse_program(text)
    assert sentence in str(refused.value)


def test_a_store_that_would_grow_with_rounds_is_refused() -> None:
    text = program("""step.store %x in @y walk [1] from [round, 0]
step.tensor @rows : f32 [5, 8] input
%rows = step.load @rows : !step.stream<f32, [round + 1, 8]>
step.store %rows in @s""")
    with pytest.raises(WeftError, match=r"line 10: step.store: only loads can grow with round"):
        compile_program(parse_program(text), SPEC)
