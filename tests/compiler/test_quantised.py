"""Rounding to small weights, and how they lie in memory, against the format's text and an independent encoder."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.compiler.backend.memory import encode, tensor_beats
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.weights.packing import matrix_words
from weft.compiler.weights.quantised import Quantisation, Quantised, quantise
from weft.hw.presets import PRESETS

LANES = 8
DEMO = PRESETS["demo"]
FORMS = list(Quantisation)


def matrix(seed: int, *shape: int) -> np.ndarray:
    source = np.random.default_rng(seed)
    return (source.normal(size=shape) * np.exp(source.normal(size=shape))).astype(np.float32)


def test_bytes_are_the_nearest_whole_numbers_of_a_scale_of_each_column() -> None:
    values = matrix(1, 50, 12)
    values[:, 3] = 0
    result = quantise(values, Quantisation.INT8)
    assert result.scales.shape == (1, 12)
    assert np.abs(result.elements).max(axis=0).tolist() == [127, 127, 127, 0, *[127] * 8]
    assert (np.abs(result.values() - values) <= 0.5000001 * result.scales).all()
    assert (result.values()[:, 3] == 0).all()


def test_numbers_of_four_bits_are_those_of_ml_dtypes_in_units_of_their_block() -> None:
    values = matrix(2, 70, 9)
    result = quantise(values, Quantisation.MXFP4)
    assert result.scales.shape == (3, 9)
    unit = np.repeat(2.0 ** (result.scales - 127), 32, axis=0)[:70]
    expected = np.clip(values / unit, -6, 6).astype(ml_dtypes.float4_e2m1fn).astype(np.float32)
    np.testing.assert_array_equal(result.elements, expected)
    np.testing.assert_array_equal(result.values(), (expected * unit).astype(np.float32))


def test_the_exponent_of_a_block_is_the_better_of_two() -> None:
    """OCP's rule makes the largest number 4 to 8 units, of which what is above 6 is cut off; the other 2 to 4."""
    values = matrix(3, 32, 64)
    result = quantise(values, Quantisation.MXFP4)
    largest = np.abs(values).max(axis=0)
    ocp = np.floor(np.log2(largest)) - 2
    chosen = result.scales[0] - 127
    assert set((chosen - ocp).tolist()) == {0.0, 1.0}
    for shift in (0, 1):
        unit = 2.0 ** (ocp + shift)
        other = np.clip(values / unit, -6, 6).astype(ml_dtypes.float4_e2m1fn).astype(np.float32) * unit
        assert (((result.values() - values) ** 2).sum(axis=0) <= ((other - values) ** 2).sum(axis=0) * 1.000001).all()


def test_blocks_of_zeros_and_of_the_least_numbers() -> None:
    values = np.zeros((64, 2), np.float32)
    values[:32, 1] = 2.0**-126
    for form in FORMS:
        result = quantise(values, form)
        assert np.isfinite(result.scales).all()
        assert (result.values()[:, 0] == 0).all()
        assert not np.isnan(result.values()).any()


@pytest.mark.parametrize("form", FORMS)
def test_values_that_fit_stay(form: Quantisation) -> None:
    once = quantise(matrix(4, 40, 10), form)
    np.testing.assert_allclose(quantise(once.values(), form).values(), once.values(), rtol=1e-6)


def by_hand(given: Quantised, lanes: int) -> list[list[int]]:
    """Words as the text of `weft.hw.program.unpack` says, number by number."""
    rows, columns = given.elements.shape
    vectors, width, bits = -(-columns // lanes), (2, 8) if given.form is Quantisation.INT8 else (4, 4), 0
    width, bits = width
    codes = given.elements.astype(np.int8 if bits == 8 else ml_dtypes.float4_e2m1fn).view(np.uint8)
    beats: list[list[int]] = []
    step = 0
    for first in range(0, rows, width):
        if bits == 4 and first % 32 == 0:
            for vector in range(0, vectors, 4):
                beat = [0] * lanes
                for place, column in enumerate(range(vector * lanes, min(vector + 4, vectors) * lanes)):
                    byte = int(given.scales[first // 32, column]) if column < columns else 0
                    beat[place % lanes] |= byte << (8 * (place // lanes))
                beats.append(beat)
        for vector in range(vectors):
            if step % 2 == 0:
                beats.append([0] * lanes)
            for row in range(first, min(first + width, rows)):
                for lane in range(lanes):
                    column = vector * lanes + lane
                    code = int(codes[row, column]) if column < columns else 0
                    beats[-1][lane] |= code << (bits * (step % 2 * width + row - first))
            step += 1
    if bits == 8:
        scales = np.zeros(vectors * lanes, np.float32)
        scales[:columns] = given.scales[0]
        beats += scales.view(np.uint32).reshape(-1, lanes).tolist()
    return beats


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FORMS), st.integers(1, 70), st.integers(1, 50), st.integers(0, 9))
def test_words_in_memory(form: Quantisation, rows: int, columns: int, seed: int) -> None:
    result = quantise(matrix(seed, rows, columns), form)
    words = matrix_words(result, LANES)
    assert words.tolist() == by_hand(result, LANES)
    tensor = TensorOp("w", (rows, columns), format=Format(form.value), role=Role.WEIGHT)
    assert len(words) == tensor_beats(tensor, DEMO)


@pytest.mark.parametrize("form", FORMS)
def test_groups_follow_each_other(form: Quantisation) -> None:
    values = matrix(5, 3, 20, 16)
    tensor = TensorOp("w", (3, 20, 16), format=Format(form.value), role=Role.WEIGHT)
    raw = encode(tensor, values, DEMO)
    parts = [matrix_words(quantise(each, form), LANES) for each in values]
    assert raw.tobytes() == np.concatenate(parts).tobytes()
    assert len(raw) == tensor_beats(tensor, DEMO) * DEMO.beat_bytes
    assert encode(tensor, quantise(values, form), DEMO).tobytes() == raw.tobytes()


def test_a_tensor_refuses_another_format_or_shape() -> None:
    tensor = TensorOp("w", (20, 16), format=Format.INT8, role=Role.WEIGHT)
    with pytest.raises(ValueError, match=r"@w must be int8 of the shape \[20, 16\], not mxfp4 of \[20, 16\]"):
        encode(tensor, quantise(matrix(6, 20, 16), Quantisation.MXFP4), DEMO)
    with pytest.raises(ValueError, match=r"not int8 of \[16, 20\]"):
        encode(tensor, matrix(7, 16, 20), DEMO)
