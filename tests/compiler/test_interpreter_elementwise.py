"""Elementwise meanings: equal to the arithmetic of the units where operands are exact, and within their bounds else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from weft.compiler.interpreter import Bounded, compare, interpret
from weft.compiler.interpreter.elementwise import floats_apply, wrap
from weft.compiler.step import Element, parse_program
from weft.compiler.step.map import Function
from weft.hw import numerics

Floats = NDArray[np.float32]

_SPECIAL = [0, -0.0, 1, -1, 0.5, 3, 1 / 3, 88.72, -87.4, 1e-30, 1.0000001, np.inf, -np.inf, np.nan]
_NEAR_THE_ENDS = [2.0**127, -3.4028234e38, 2.0**-126, -(2.0**-126), 2.0**-127, 2.0**-149, 2.0**-64, 2.0**-62]
CORNERS = np.array([*_SPECIAL, *_NEAR_THE_ENDS, 2.0**-126 * (1 + 2.0**-23)], np.float32)
UNIT: dict[Function, Callable[..., Floats]] = {
    Function.ADD: numerics.add,
    Function.SUB: numerics.sub,
    Function.MUL: numerics.mul,
    Function.MULADD: numerics.muladd,
    Function.MAX: numerics.maximum,
    Function.MIN: numerics.minimum,
    Function.LT: numerics.less,
    Function.LE: numerics.less_equal,
    Function.EQ: numerics.equal,
    Function.SELECT: numerics.select,
    Function.EXP: numerics.exp,
    Function.RECIPROCAL: numerics.reciprocal,
    Function.RSQRT: numerics.rsqrt,
    Function.SIGMOID: numerics.sigmoid,
    Function.DIV_APPROX: lambda a, b: numerics.mul(a, numerics.reciprocal(b)),
}
"""What the units compute."""
APPROXIMATE = {Function.EXP, Function.RECIPROCAL, Function.RSQRT, Function.SIGMOID, Function.DIV_APPROX}


def exactly(values: Floats) -> Bounded:
    with np.errstate(invalid="ignore"):  # NaNs that signal
        return Bounded.exactly(Element.F32, values.astype(np.float64))


def operands(count: int, seed: int) -> list[Floats]:
    """Corners with corners, random bits, and numbers of like magnitude."""
    rng = np.random.default_rng(seed)
    grid = [each.ravel() for each in np.meshgrid(*[CORNERS] * count)]
    bits = rng.integers(0, 1 << 32, (count, 2000)).astype(np.uint32).view(np.float32)
    near = rng.normal(size=(count, 2000)).astype(np.float32)
    return [np.concatenate(each) for each in zip(grid, bits, near, strict=True)]


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("function", [each for each in Function if each not in APPROXIMATE])
def test_exact_operands_give_the_bits_of_the_units(function: Function) -> None:
    given = operands(function.operands, 1)
    found = floats_apply(function, *map(exactly, given))
    want = UNIT[function](*given)
    assert found.exact.all()
    same = found.value.astype(np.float32).view(np.uint32) == want.view(np.uint32)
    assert same[~np.isnan(want)].all()
    assert np.isnan(found.value[np.isnan(want)]).all()


@pytest.mark.parametrize("function", sorted(APPROXIMATE, key=lambda each: each.value))
def test_special_functions_are_within_their_bounds(function: Function) -> None:
    given = operands(function.operands, 2)
    found = floats_apply(function, *map(exactly, given))
    verdict = compare(function.value, found, UNIT[function](*given))
    assert verdict.agrees, verdict.sentence
    assert found.exact[np.isnan(found.value) | np.isinf(found.value)].all()
    assert verdict.unjudged <= verdict.values // 50  # near overflow and underflow


@pytest.mark.parametrize(
    ("function", "at", "want"),
    [
        (Function.EXP, [0.0, -0.0, np.inf, -np.inf, 89.0, -88.0], [1, 1, np.inf, 0, np.inf, 0]),
        (Function.RECIPROCAL, [0.0, -0.0, np.inf, -np.inf], [np.inf, -np.inf, 0, 0]),
        (Function.RSQRT, [0.0, -0.0, np.inf, -1.0], [np.inf, -np.inf, 0, np.nan]),
        (Function.SIGMOID, [0.0, np.inf, -np.inf], [0.5, 1, 0]),
    ],
)
def test_special_values_are_exact(function: Function, at: list[float], want: list[float]) -> None:
    verdict = compare(function.value, floats_apply(function, exactly(np.float32(at))), want)
    assert verdict.exact == len(at)
    assert verdict.agrees, verdict.sentence


def test_division_is_within_two_units_of_the_quotient() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.normal(size=(2, 5000)).astype(np.float32)
    found = floats_apply(Function.DIV_APPROX, exactly(a), exactly(b))
    quotient = a.astype(np.float64) / b
    np.testing.assert_allclose(found.value, quotient, rtol=2.0**-23)
    assert (found.error >= 1.9999 * np.spacing(np.abs(quotient).astype(np.float32)) / 2).all()
    assert (found.error <= 2.0001 * np.spacing(np.abs(quotient).astype(np.float32))).all()
    assert compare("y", found, (a / b)).agrees


@pytest.mark.parametrize("function", list(Function))
@pytest.mark.parametrize("size", [2.0**-22, 2.0**-10, 0.5])
def test_a_device_that_is_off_within_the_bounds_stays_within_them(function: Function, size: float) -> None:
    """Operands with bounds: whatever a device holds within them, its result is within the result's."""
    rng = np.random.default_rng(4)
    scale = np.array([1, 40, 2.0**-120, 2.0**100])[rng.integers(0, 4, 1000)]
    values = [rng.normal(size=1000) * scale for _ in range(function.operands)]
    values = [np.where(rng.random(1000) < 0.1, np.rint(each / scale), each) for each in values]
    errors = [np.abs(each) * size * rng.random(1000) * (rng.random(1000) < 0.8) for each in values]
    values = [np.where(e == 0, v.astype(np.float32), v).astype(np.float64) for v, e in zip(values, errors, strict=True)]
    found = floats_apply(function, *(Bounded(Element.F32, v, e) for v, e in zip(values, errors, strict=True)))
    assert found.judged.mean() > 0.3
    for _ in range(4):
        held: list[Floats] = []
        for v, e in zip(values, errors, strict=True):
            device = (v + e * rng.choice([-1, 1, rng.uniform(-1, 1)], 1000)).astype(np.float32)
            device = numerics.flush(np.where(np.abs(device - v) <= e, device, v.astype(np.float32)))
            held.append(np.where(e == 0, v.astype(np.float32), device))
        honest = np.all([np.abs(d - v) <= e for d, v, e in zip(held, values, errors, strict=True)], axis=0)
        assert honest.mean() > 0.2
        device = UNIT[function](*held)
        verdict = compare(function.value, found.moved(lambda x, at=honest: x[at]), device[honest])
        assert verdict.agrees, verdict.sentence


def run(body: str, sizes: str = "", **inputs: NDArray[np.generic]) -> dict[str, Bounded]:
    return interpret(parse_program(f"{sizes}\n{body}"), inputs).outputs


def test_comparisons_and_choices_whose_bounds_overlap_are_not_judged() -> None:
    a = Bounded(Element.F32, np.array([1.0, 1.0, 3.0, 1.0]), np.array([0.1, 0.1, 0.1, 0.0]))
    b = Bounded(Element.F32, np.array([1.1, 1.3, 1.0, 1.0]), np.array([0.1, 0.1, 0.1, 0.0]))
    less = floats_apply(Function.LT, a, b)
    assert less.judged.tolist() == [False, True, True, True]
    assert less.value[1:].tolist() == [1, 0, 0]
    assert floats_apply(Function.EQ, a, b).judged.tolist() == [False, True, True, True]
    greater = floats_apply(Function.MAX, a, b)
    np.testing.assert_allclose(greater.error, [0.1, 0.1, 0.1, 0], rtol=1e-5)
    zero = Bounded(Element.F32, np.array([0.05, 0.2, 0.0]), np.array([0.1, 0.1, 0.0]))
    chosen = floats_apply(Function.SELECT, zero, exactly(np.float32([1, 1, 1])), exactly(np.float32([2, 2, 2])))
    assert chosen.judged.tolist() == [False, True, True]
    assert chosen.value[1:].tolist() == [1, 2]


def test_a_divisor_of_either_sign_is_not_judged() -> None:
    x = Bounded(Element.F32, np.array([0.5, 2.0]), np.array([0.6, 0.6]))
    assert floats_apply(Function.RECIPROCAL, x).judged.tolist() == [False, True]


def test_bits_of_conversions() -> None:
    x = operands(1, 5)[0]
    found = run(
        f"""step.tensor @x : f32 [{x.size}] input
        step.tensor @b : bf16 [{x.size}] output
        step.tensor @i : i32 [{x.size}] output
        %x = step.load @x : !step.stream<f32, [{x.size}]>
        %b = step.convert %x : !step.stream<bf16, [{x.size}]>
        %i = step.convert %x : !step.stream<i32, [{x.size}]>
        step.store %b in @b
        step.store %i in @i""",
        x=x,
    )
    assert compare("b", found["b"], numerics.to_bf16(x)).exact == x.size
    assert compare("b", found["b"], numerics.to_bf16(x)).agrees
    assert found["i"].value.tolist() == numerics.to_int32(x).view(np.int32).tolist()


def test_rounding_what_is_inexact() -> None:
    near = "step.tensor @x : f32 [3] input\n%x = step.load @x : !step.stream<f32, [3]>"
    body = """{near}
    step.tensor @y : {kind} [3] output
    %e = step.map exp %x : !step.stream<f32, [3]>
    %y = step.convert %e : !step.stream<{kind}, [3]>
    step.store %y in @y"""
    x = np.log(np.float64([2.5, 7.25, 3.0])).astype(np.float32)
    whole = run(body.format(near=near, kind="i32"), x=x)["y"]
    assert whole.judged.tolist() == [False, True, True]
    assert whole.value[1:].tolist() == [7, 3]
    short = run(body.format(near=near, kind="bf16"), x=x)["y"]
    assert short.exact.all()
    tie = np.log(np.float64([1 + 2.0**-8, 1.5, 1.0])).astype(np.float32)
    short = run(body.format(near=near, kind="bf16"), x=tie)["y"]
    assert short.exact.tolist() == [False, True, True]
    assert 2.0**-8 * 0.99 < short.error[0] < 2.0**-7 * 1.01


@pytest.mark.filterwarnings("error")
def test_an_integer_of_what_may_be_infinite_is_not_judged() -> None:
    text = """step.tensor @x : f32 [1, 4] input
        step.tensor @y : i32 [1] output
        %x = step.load @x : !step.stream<f32, [1, 4]>
        %nothing = step.accum add %x over [1] : !step.stream<f32, [1]>
        %much = step.map reciprocal %nothing : !step.stream<f32, [1]>
        %y = step.convert %much : !step.stream<i32, [1]>
        step.store %y in @y"""
    y = run(text, x=np.array([[1, 2.0**-30, -1, -(2.0**-30)]], np.float32))["y"]
    assert not y.judged.any()


def test_integers_wrap() -> None:
    a = np.array([2**31 - 1, -(2**31), 5], np.int32)
    b = np.array([1, -1, -7], np.int32)
    found = run(
        """step.tensor @a : i32 [3] input
        step.tensor @b : i32 [3] input
        step.tensor @y : i32 [3] output
        step.tensor @z : f32 [3] output
        %a = step.load @a : !step.stream<i32, [3]>
        %b = step.load @b : !step.stream<i32, [3]>
        %sum = step.map add %a, %b : !step.stream<i32, [3]>
        %less = step.map lt %a, %b : !step.stream<f32, [3]>
        %y = step.map select %less, %a, %sum : !step.stream<i32, [3]>
        %z = step.convert %sum : !step.stream<f32, [3]>
        step.store %y in @y
        step.store %z in @z""",
        a=a,
        b=b,
    )
    with np.errstate(over="ignore"):
        total = a + b
    assert found["y"].value.tolist() == np.where(a < b, a, total).tolist()
    assert found["z"].value.tolist() == total.astype(np.float32).tolist()
    assert wrap(np.array([2**31, -(2**31) - 1])).tolist() == [-(2**31), 2**31 - 1]


def test_integers_beyond_float32_become_its_nearest() -> None:
    x = np.array([16777217, -16777219, 2**31 - 1], np.int32)
    found = run(
        """step.tensor @x : i32 [3] input
        step.tensor @y : f32 [3] output
        %x = step.load @x : !step.stream<i32, [3]>
        %y = step.convert %x : !step.stream<f32, [3]>
        step.store %y in @y""",
        x=x,
    )["y"]
    assert found.value.tolist() == x.astype(np.float32).tolist()
