"""How many weights of a checkpoint the fabric rounds, and by how much."""

from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from small_checkpoint import small_tensors, write_config, write_whole

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.errors import WeftError
from weft.compiler.models.llama.rounding import Rounding, rounding_of

UP, HEAD, EMBEDDING = "model.layers.0.mlp.up_proj.weight", "lm_head.weight", "model.embed_tokens.weight"


def rounding(folder: Path, dtype: Any, *, tied: bool = False, **changed: dict[tuple[int, int], float]) -> Rounding:
    """Of a small checkpoint stored as that type, with some numbers of some tensors changed."""
    tensors = {name: values.astype(dtype) for name, values in small_tensors().items()}
    for name, numbers in changed.items():
        for place, value in numbers.items():
            tensors[name.replace("__", ".")][place] = value
    if tied:
        del tensors[HEAD]
    write_config(folder, tie_word_embeddings=tied)
    write_whole(folder, tensors)
    return rounding_of(read_checkpoint(folder))


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float32])
def test_weights_that_bf16_holds_are_not_rounded(tmp_path: Path, dtype: Any) -> None:
    done = rounding(tmp_path, dtype)
    assert (done.rounded, done.most, done.most_relative) == (0, 0, 0)
    assert done.weights == sum(v.size for n, v in small_tensors().items() if v.ndim == 2 and n != EMBEDDING)


@pytest.mark.parametrize(("dtype", "step"), [(np.float32, 2**-10), (np.float16, 2**-9)])
def test_those_that_it_does_not_hold_are_counted(tmp_path: Path, dtype: Any, step: float) -> None:
    done = rounding(tmp_path, dtype, **{UP: {(0, 0): 1 + step, (3, 5): -4 * (1 + step)}, HEAD: {(1, 1): 1.5}})
    plain = rounding(tmp_path, dtype)
    assert done.rounded - plain.rounded == 2
    assert done.most == max(4 * step, plain.most)


def test_a_tied_embedding_counts_as_the_head(tmp_path: Path) -> None:
    assert rounding(tmp_path, np.float32, tied=True, **{EMBEDDING: {(0, 0): 1 + 2**-12}}).rounded == 1
    assert rounding(tmp_path, np.float32, **{EMBEDDING: {(0, 0): 1 + 2**-12}}).rounded == 0


def test_a_weight_that_becomes_zero_is_counted(tmp_path: Path) -> None:
    done = rounding(tmp_path, np.float32, **{UP: {(0, 0): 1e-39}})
    assert (done.rounded, done.most_relative) == (1, 1)


def test_a_weight_beyond_bf16_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeftError, match=rf"tensor '{UP}' must fit bf16, but 3\.4e\+38 is beyond its range"):
        rounding(tmp_path, np.float32, **{UP: {(0, 0): 3.4e38}})
