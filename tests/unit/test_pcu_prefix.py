"""Prefixes over the lanes: the hardware, its functional model and the oracle agree, and programs compute them."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from pcu_bench import beats, bench, check
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.test_value import create_ssa_value

from weft.compiler.compile import CompiledProgram, compile_program
from weft.compiler.errors import WeftError
from weft.compiler.interpreter import Bounded, Verdict, compare, interpret
from weft.compiler.mapped import Kind, StreamType, parse_module, print_module
from weft.compiler.mapped.attributes import attributes
from weft.compiler.mapped.prefix import PrefixOp
from weft.compiler.step import parse_program, print_program
from weft.hw.numerics import apply
from weft.hw.numerics.ops import Op
from weft.hw.presets import PRESETS
from weft.hw.program.pcu import Input, InputMode, Pcu, Source, Stage
from weft.hw.spec import FabricSpec
from weft.sim.functional.device import FunctionalDevice
from weft.sim.program_run import run_compiled
from weft.sim.run import memory_needed

VECTORS, SCALARS = (StreamType.make(kind, (3, 8)) for kind in (Kind.VECTOR, Kind.SCALAR))
NUMPY = {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}


def text_of(function: str, rows: int, size: int | str, element: str = "f32", given: str | None = None) -> str:
    """A program of one prefix. A size that is a name is a symbol of at most 8."""
    symbol = f"step.dimension @{size} <= 8\n" if isinstance(size, str) else ""
    most = 8 if isinstance(size, str) else size
    return f"""{symbol}step.tensor @x : {given or element} [{rows}, {most}] input
step.tensor @y : {element} [{rows}, {most}] output
%x = step.load @x : !step.stream<{given or element}, [{rows}, {size}]>
%y = step.prefix {function} %x : !step.stream<{element}, [{rows}, {size}]>
step.store %y in @y
"""


def real(seed: int, *shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@cache
def fabric(lanes: int) -> FabricSpec:
    """As many stages as a whole vector takes."""
    return FabricSpec.make(
        name=f"of_{lanes}", rows=2, columns=2, lanes=lanes, stages=lanes.bit_length() - 1, acc_depth=8, channel_bits=64
    )


def oracle(text: str, x: NDArray[np.generic], sizes: dict[str, int] | None = None) -> Bounded:
    return interpret(parse_program(text), {"x": x}, sizes).outputs["y"]


def judged(
    text: str, x: NDArray[np.generic], spec: FabricSpec, sizes: dict[str, int]
) -> tuple[CompiledProgram, Verdict]:
    """A program on the functional device, compared with the oracle."""
    compiled = compile_program(parse_program(text), spec)
    device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
    outputs, _ = run_compiled(compiled, spec, device, {"x": x}, sizes)
    return compiled, compare("y", oracle(text, x, sizes), outputs["y"])


# -- hardware ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("function", NUMPY)
@pytest.mark.parametrize("lanes", [4, 8, pytest.param(16, marks=pytest.mark.long)])
def test_hardware_gives_what_the_model_and_the_oracle_give(lanes: int, function: str) -> None:
    """The PCU that a program compiles to, with random stalls, on full rows and on some that leave lanes over."""
    for size in (lanes, lanes - 1):
        text, x = text_of(function, 12, size), real(size, 12, size)
        unit = compile_program(parse_program(text), fabric(lanes)).mapping.netlist.units["y"].program
        assert isinstance(unit, Pcu)
        padded = np.concatenate([x, np.full((12, lanes - size), np.nan, np.float32)], axis=1)
        run = check(unit, [beats(padded, 1)], spec=fabric(lanes), seed=size)
        found = np.array([words for words, _, _ in run.vector], np.uint32).view(np.float32)[:, :size]
        verdict = compare("y", oracle(text, x), found)
        assert verdict.agrees, verdict.sentence
        assert verdict.unjudged == 0


def test_integers_and_void_beats() -> None:
    spec = fabric(4)
    x = np.random.default_rng(1).integers(-(1 << 31), 1 << 31, (9, 4)).astype(np.int32)
    unit = compile_program(parse_program(text_of("add", 9, 4, "i32")), spec).mapping.netlist.units["y"].program
    assert isinstance(unit, Pcu)
    void = np.arange(9) % 3 == 0
    run = check(unit, [beats(x.view(np.uint32), 1, void)], spec=spec)
    found = np.array([words for words, _, _ in run.vector], np.uint32).view(np.int32)
    assert (found[~void] == np.add.accumulate(x, axis=1, dtype=np.int32)[~void]).all()
    assert [empty for _, _, empty in run.vector] == void.tolist()


def test_a_vector_a_cycle() -> None:
    unit = compile_program(parse_program(text_of("add", 40, 4)), fabric(4)).mapping.netlist.units["y"].program
    assert isinstance(unit, Pcu)
    cycles = [bench(fabric(4)).run(unit, [beats(real(1, rows, 4), 1)], []).cycles for rows in (20, 40)]
    assert cycles[1] - cycles[0] == 20


def test_lanes_without_one_below_take_the_constant() -> None:
    """Stage ``s`` reaches ``2^s`` lanes down, and only operand a does."""
    spec, x = fabric(4), real(2, 5, 4)
    passes, nothing = Stage(), Stage(Op.ADD, Source.CONST, c=Source.BELOW, const=0x40000000)
    for stage, distance in ((0, 1), (1, 2)):
        for each in (Stage(Op.PASS, Source.BELOW, const=0x40000000), nothing):
            stages = tuple(each if number == stage else passes for number in range(2))
            program = Pcu(vector=(Input(InputMode.EACH),), stages=stages, vector_out=True)
            run = check(program, [beats(x, 1)], spec=spec)
            found = np.array([words for words, _, _ in run.vector], np.uint32).view(np.float32)
            moved = np.concatenate([np.full((5, distance), 2, np.float32), x[:, : 4 - distance]], axis=1)
            assert (found == (2 if each is nothing else moved)).all()


# -- programs ---------------------------------------------------------------------------------------------


CASES = [
    (function, element, given, size)
    for function in NUMPY
    for element, given in (("f32", None), ("f32", "bf16"), ("i32", None))
    for size in (1, 5, 8, 20)
    if function != "mul" or (element == "f32" and size <= 8)
]
"""Products are not for integers, nor for rows that are longer than a vector."""


@pytest.mark.parametrize(("function", "element", "given", "size"), CASES)
def test_program_means_what_it_says(function: str, element: str, given: str | None, size: int) -> None:
    """Over the lanes where a row is one vector, else one by one."""
    text = text_of(function, 6, size, element, given)
    x = real(size, 6, size) if element == "f32" else np.random.default_rng(size).integers(-9, 9, (6, size))
    compiled, verdict = judged(text, x, PRESETS["demo"], {})
    assert verdict.agrees, verdict.sentence
    assert verdict.unjudged == 0
    over_lanes = any(
        isinstance(unit.program, Pcu) and unit.program.stages[0].a is Source.BELOW
        for unit in compiled.mapping.netlist.units.values()
    )
    assert over_lanes == (size <= 8)


@pytest.mark.parametrize("size", [5, 20])
def test_a_sum_of_negative_zeros_is_one(size: int) -> None:
    """Whether over the lanes or one by one: nothing is added to the first element. Reciprocals tell zeros apart."""
    text = text_of("add", 2, size).replace(
        "step.store %y", f"%r = step.map reciprocal %y : !step.stream<f32, [2, {size}]>\nstep.store %r"
    )
    x = np.full((2, size), -0.0, np.float32)
    x[1, 3:] = 0.0
    spec = PRESETS["demo"]
    compiled = compile_program(parse_program(text), spec)
    device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
    outputs, _ = run_compiled(compiled, spec, device, {"x": x}, {})
    np.testing.assert_array_equal(outputs["y"][0], -np.inf)
    np.testing.assert_array_equal(outputs["y"][1], np.where(np.arange(size) < 3, -np.inf, np.inf))
    assert compare("y", oracle(text, x), outputs["y"]).sentence == f"y: {2 * size} values, {2 * size} exact; all agree"


@pytest.mark.parametrize("size", [0, 1, 5, 8])
def test_one_image_serves_all_sizes(size: int) -> None:
    _, verdict = judged(text_of("mul", 3, "n"), real(1, 3, 8), PRESETS["demo"], {"n": size})
    assert verdict.agrees, verdict.sentence


def test_what_follows_shares_the_unit() -> None:
    """A sum over rows after the prefix, in the stage behind those of the prefix."""
    text = """step.tensor @x : f32 [2, 7, 5] input
step.tensor @y : f32 [2, 5] output
%x = step.load @x : !step.stream<f32, [2, 7, 5]>
%p = step.prefix add %x : !step.stream<f32, [2, 7, 5]>
%y = step.accum add %p over [1] : !step.stream<f32, [2, 5]>
step.store %y in @y
"""
    x = np.random.default_rng(1).integers(-9, 9, (2, 7, 5)).astype(np.float32)
    compiled, verdict = judged(text, x, PRESETS["demo"], {})
    assert verdict.sentence == "y: 10 values, 10 exact; all agree"
    unit = compiled.mapping.netlist.units["y"].program
    assert isinstance(unit, Pcu)
    assert (unit.stages[0].a, unit.drain_stage) == (Source.BELOW, 3)


REFUSED = [
    ("%y = step.prefix div %x : !step.stream<f32, [6]>", "function must be one of add, mul, max, min, not 'div'"),
    ("%y = step.prefix add %x : !step.stream<f32, [5]>", r"result must be .*\[6\]>, not .*\[5\]>"),
    ("%y = step.prefix mul %i : !step.stream<i32, [6]>", "mul is not for i32; step.convert to f32 is exact below 2"),
    ("%y = step.prefix add %w : !step.stream<f32, [4, 6]>", "only step.matmul takes int8 weights, not step.prefix"),
    ("%y = step.prefix add %s : !step.stream<f32, []>", "the innermost dimension, and a single number has none"),
]


@pytest.mark.parametrize(("line", "sentence"), REFUSED)
def test_what_has_no_prefix_is_refused(line: str, sentence: str) -> None:
    before = """step.tensor @x : f32 [6] input
step.tensor @i : i32 [6] input
step.tensor @w : int8 [4, 6] weight
%x = step.load @x : !step.stream<f32, [6]>
%i = step.load @i : !step.stream<i32, [6]>
%w = step.load @w : !step.stream<int8, [4, 6]>
%s = step.accum add %x over [0] : !step.stream<f32, []>
"""
    with pytest.raises(WeftError, match=sentence):
        parse_program(before + line)


def test_products_longer_than_a_vector_are_refused() -> None:
    sentence = (
        r"line 4: step.prefix \(%y\): a row of products must be at most lanes = 8 elements and 2\^stages = 16 on "
        "fabric 'demo', not 9: no accumulator multiplies"
    )
    with pytest.raises(WeftError, match=sentence):
        compile_program(parse_program(text_of("mul", 3, 9)), PRESETS["demo"])
    tiny = FabricSpec.make(name="few", rows=2, columns=2, lanes=8, stages=2, acc_depth=8, channel_bits=64)
    with pytest.raises(WeftError, match=r"2\^stages = 4 on fabric 'few', not 5"):
        compile_program(parse_program(text_of("mul", 3, 5)), tiny)


@pytest.mark.parametrize(
    ("function", "given", "row", "result", "sentence"),
    [
        ("div", VECTORS, 8, VECTORS, "function must be one of add, mul, max, min, iadd, imax, not 'div'"),
        ("add", VECTORS, 7, VECTORS, "row must be the 8 elements of a row, not 7"),
        ("add", SCALARS, 8, SCALARS, "a prefix must be of vectors, not .*scalar"),
        ("add", VECTORS, 8, SCALARS, "result must be .*vector.*, as the operand, not .*scalar"),
    ],
)
def test_mapped_prefix_is_verified(
    function: str, given: StreamType, row: int, result: StreamType, sentence: str
) -> None:
    value = create_ssa_value(given)
    properties = attributes(function=function, row=row)
    with pytest.raises(VerifyException, match=sentence):
        PrefixOp.build(operands=[value], result_types=[result], properties=properties).verify()


def test_mapped_text_is_read_back() -> None:
    text = print_module(compile_program(parse_program(text_of("add", 3, 8)), PRESETS["demo"]).module)
    assert 'mapped.prefix "add" %x {row = 8 : i64}' in text
    assert print_module(parse_module(text)) == text


def test_text_is_read_back() -> None:
    text = text_of("max", 3, 6, "i32")
    assert print_program(parse_program(print_program(parse_program(text)))) == print_program(parse_program(text))


# -- oracle -----------------------------------------------------------------------------------------------


def in_some_order(function: str, row: NDArray[np.float32], rng: np.random.Generator) -> np.float32:
    """The reduction in float32 with subnormals flushed, in an order of its own."""
    op, parts = {"add": Op.ADD, "mul": Op.MUL}[function], list(row[rng.permutation(len(row))])
    while len(parts) > 1:
        place = int(rng.integers(len(parts) - 1))
        a, b = np.float32(parts.pop(place)), np.float32(parts.pop(place))
        parts.insert(place, apply(op, a, b, b))
    return parts[0]


@pytest.mark.parametrize("scale", [0, 12, 30, 60])
@pytest.mark.parametrize("function", ["add", "mul"])
def test_bounds_hold_in_every_order(function: str, scale: int) -> None:
    """Also for magnitudes so different that sums cancel, and products are flushed or overflow."""
    rng = np.random.default_rng(scale)
    x = (rng.normal(size=(40, 9)) * 2.0 ** rng.integers(-scale, scale + 1, (40, 9))).astype(np.float32)
    x[rng.random(x.shape) < 0.1] = 1
    x[rng.random(x.shape) < 0.03] = 0
    meant = oracle(text_of(function, 40, 9), x)
    assert meant.exact[:, :2].all()
    assert scale > 30 or meant.judged.all()
    for _ in range(8):
        for place in range(9):
            found = np.array([in_some_order(function, row[: place + 1], rng) for row in x], np.float32)
            here = meant.moved(lambda each, place=place: each[:, place])
            verdict = compare("y", here, found)
            assert verdict.agrees, verdict.sentence


def test_products_of_few_bits_are_exact() -> None:
    x = np.float32([[2, -3, 0.5, 7, -1, 1.5], [1, 0, 3.3, 4.7, 5.1, 6], [1.1, 1, 1, -1.3, 1, 1]])
    meant = oracle(text_of("mul", 3, 6), x)
    assert meant.exact.all()
    assert meant.value[0].tolist() == [2, -6, -3, -21, 21, 31.5]
    assert (meant.value[1, 1:] == 0).all()


def test_special_products() -> None:
    inf, nan, big, small = np.inf, np.nan, 2.0**100, 2.0**-100
    x = np.float32([[2, -inf, 3, -1], [nan, 0, 1, 2], [inf, 0, 5, nan], [big, big, small, 3], [small, small, inf, 2]])
    meant = oracle(text_of("mul", 5, 4), x)
    np.testing.assert_array_equal(meant.value[:3], [[2, -inf, -inf, inf], [nan] * 4, [inf, nan, nan, nan]])
    assert meant.exact[:3].all()
    assert meant.judged[3:].tolist() == [[True, True, False, False], [True, True, False, False]]


def test_a_number_that_may_be_zero_leaves_an_infinite_product_open() -> None:
    text = """step.tensor @x : f32 [2] input
step.tensor @y : f32 [2] output
%x = step.load @x : !step.stream<f32, [2]>
%e = step.map exp %x : !step.stream<f32, [2]>
%d = step.map sub %e, 1.0 : !step.stream<f32, [2]>
%y = step.prefix mul %d : !step.stream<f32, [2]>
step.store %y in @y
"""
    meant = oracle(text, np.float32([1e-9, np.inf]))
    assert meant.judged.tolist() == [True, False]
