"""Matrices of small weights against the functional model, and that against the format's text."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from pcu_bench import PAUSES, Given, Run, beats, bench, check, expected, listed

from weft.hw.arith import FunctionUnit
from weft.hw.numerics import add, apply, flush
from weft.hw.numerics.ops import Op
from weft.hw.program import BLOCK, Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats

SPEC = FabricSpec.make(name="wide", lanes=4, stages=4, acc_depth=16, channel_bits=64, scalar_inputs=4)
LANES = SPEC.lanes


def product(form: Unpack, vectors: int, *, scale: bool) -> Pcu:
    """A matrix times a vector."""
    stages = tuple(Stage(Op.MULADD, Source(row), Source.scalar(row), Source.ACC) for row in range(form.width))
    return Pcu(
        vector=(Input(InputMode.EACH),),
        scalar=(Input(InputMode.HOLD, 1),) * form.width,
        unpack=form,
        unpack_row=vectors,
        stages=stages + ((Stage(Op.MUL, Source.REG0, Source.REG1),) if scale else ()),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_sum=True,
        drain_scale=scale,
        stop_rank=2,
        stop_sub=1,
        vector_out=True,
    )


def packed(form: Unpack, rows: int, vectors: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A random matrix in memory, word by word, and its numbers [rows, columns], before scales of ``INT8``."""
    rng = np.random.default_rng(seed)
    groups, bits = -(-rows // form.width), 8 if form is Unpack.INT8 else 4
    codes = rng.integers(0, 1 << bits, (groups * form.width, vectors, LANES))
    codes[rows:] = 0
    exponents = rng.integers(120, 134, (-(-rows // BLOCK), vectors, LANES))
    words: list[np.ndarray] = []
    for first in range(0, groups, BLOCK // form.width):
        if form is Unpack.MXFP4:
            words += _words(exponents[first * form.width // BLOCK].reshape(vectors, 1, LANES), 4, 8)
        here = codes.reshape(groups, form.width, vectors, LANES)[first : first + BLOCK // form.width]
        words += _words(here.transpose(0, 2, 1, 3).reshape(-1, form.width, LANES), 2, bits)
    values = codes[:rows].reshape(rows, -1)
    if form is Unpack.INT8:
        return np.array(words, np.uint32), values.astype(np.uint8).view(np.int8).astype(np.float32)
    numbers = values.astype(np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float32)
    scale = np.ldexp(np.float32(1), exponents.reshape(len(exponents), -1) - 127)
    return np.array(words, np.uint32), numbers * np.repeat(scale, BLOCK, axis=0)[:rows]


def _words(numbers: np.ndarray, steps: int, bits: int) -> list[np.ndarray]:
    """Steps [n, numbers, lanes] as words of ``steps`` of them, from the low end."""
    missing = -len(numbers) % steps
    full = np.concatenate([numbers, np.zeros((missing, *numbers.shape[1:]), numbers.dtype)])
    full = full.reshape(-1, steps * numbers.shape[1], LANES)
    return [
        sum((word[i].astype(np.uint64) << np.uint64(bits * i) for i in range(len(word))), np.uint64(0)) for word in full
    ]


def scalars(rows: list[int], seed: int) -> Beats:
    """A vector for each matrix; the last ends the stream."""
    stop = np.concatenate(
        [np.r_[np.zeros(size - 1), 1 + (number == len(rows) - 1)] for number, size in enumerate(rows)]
    )
    values = np.random.default_rng(seed).normal(size=len(stop)).astype(ml_dtypes.bfloat16).astype(np.float32)
    return beats(values, stop)


def case(form: Unpack, rows: list[int], vectors: int) -> tuple[Pcu, Given, Given, np.ndarray]:
    """A program, its streams, and the words that it must give by what the format's text says."""
    scale = form is Unpack.INT8
    x = scalars(rows, 1)
    words: list[np.ndarray] = []
    results: list[np.ndarray] = []
    begin = 0
    for number, size in enumerate(rows):
        beats_, matrix = packed(form, size, vectors, number + 10)
        words.append(beats_)
        scales = np.random.default_rng(number).normal(size=(vectors, LANES)).astype(np.float32)
        if scale:
            words.append(scales.view(np.uint32))
        results.append(_by_hand(form, matrix, x.data[begin : begin + size, 0], scales.ravel() if scale else None))
        begin += size
    stream = np.concatenate(words).astype(np.uint32)
    return product(form, vectors, scale=scale), [beats(stream, 7)], [x], np.concatenate(results).view(np.uint32)


def _by_hand(form: Unpack, matrix: np.ndarray, x: np.ndarray, scales: np.ndarray | None) -> np.ndarray:
    """Rows in turn into ``width`` sums, these added up, then the scales."""
    sums = np.zeros((form.width, matrix.shape[1]), np.float32)
    for row, value in enumerate(x):
        sums[row % form.width] = apply(Op.MULADD, matrix[row], np.float32(value), sums[row % form.width])
    total = np.zeros(matrix.shape[1], np.float32)
    for each in sums:
        total = add(total, each)
    return flush(total) if scales is None else apply(Op.MUL, total, scales, scales)


FORMS = (Unpack.INT8, Unpack.MXFP4)
SHAPES = [([7], 3), ([33, 2], 5), ([1, 70, 6], 2), ([36, 5], 1), ([6], 16), ([12], 16)]
IN_EACH_RUN = 5
"""Shapes for the hardware: the last has more steps than the one before it, but no other states."""


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("rows", "vectors"), SHAPES)
def test_a_product_is_what_the_format_says(form: Unpack, rows: list[int], vectors: int) -> None:
    program, vector, scalar, words = case(form, rows, vectors)
    run = expected(SPEC, program, vector, scalar)
    assert [word for data, _, _ in run.vector for word in data] == words.tolist()
    assert [stop for _, stop, _ in run.vector] == [
        (1 + (number == len(rows) - 1)) * (vector == vectors - 1)
        for number in range(len(rows))
        for vector in range(vectors)
    ]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("number", "rows", "vectors"),
    [
        pytest.param(number, *shape, marks=[pytest.mark.long] if number >= IN_EACH_RUN else [])
        for number, shape in enumerate(SHAPES)
    ],
)
@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["a pause", "every pause"])
def test_hardware_gives_the_same_with_pauses(
    form: Unpack, number: int, rows: list[int], vectors: int, every: bool
) -> None:
    """Each shape with rare pauses in one format and with many in the other."""
    program, vector, scalar, _ = case(form, rows, vectors)
    rare = (number + FORMS.index(form)) % 2
    check(program, vector, scalar, spec=SPEC, pauses=PAUSES if every else PAUSES[rare : rare + 1])


def test_a_sum_travels_in_any_register() -> None:
    program, vector, scalar, words = case(Unpack.INT8, [33, 2], 5)
    *products, scaled = program.stages
    moved = (*(replace(stage, dst=2) for stage in products), replace(scaled, a=Source.REG2))
    program = replace(program, stages=moved)
    assert [word for data, _, _ in expected(SPEC, program, vector, scalar).vector for word in data] == words.tolist()
    check(program, vector, scalar, spec=SPEC)


def _registers(form: Unpack, row: int) -> Pcu:
    """Gives register ``row`` of every step."""
    return replace(
        product(form, 16, scale=False),
        stages=(Stage(Op.PASS, Source(row)),),
        accumulate=Accumulate.OFF,
        drain_sum=False,
        stop_sub=0,
    )


@pytest.mark.parametrize("row", range(2))
def test_every_byte_is_exact(row: int) -> None:
    codes = np.arange(256).reshape(4, 16, LANES)
    other = np.random.default_rng(1).permutation(256).reshape(4, 16, LANES)
    words = _words(np.stack([codes, other] if row == 0 else [other, codes], axis=2).reshape(-1, 2, LANES), 2, 8)
    run = check(_registers(Unpack.INT8, row), [beats(np.array(words, np.uint32))], [scalars([8], 3)], spec=SPEC)
    assert np.array([data for data, _, _ in run.vector], np.uint32).view(np.float32).ravel().tolist() == [
        *range(128),
        *range(-128, 0),
    ]


@pytest.mark.parametrize("row", range(4))
def test_every_number_of_four_bits_is_exact_with_every_exponent(row: int) -> None:
    """Matrices of four rows, each with four exponents for all 16 numbers; the hardware with the odd ones only."""
    given, exact = _e2m1_numbers(row, np.arange(256))
    assert given.vector == exact
    given, exact = _e2m1_numbers(
        row, np.array([0, 1, 2, 3, 126, 127, 128, 129, 251, 252, 253, 254, 255, 255, 0, 7]), run=True
    )
    assert given.vector == exact


@pytest.mark.parametrize("form", FORMS)
def test_numbers_after_a_stop_are_zeros(form: Unpack) -> None:
    program = replace(_registers(form, 0), unpack_row=1, stages=(Stage(Op.PASS, Source.scalar(form.width - 1)),))
    stream, _ = packed(form, 5, 1, 1)
    numbers = scalars([5], 3)
    run = check(program, [beats(stream.astype(np.uint32))], [numbers], spec=SPEC)
    last = [word for data, _, _ in run.vector for word in data]
    kept = numbers.data[form.width - 1 :: form.width, 0].view(np.uint32).tolist()
    assert last == [word for word in [*kept, 0] for _ in range(LANES)]


def _e2m1_numbers(row: int, exponents: np.ndarray, *, run: bool = False) -> tuple[Run, list[Any]]:
    """Register ``row`` with 16 numbers for each exponent, and what NumPy has for them."""
    codes = np.random.default_rng(2).integers(0, 16, (16, 4, LANES))
    codes[:, row] = np.arange(64).reshape(16, LANES) % 16
    words: list[np.ndarray] = []
    for four in exponents.reshape(-1, 4):
        words += _words(np.repeat(four, 16).reshape(16, 1, LANES), 4, 8) + _words(codes, 2, 4)
    streams = [beats(np.array(words, np.uint32))], [scalars([4] * (len(exponents) // 4), 3)]
    program = _registers(Unpack.MXFP4, row)
    given = bench(SPEC).run(program, *streams) if run else expected(SPEC, program, *streams)
    numbers = np.arange(16, dtype=np.uint8).view(ml_dtypes.float4_e2m1fn).astype(np.float64)
    with np.errstate(over="ignore"):
        exact = flush(np.ldexp(numbers, exponents[:, None] - 127).astype(np.float32))
    exact[exponents == 255] = np.nan
    stops = [stop for _, stop, _ in given.vector]
    return given, listed(beats(exact.reshape(-1, LANES), stops))


@pytest.mark.parametrize(("form", "vectors"), [(Unpack.INT8, 4), (Unpack.MXFP4, 4), (Unpack.MXFP4, 16)])
def test_a_step_every_cycle(form: Unpack, vectors: int) -> None:
    """But for the exponents of a block, a cycle for four vectors, and the drains."""
    rows = 64
    program, vector, scalar, _ = case(form, [rows], vectors)
    run = bench(SPEC).run(program, vector, scalar)
    steps, blocks = rows // form.width * vectors, rows // BLOCK
    latency = 1 + 1 + (len(program.stages)) * FunctionUnit.latency + 1 + 1
    assert run.busy == steps + vectors
    assert run.cycles <= steps + blocks * form.exponent_beats(vectors) + vectors + latency + form.width


def test_a_product_that_lacks_numbers_waits_for_scalar_input_0() -> None:
    program, vector, scalar, _ = case(Unpack.MXFP4, [8], 4)
    run = bench(SPEC).run(program, vector, [_first(scalar[0], 6)])
    assert run.waits == 1 << SPEC.vector_inputs
    assert run.vector == []


def test_a_product_that_lacks_scales_waits_for_vector_input_0() -> None:
    program, vector, scalar, _ = case(Unpack.INT8, [8], 4)
    given = [_first(vector[0], len(vector[0].stop) - 1)], scalar
    run = bench(SPEC).run(program, *given)
    assert run.waits == 1
    assert run.vector == expected(SPEC, program, *given).vector
    assert len(run.vector) == 3


def _first(given: Beats, count: int) -> Beats:
    return Beats(given.data[:count], given.stop[:count], given.void[:count])


@pytest.mark.parametrize("form", FORMS)
def test_a_launch_forgets_a_matrix_that_is_begun(form: Unpack) -> None:
    program, vector, scalar, _ = case(form, [40], 4)
    beats_of_a_row = form.exponent_beats(4) + 2
    begun = (program, [_first(vector[0], beats_of_a_row)], [_first(scalar[0], form.width)])
    runs = bench(SPEC).run_all([begun, (program, vector, scalar)])
    assert runs[0].busy == 4
    assert runs[1].vector == expected(SPEC, program, vector, scalar).vector


def test_a_fabric_with_room_for_bytes_only() -> None:
    program, vector, scalar, _ = case(Unpack.INT8, [7, 4], 3)
    check(program, vector, scalar, spec=SPEC.replace(stages=3, scalar_inputs=2))


def test_formats_say_which_fabrics_have_room_for_them() -> None:
    assert [form for form in Unpack if form.fits(SPEC)] == list(Unpack)
    assert [form for form in Unpack if form.fits(SPEC.replace(stages=3))] == [Unpack.OFF, Unpack.BF16, Unpack.INT8]
    assert not Unpack.INT8.fits(SPEC.replace(stages=2))
    assert not Unpack.MXFP4.fits(SPEC.replace(scalar_inputs=3))
    assert not Unpack.MXFP4.fits(SPEC.replace(registers=3))
