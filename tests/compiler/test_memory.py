"""Tensors in memory: hand-written layouts, and back."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft.compiler.backend.memory import allocate, allocate_named, decode, encode
from weft.compiler.errors import WeftError
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.hw.presets import PRESETS

TINY = PRESETS["tiny"]  # 4 lanes
TWO = TINY.replace(channels=2)
SIZES = {"a": 3, "b": 253, "c": 1}  # of 4 GiB
FULL = "tensors must fit 1 TiB of addresses of a channel"


def _tensor(*shape: int, form: Format = Format.F32, pad: float | None = None) -> TensorOp:
    return TensorOp("t", shape, format=form, role=Role.INPUT, pad=pad)


def test_rows_are_filled_up_to_whole_vectors() -> None:
    words = encode(_tensor(2, 3, pad=9.0), np.arange(6, dtype=np.float32).reshape(2, 3), TINY).view(np.float32)
    assert words.tolist() == [0, 1, 2, 9, 3, 4, 5, 9]


def test_bf16_pairs_hold_neighbouring_vectors() -> None:
    values = np.arange(1, 9, dtype=np.float32).reshape(1, 8)
    words = encode(_tensor(1, 8, form=Format.BF16X2), values, TINY).view(np.uint16)
    # Low half: lane of the first vector, 1 to 4; high half: the same lane of the second, 5 to 8.
    expected = (values.view(np.uint32) >> 16).reshape(2, 4).T.ravel()
    assert words.tolist() == expected.tolist()


STORED = [form for form in Format if not form.kind.is_matrix]


@given(st.integers(1, 3), st.integers(1, 21), st.sampled_from(STORED), st.integers(0, 2**32 - 1))
def test_decode_undoes_encode(rows: int, columns: int, form: Format, seed: int) -> None:
    values = np.random.default_rng(seed).integers(-128, 128, (rows, columns)).astype(np.float32)
    tensor = _tensor(rows, columns, form=form)
    np.testing.assert_array_equal(decode(tensor, encode(tensor, values, TINY), TINY), values)


def test_matrices_of_small_weights_are_not_read_back() -> None:
    tensor = TensorOp("t", (4, 4), format=Format.INT8, role=Role.WEIGHT)
    with pytest.raises(ValueError, match="@t must be of a format that programs store, not int8"):
        decode(tensor, np.zeros(64, np.uint8), TINY)


def test_regions_do_not_overlap_and_repeat() -> None:
    tensors = [TensorOp(name, (5, 7), format=Format.F32, role=Role.WEIGHT, each=name != "b") for name in "abc"]
    regions, size = allocate(tensors, TINY, turns=3)
    places = []
    for name, turns in (("a", 3), ("b", 1), ("c", 3)):
        region = regions[name]
        assert region.strides == (32, 16)
        begins = [region.base + turn * region.turn_stride for turn in range(turns)]
        assert begins[-1] + region.size == region.base + region.span
        places += [(begin, begin + region.size) for begin in begins]
    places.sort()
    assert places[0][0] == 0
    assert all(end <= begin for (_, end), (begin, _) in pairwise(places))
    assert places[-1][1] == size


def test_a_channel_has_1_tib_of_addresses() -> None:
    gib = 1 << 30
    tensors = {name: TensorOp(name, (count, gib), format=Format.F32, role=Role.WEIGHT) for name, count in SIZES.items()}
    regions, most = allocate_named(tensors, TWO, {"c": 1})
    assert (regions["a"].base, regions["b"].base, regions["c"].base) == (0, 12 * gib, 0)
    assert (regions["b"].strides, regions["b"].span, most) == ((4 * gib, 16), 1012 * gib, 1024 * gib)
    with pytest.raises(WeftError, match=f"^{FULL}, not {1028 * gib} bytes on channel 0$"):
        allocate_named({**tensors, "d": tensors["c"]}, TWO, {"c": 1})


def test_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match=r"@t must have the shape \[2, 3\], not \[3, 2\]"):
        encode(_tensor(2, 3), np.zeros((3, 2), np.float32), TINY)
