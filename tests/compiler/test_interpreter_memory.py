"""Loads, stores, shapes, loops, and what a launch must be given."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from weft.compiler.errors import WeftError
from weft.compiler.interpreter import Bounded, compare, interpret
from weft.compiler.interpreter.interpret import DECLARATIONS
from weft.compiler.interpreter.meaning import MEANINGS
from weft.compiler.step import STEP, Element, parse_program

X = np.arange(5 * 6, dtype=np.float32).reshape(5, 6)


def run(text: str, sizes: dict[str, int] | None = None, **inputs: NDArray[np.generic]) -> dict[str, Bounded]:
    return interpret(parse_program(text), inputs, sizes).outputs


def moved(operation: str, result: str, sizes: dict[str, int] | None = None, symbols: str = "") -> NDArray[np.float64]:
    """What an operation makes of ``X``."""
    out = ", ".join(str((sizes or {}).get(each, each)) for each in result.split(", "))
    found = run(
        f"""{symbols}
        step.tensor @x : f32 [5, 6] input
        step.tensor @y : f32 [{out}] output
        %x = step.load @x : !step.stream<f32, [5, 6]>
        %b = step.bufferize %x rank 1 : !step.buffer<f32, [5] of [6]>
        %m = step.bufferize %x rank 2 : !step.buffer<f32, [] of [5, 6]>
        %u = step.streamify %b : !step.stream<f32, [5, 6]>
        %v = step.streamify %m : !step.stream<f32, [5, 6]>
        step.store %u in @u
        step.store %v in @v
        step.tensor @u : f32 [5, 6] output
        step.tensor @v : f32 [5, 6] output
        %y = {operation} : !step.stream<f32, [{result}]>
        step.store %y in @y""",
        sizes,
        x=X,
    )
    assert found["u"].value.tolist() == found["v"].value.tolist() == X.tolist()
    assert found["y"].exact.all()
    return found["y"].value


WINDOWS = np.lib.stride_tricks.sliding_window_view(X, (2, 3))
N = "step.dimension @n <= 5"


@pytest.mark.parametrize(
    ("operation", "result", "want"),
    [
        ("step.load @x walk [1, 0]", "6, 5", X.T),
        ("step.load @x walk [_, 0, 1]", "2, 5, 6", np.broadcast_to(X, (2, 5, 6))),
        ("step.load @x from [1, 2]", "3, 4", X[1:4, 2:6]),
        ("step.load @x walk [1] from [2, 0]", "6", X[2]),
        ("step.load @x by [2, 3]", "3, 2", X[::2, ::3]),
        ("step.load @x walk [0, 1, 0, 1]", "4, 4, 2, 3", WINDOWS),
        ("step.streamify %m walk [1, 0]", "6, 5", X.T),
        ("step.streamify %m walk [0, 1, 0, 1]", "4, 4, 2, 3", WINDOWS),
        ("step.streamify %b walk [_, 0] by [1, 2] from [1]", "5, 2, 3", X[:, None, 1::2].repeat(2, axis=1)),
        ("step.slice %x from [1, 2]", "2, 3", X[1:3, 2:5]),
        ("step.expand %x along [0, 2]", "2, 5, 3, 6", np.broadcast_to(X[None, :, None], (2, 5, 3, 6))),
        ("step.flatten %x over [0, 1]", "30", X.ravel()),
        ("step.reshape %x", "3, 10", X.reshape(3, 10)),
        ("step.promote %x", "1, 5, 6", X[None]),
        ("step.concat %x, %u over 1", "5, 12", np.hstack([X, X])),
    ],
)
def test_what_is_moved_where(operation: str, result: str, want: NDArray[np.float32]) -> None:
    assert moved(operation, result).tolist() == want.tolist()


@pytest.mark.parametrize("n", [0, 1, 5])
def test_sizes_of_a_launch(n: int) -> None:
    assert moved("step.load @x", "n, 6", {"n": n}, N).tolist() == X[:n].tolist() or n == 0
    assert moved("step.slice %x from [0, 1]", "n, 2", {"n": n}, N).tolist() == X[:n, 1:3].tolist() or n == 0
    assert moved("step.streamify %b", "5, n", {"n": n}, N).tolist() == X[:, :n].tolist()


@pytest.mark.parametrize(
    ("operation", "sentence"),
    [
        ("step.load @x from [n, 0]", r"step.load \(%y\): dimension 0 of @x has 5, .* up to index 6, where n = 4"),
        ("step.slice %x from [n, 0]", r"step.slice \(%y\): dimension 0 of %x has 5, .* up to index 6, where n = 4"),
        ("step.streamify %m from [n, 0]", r"dimension 0 of the buffer of %m has 5, .* up to index 6, where n = 4"),
    ],
)
def test_a_walk_that_leaves_what_it_walks(operation: str, sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        moved(operation, "3, 6", {"n": 4}, N)
    assert moved(operation, "3, 6", {"n": 2}, N).tolist() == X[2:].tolist()


def test_stores_reach_parts_and_the_rest_is_zero() -> None:
    found = run(
        """step.tensor @x : f32 [5, 6] input
        step.tensor @y : f32 [9, 14] output
        %x = step.load @x : !step.stream<f32, [5, 6]>
        %top = step.load @x : !step.stream<f32, [2, 6]>
        step.store %top in @y from [0, 1]
        step.store %x in @y by [1, 2] from [4, 2]""",
        x=X,
    )["y"]
    want = np.zeros((9, 14))
    want[:2, 1:7], want[4:, 2::2] = X[:2], X
    assert found.value.tolist() == want.tolist()


GATHER = """step.tensor @i : i32 [2, 2] input
    step.tensor @t : f32 [3, 4] input
    step.tensor @y : f32 [2, 2, 4] output
    %index = step.load @i : !step.stream<i32, [2, 2]>
    %rows = step.random_load %index of @t : !step.stream<f32, [2, 2, 4]>
    step.store %rows in @y"""
SCATTER = """step.tensor @i : i32 [4] input
    step.tensor @x : f32 [4, 2] input
    step.tensor @y : f32 [3, 2] output
    %index = step.load @i : !step.stream<i32, [4]>
    %x = step.load @x : !step.stream<f32, [4, 2]>
    step.random_store %x at %index in @y"""


def test_rows_by_index() -> None:
    table, index = np.arange(12).reshape(3, 4), np.array([[2, 0], [1, 1]])
    assert run(GATHER, i=index, t=table)["y"].value.tolist() == table[index].tolist()
    rows = np.arange(8).reshape(4, 2)
    assert run(SCATTER, i=np.array([2, 0, 2, 0]), x=rows)["y"].value.tolist() == [[6, 7], [0, 0], [4, 5]]


def test_indices_out_of_range() -> None:
    with pytest.raises(WeftError, match=r"line 5: .*: %index\[1, 0\] is 3, but @t has rows 0 to 2"):
        run(GATHER, i=np.array([[2, 0], [3, 1]]), t=np.ones((3, 4)))
    with pytest.raises(WeftError, match=r"line 6: step.random_store: %index\[3\] is -1, but @y has rows 0 to 2"):
        run(SCATTER, i=np.array([2, 0, 2, -1]), x=np.ones((4, 2)))


def test_an_index_that_is_not_judged() -> None:
    text = """step.tensor @x : f32 [2] input
    step.tensor @t : f32 [4, 3] input
    step.tensor @y : f32 [2, 3] output
    step.tensor @z : f32 [4, 3] output
    %x = step.load @x : !step.stream<f32, [2]>
    %e = step.map exp %x : !step.stream<f32, [2]>
    %i = step.convert %e : !step.stream<i32, [2]>
    %y = step.random_load %i of @t : !step.stream<f32, [2, 3]>
    step.store %y in @y
    step.random_store %y at %i in @z"""
    found = run(text, x=np.log([1.5, 2.0]), t=np.arange(12).reshape(4, 3))
    assert found["y"].judged.all(axis=1).tolist() == [False, True]
    assert found["y"].value[1].tolist() == [6, 7, 8]
    assert not found["z"].judged.any()


MERGE = """step.dimension @n <= 4
    step.dimension @m <= 4
    step.tensor @a : f32 [4, 2] input
    step.tensor @b : f32 [4, 2] input
    step.tensor @k : i32 [5] input
    step.tensor @y : f32 [5, 2] output
    %a = step.load @a : !step.stream<f32, [n, 2]>
    %b = step.load @b : !step.stream<f32, [m, 2]>
    %k = step.load @k : !step.stream<i32, [5]>
    %y = step.merge %k of %a, %b : !step.stream<f32, [5, 2]>
    step.store %y in @y"""


def test_merge_takes_the_rows_in_order() -> None:
    a, b = np.arange(8).reshape(4, 2), -np.arange(8).reshape(4, 2)
    found = run(MERGE, {"n": 2, "m": 3}, a=a, b=b, k=np.array([1, 0, 1, 7, 0]))["y"]
    assert found.value.tolist() == [b[0].tolist(), a[0].tolist(), b[1].tolist(), b[2].tolist(), a[1].tolist()]
    with pytest.raises(WeftError, match=r"line 10: step.merge \(%y\): %k selects %a 2 times, and that has 3 rows"):
        run(MERGE, {"n": 3, "m": 3}, a=a, b=b, k=np.array([1, 0, 1, 7, 0]))
    with pytest.raises(WeftError, match=r"%k selects %b 3 times, and that has 2 rows"):
        run(MERGE, {"n": 2, "m": 2}, a=a, b=b, k=np.array([1, 0, 1, 7, 0]))


@pytest.mark.parametrize(
    ("sizes", "sentence"),
    [
        ({"n": 2}, "size 'm', from 0 to 4, is missing"),
        ({"n": 2, "m": 5}, "size 'm' must be from 0 to 4, not 5"),
        ({"n": -1, "m": 4}, "size 'n' must be from 0 to 4, not -1"),
        ({"n": 2, "m": 3, "k": 1}, "size 'k' is not a dimension of the program; it has n, m"),
    ],
)
def test_sizes_that_do_not_fit(sizes: dict[str, int], sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        run(MERGE, sizes, a=np.ones((4, 2)), b=np.ones((4, 2)), k=np.ones(5))


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({}, r"input 'i' with the shape \[4\] is missing"),
        ({"i": np.zeros(3)}, r"input 'i' must have the shape \[4\], not \[3\]"),
        ({"i": np.full(4, 0.5)}, "input 'i' must hold whole numbers of 32 bits, but 4 of its 4 values are not"),
        ({"i": np.full(4, 1 << 40)}, "whole numbers of 32 bits"),
        ({"i": np.full(4, "a")}, "input 'i' must hold real numbers, not"),
        ({"i": np.zeros(4), "x": np.full((4, 2), 1e300)}, "input 'x' must fit float32, but 8 of its 8 values do not"),
        ({"i": np.zeros(4), "y": np.zeros((3, 2))}, "input 'y' is not an input or weight of the program; it has i, x"),
        ({"z": np.zeros(4)}, "input 'z' is not an input or weight of the program; it has i, x"),
    ],
)
def test_arrays_that_do_not_fit(inputs: dict[str, NDArray[np.generic]], sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        run(SCATTER, **inputs)


def test_inputs_of_bf16_are_rounded() -> None:
    text = """step.tensor @x : bf16 [3] input
    step.tensor @y : f32 [3] output
    %x = step.load @x : !step.stream<bf16, [3]>
    step.store %x in @y"""
    assert run(text, x=np.array([1 + 2.0**-8, 1 + 3 * 2.0**-8, 1.5]))["y"].value.tolist() == [1, 1 + 2.0**-6, 1.5]


LOOP = """step.loop 3
    step.state @s : f32 [2]
    step.tensor @first : f32 [2] input
    step.tensor @x : f32 [2] input each
    step.tensor @y : f32 [2] output each
    step.tensor @last : f32 [2] output
    %first = step.load @first : !step.stream<f32, [2]>
    %old = step.recall @s initial %first : !step.stream<f32, [2]>
    %x = step.load @x : !step.stream<f32, [2]>
    step.keep %x in @s
    %y = step.map sub %x, %old : !step.stream<f32, [2]>
    step.store %y in @y
    step.store %x in @last"""


def test_iterations_and_what_they_leave() -> None:
    x = np.array([[1, 2], [5, 7], [4, 4]])
    found = interpret(parse_program(LOOP), {"first": np.array([1, 1]), "x": x})
    assert found.outputs["y"].value.tolist() == [[0, 1], [4, 5], [-1, -3]]
    assert found.outputs["last"].value.tolist() == [4, 4]
    assert found.streams["old"].value.tolist() == [[1, 1], [1, 2], [5, 7]]
    assert found.streams["y"].shape == (3, 2)


def test_streams_have_names_and_accesses_the_order_of_the_program() -> None:
    module = parse_program(
        """step.dimension @n <= 9
        step.tensor @x : f32 [5, 6] input
        step.tensor @y : f32 [5, 6] output
        step.tensor @t : f32 [6, 5] output
        step.tensor @c : i32 [1] output
        %x = step.load @x : !step.stream<f32, [5, 6]>
        %0 = step.map add %x, 1.0 : !step.stream<f32, [5, 6]>
        %done = step.store %0 in @y -> !step.token
        %t = step.load @y walk [1, 0] after %done : !step.stream<f32, [6, 5]>
        step.store %t in @t
        %n = step.size @n : !step.stream<i32, []>
        %one = step.promote %n : !step.stream<i32, [1]>
        step.store %one in @c"""
    )
    found = interpret(module, {"x": X}, {"n": 7})
    assert set(found.streams) == {"x", "t", "n", "one"}
    assert found.streams["t"].value.tolist() == (X + 1).T.tolist()
    assert found.outputs["c"].value.tolist() == [7]


def test_every_operation_has_a_meaning() -> None:
    assert set(MEANINGS) == {each for each in STEP.operations if each not in DECLARATIONS}


# -- comparison --------------------------------------------------------------------------------------------


def test_a_verdict_counts_and_names_the_first_difference() -> None:
    text = """step.tensor @x : f32 [2, 3] input
    step.tensor @y : f32 [2, 3] output
    %x = step.load @x : !step.stream<f32, [2, 3]>
    %y = step.map exp %x : !step.stream<f32, [2, 3]>
    step.store %y in @y"""
    found = run(text, x=np.array([[0, 1, 2], [np.nan, -np.inf, 3]]))["y"]
    good = np.exp([[0, 1, 2], [np.nan, -np.inf, 3]]).astype(np.float32)
    assert compare("y", found, good).sentence == "y: 6 values, 3 exact, 3 within bounds; all agree"
    bad = good.copy()
    bad[0, 2], bad[1, 2] = 7.5, 20
    verdict = compare("y", found, bad)
    assert (verdict.wrong, verdict.first and verdict.first.index) == (2, (0, 2))
    assert verdict.sentence == (
        "y: 6 values, 3 exact, 3 within bounds; 2 differ, the first at [0, 2] is 7.5, not 7.3890561 within 2.86e-07"
    )
    with pytest.raises(WeftError, match=r"y must have the shape \[2, 3\], not \[6\]"):
        compare("y", found, good.ravel())


def test_wide_bounds_and_unjudged_numbers_are_told() -> None:
    wide = Bounded(Element.F32, np.array([1.0, 1.0, 1.0]), np.array([0.1, 1e-6, np.inf]))
    verdict = compare("s", wide, [1.05, 1, 9e9])
    assert (verdict.says_little, verdict.unjudged, verdict.agrees) == (1, 1, True)
    assert verdict.sentence == "s: 3 values, 2 within bounds (1 of them wide), 1 not judged; all agree"
    zeros = Bounded.exactly(Element.F32, np.array([0.0, -0.0]))
    assert compare("z", zeros, [-0.0, 0.0]).agrees
    assert not compare("z", zeros, [np.nan, 0.0]).agrees
