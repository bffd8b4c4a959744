"""Reductions and products: bounds that hold in any order, and sums that are exact in any order."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from weft.compiler.interpreter import Bounded, compare, interpret
from weft.compiler.interpreter.products import matmul
from weft.compiler.interpreter.sums import sum_in_any_order
from weft.compiler.step import Element, parse_program
from weft.compiler.weights.quantised import Quantisation, Quantised, quantise
from weft.hw import numerics

Floats = NDArray[np.float32]
RNG = np.random.default_rng(7)


def exactly(values: NDArray[np.generic]) -> Bounded:
    return Bounded.exactly(Element.F32, values.astype(np.float64))


def some_order(terms: Floats, start: float = 0.0) -> Floats:
    """The sum over the last dimension as some device does it: partial sums of a random number, each from +0."""
    terms = terms[..., RNG.permutation(terms.shape[-1])]
    parts = int(RNG.integers(1, 9))
    sums = [np.zeros(terms.shape[:-1], np.float32) for _ in range(parts)]
    sums[0] = sums[0] + np.float32(start)
    for place in range(terms.shape[-1]):
        sums[place % parts] = numerics.add(sums[place % parts], terms[..., place])
    while len(sums) > 1:
        sums.append(numerics.add(sums.pop(0), sums.pop(int(RNG.integers(len(sums))))))
    return sums[0]


@pytest.mark.parametrize("scale", [1.0, 2.0**-125, 2.0**100])
@pytest.mark.parametrize("count", [1, 2, 3, 17, 100])
def test_any_order_is_within_the_bound(count: int, scale: float) -> None:
    terms = (RNG.normal(size=(40, count)) * scale).astype(np.float32)
    terms *= RNG.random(terms.shape) < np.linspace(0, 1.2, 40)[:, None]
    found = sum_in_any_order(exactly(terms), (1,), 0.5 * scale)
    assert found.judged.all()
    for _ in range(12):
        verdict = compare("sum", found, some_order(terms, 0.5 * scale))
        assert verdict.agrees, verdict.sentence


def test_bounds_are_not_much_wider_than_what_orders_make() -> None:
    terms = RNG.random((1, 1000)).astype(np.float32)
    found = sum_in_any_order(exactly(terms), (1,))
    assert found.error[0] < 1000 * 2.0**-24 * 1.001 * terms.sum(dtype=np.float64)
    one = sum_in_any_order(exactly(np.float32([[0, 0.1, 0]])), (1,))
    assert one.exact.all()
    assert one.value[0] == np.float32(0.1)


@pytest.mark.parametrize("power", [0, -30, 40, -126])
def test_whole_numbers_of_one_unit_are_exact_in_any_order(power: int) -> None:
    terms = RNG.integers(-1000, 1000, (50, 64)).astype(np.float32) * np.float32(2.0**power)
    found = sum_in_any_order(exactly(terms), (1,), 3 * 2.0**power)
    assert found.exact.all()
    for _ in range(5):
        assert compare("sum", found, some_order(terms, 3 * 2.0**power)).agrees


def test_whole_numbers_beyond_24_bits_are_bounded() -> None:
    terms = np.array([[2.0**23, 2.0**22, 1], [2.0**24, 1, 1], [2.0**24, 0, 0]])
    found = sum_in_any_order(exactly(terms), (1,))
    assert found.exact.tolist() == [True, False, True]
    assert sum_in_any_order(exactly(np.array([[2.0**-149, 0, 0]])), (1,)).value.tolist() == [0]


@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_an_extreme_of_what_is_not_judged_is_not_judged() -> None:
    """A comparison of two exponentials that may round apart, alone and beside infinity."""
    program = parse_program(
        "step.tensor @x : f32 [2, 2] input\nstep.tensor @z : f32 [2, 2] input\nstep.tensor @y : f32 [2] output\n"
        "%x = step.load @x : !step.stream<f32, [2, 2]>\n%z = step.load @z : !step.stream<f32, [2, 2]>\n"
        "%e = step.map exp %x : !step.stream<f32, [2, 2]>\n%f = step.map exp %z : !step.stream<f32, [2, 2]>\n"
        "%less = step.map lt %e, %f : !step.stream<f32, [2, 2]>\n"
        "%d = step.map add %x, %less : !step.stream<f32, [2, 2]>\n"
        "%y = step.accum max %d over [1] : !step.stream<f32, [2]>\nstep.store %y in @y\n"
    )
    x = np.float32([[1, 2], [3, np.inf]])
    found = interpret(program, {"x": x, "z": np.float32([[1, 2], [3, np.inf]])}, {}).outputs["y"]
    assert isinstance(found, Bounded)
    assert found.judged.tolist() == [False, False]


def test_infinities_and_overflow() -> None:
    big, inf = 3e38, np.inf
    rows = [
        [inf, 1, 2],
        [inf, -inf, 1],
        [np.nan, inf, 1],
        [big, big, -big],
        [-inf, 1, big],
        [inf, big, big],
        [big, 0, 0],
    ]
    found = sum_in_any_order(exactly(np.float32(rows)), (1,))
    assert found.judged.tolist() == [True, True, True, False, True, False, True]
    assert compare("sum", found, [inf, np.nan, np.nan, 0, -inf, 0, np.float32(big)]).agrees
    assert sum_in_any_order(exactly(np.float32([[big, big]])), (1,)).value.tolist() == [inf]  # one addition: one order


def test_inexact_terms_add_their_errors() -> None:
    terms = Bounded(Element.F32, np.ones((2, 3)), np.array([[0.1, 0.2, 0], [np.inf, 0, 0]]))
    found = sum_in_any_order(terms, (1,))
    assert 0.3 < found.error[0] < 0.3001
    assert not found.judged[1]


def run(text: str, **inputs: NDArray[np.generic] | Quantised) -> dict[str, Bounded]:
    return interpret(parse_program(text), inputs).outputs


def reduced(operation: str, over: str, given: str, result: str, x: NDArray[np.generic], kind: str = "f32") -> Bounded:
    return run(
        f"""step.tensor @x : {kind} [{given}] input
        step.tensor @y : {kind} [{result}] output
        %x = step.load @x : !step.stream<{kind}, [{given}]>
        %y = step.{operation} %x over [{over}] : !step.stream<{kind}, [{result}]>
        step.store %y in @y""",
        x=x,
    )["y"]


def test_maxima_and_minima_are_exact() -> None:
    x = RNG.normal(size=(4, 5, 6)).astype(np.float32)
    x[0, 0, 0], x[1, 2, 3], x[2] = np.nan, np.inf, -0.0
    found = reduced("accum max", "0, 2", "4, 5, 6", "5", x)
    assert compare("y", found, x.max(axis=(0, 2))).exact == 5
    assert compare("y", found, x.max(axis=(0, 2))).agrees
    found = reduced("accum min", "1, 2", "4, 5, 6", "4", x)
    assert compare("y", found, x.min(axis=(1, 2))).agrees
    assert np.signbit(found.value[2])


def test_a_maximum_of_bounded_numbers_is_bounded() -> None:
    x = RNG.normal(size=(4, 30)).astype(np.float32)
    text = """step.tensor @x : f32 [4, 30] input
        step.tensor @y : f32 [4] output
        %x = step.load @x : !step.stream<f32, [4, 30]>
        %e = step.map exp %x : !step.stream<f32, [4, 30]>
        %y = step.accum max %e over [1] from 0.25 : !step.stream<f32, [4]>
        step.store %y in @y"""
    found = run(text, x=x)["y"]
    assert compare("y", found, numerics.exp(x).max(axis=1)).bounded == 4
    assert compare("y", found, numerics.exp(x).max(axis=1)).agrees
    assert (found.error < 2.0**-22 * found.value).all()


@pytest.mark.parametrize(("name", "function"), [("add", np.add), ("max", np.maximum), ("min", np.minimum)])
@pytest.mark.parametrize("axis", [0, 1])
def test_scans_go_in_order_and_are_exact(name: str, function: np.ufunc, axis: int) -> None:
    x = RNG.normal(size=(9, 14)).astype(np.float32)
    found = reduced(f"scan {name}", str(axis), "9, 14", "9, 14", x)
    want = function.accumulate(x, axis=axis, dtype=np.float32)
    assert compare("y", found, want).exact == x.size
    assert compare("y", found, want).agrees


def test_scan_from_a_number() -> None:
    text = """step.tensor @x : f32 [3] input
        step.tensor @y : f32 [3] output
        %x = step.load @x : !step.stream<f32, [3]>
        %y = step.scan add %x over [0] from 0.5 : !step.stream<f32, [3]>
        step.store %y in @y"""
    assert run(text, x=np.float32([1, 2, 3]))["y"].value.tolist() == [1.5, 3.5, 6.5]


@pytest.mark.parametrize("name", ["add", "max", "min"])
def test_integers_wrap_and_are_exact(name: str) -> None:
    x = RNG.integers(-(2**31), 2**31, (5, 40)).astype(np.int32)
    with np.errstate(over="ignore"):
        want = {"add": x.sum(axis=1, dtype=np.int32), "max": x.max(axis=1), "min": x.min(axis=1)}[name]
        so_far = {"add": x.cumsum(axis=1, dtype=np.int32), "max": np.maximum.accumulate(x, axis=1)}.get(name)
    assert reduced(f"accum {name}", "1", "5, 40", "5", x, "i32").value.tolist() == want.tolist()
    if so_far is not None:
        assert reduced(f"scan {name}", "1", "5, 40", "5, 40", x, "i32").value.tolist() == so_far.tolist()


@pytest.mark.parametrize(
    ("operation", "kind", "want"),
    [
        ("accum add %x over [1]", "f32", 0.0),
        ("accum max %x over [1]", "f32", -np.inf),
        ("accum min %x over [1]", "f32", np.inf),
        ("accum add %x over [1] from 2.5", "f32", 2.5),
        ("accum max %x over [1] from 2.5", "f32", 2.5),
        ("accum add %x over [1]", "i32", 0),
    ],
)
def test_where_nothing_is_reduced_the_initial_value_is_the_result(operation: str, kind: str, want: float) -> None:
    module = parse_program(
        f"""step.dimension @n <= 3
        step.tensor @x : {kind} [2, 3] input
        step.tensor @y : {kind} [2] output
        %x = step.load @x : !step.stream<{kind}, [2, n]>
        %y = step.{operation} : !step.stream<{kind}, [2]>
        step.store %y in @y"""
    )
    found = interpret(module, {"x": np.ones((2, 3), np.int32)}, {"n": 0}).outputs["y"]
    assert found.exact.all()
    assert found.value.tolist() == [want, want]


def test_products_are_rounded_then_summed() -> None:
    a, b = RNG.normal(size=(4, 37)).astype(np.float32), RNG.normal(size=(37, 5)).astype(np.float32)
    found = matmul(exactly(a), exactly(b))
    terms = numerics.mul(a[:, None, :], b.T[None])
    for _ in range(20):
        assert compare("y", found, some_order(terms)).agrees
    wrong = some_order(terms) * np.float32(1.0001)
    assert not compare("y", found, wrong).agrees


def test_products_of_whole_numbers_are_exact() -> None:
    a, b = RNG.integers(-9, 9, (2, 3, 20)), RNG.integers(-9, 9, (2, 20, 4))
    found = run(
        """step.tensor @a : f32 [2, 3, 20] input
        step.tensor @b : bf16 [2, 20, 4] input
        step.tensor @y : f32 [2, 3, 4] output
        %a = step.load @a : !step.stream<f32, [2, 3, 20]>
        %b = step.load @b : !step.stream<bf16, [2, 20, 4]>
        %y = step.matmul %a, %b : !step.stream<f32, [2, 3, 4]>
        step.store %y in @y""",
        a=a,
        b=b,
    )["y"]
    assert found.exact.all()
    assert found.value.tolist() == (a @ b).tolist()


def test_many_products_come_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = RNG.integers(-9, 9, (7, 20)), RNG.integers(-9, 9, (20, 4))
    monkeypatch.setattr("weft.compiler.interpreter.products._TERMS", 200)
    assert matmul(exactly(a), exactly(b)).value.tolist() == (a @ b).tolist()


QUANTISED = """step.tensor @x : f32 [40] input
    step.tensor @w : {form} [40, 6] weight
    step.tensor @y : f32 [6] output
    %x = step.load @x : !step.stream<f32, [40]>
    %w = step.load @w : !step.stream<{form}, [40, 6]>
    %y = step.matmul %x, %w : !step.stream<f32, [6]>
    step.store %y in @y"""


@pytest.mark.parametrize("form", list(Quantisation))
def test_quantised_weights(form: Quantisation) -> None:
    x = numerics.to_bf16(RNG.normal(size=40).astype(np.float32))
    w = RNG.normal(size=(40, 6)).astype(np.float32)
    held = quantise(w, form)
    rows = 2 if form is Quantisation.INT8 else 4
    numbers = held.elements if form is Quantisation.INT8 else held.values()
    sums = [np.zeros(6, np.float32) for _ in range(rows)]
    for k in range(40):
        sums[k % rows] = numerics.muladd(numbers[k], x[k], sums[k % rows])
    total = np.zeros(6, np.float32)
    for part in sums:
        total = numerics.add(total, part)
    if form is Quantisation.INT8:
        total = numerics.mul(total, held.scales[0])
    for given in (w, held):
        found = run(QUANTISED.format(form=form.value), x=x, w=given)["y"]
        verdict = compare("y", found, total)
        assert verdict.agrees, verdict.sentence
        np.testing.assert_allclose(found.value, x.astype(np.float64) @ held.values().astype(np.float64), rtol=1e-4)
    whole = run(QUANTISED.format(form=form.value), x=np.ones(40), w=held)["y"]
    assert (form is Quantisation.MXFP4) <= whole.exact.all()


def test_exponents_of_mxfp4_at_the_ends() -> None:
    elements = np.zeros((40, 6), np.float32)
    elements[0] = 1
    scales = np.full((2, 6), 127, np.float32)
    scales[0] = [0, 1, 254, 255, 127, 126]
    found = run(QUANTISED.format(form="mxfp4"), x=np.ones(40), w=Quantised(Quantisation.MXFP4, elements, scales))["y"]
    assert compare("y", found, [0, 2.0**-126, 2.0**127, np.nan, 1, 0.5]).exact == 6
    assert compare("y", found, [0, 2.0**-126, 2.0**127, np.nan, 1, 0.5]).agrees


def test_a_layer_norm_of_a_device_is_within_bounds_that_say_something() -> None:
    """A whole program: sums in random order, then functions of them, each as the units round it."""
    from example_programs import EXAMPLES, inputs_of

    module = parse_program((EXAMPLES / "layer_norm.mlir").read_text())
    for seed in range(5):
        given = inputs_of("layer_norm", seed)
        found = interpret(module, given)
        n = numerics
        share = np.float32(0.0333333333)
        centred = n.sub(given["x"], n.mul(some_order(given["x"]), share)[:, None])
        variance = n.add(n.mul(some_order(n.mul(centred, centred)), share), np.float32(1e-5))
        normal = n.mul(centred, n.rsqrt(variance)[:, None])
        y = n.muladd(normal, given["scale"], given["shift"])
        for name, values in {"centred": centred, "variance": variance, "normal": normal, "y": y}.items():
            verdict = compare(name, found.streams[name], values)
            assert verdict.agrees, verdict.sentence
            assert (verdict.unjudged, verdict.says_little) == (0, 0)
        assert found.outputs["y"].error.max() < 2e-5
