"""The reference against logits that transformers computed (fp32, eager), recorded by tests/torch/record_vectors.py."""

from pathlib import Path

import numpy as np
import pytest

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.sim.reference import Reference

FOLDERS = sorted((Path(__file__).parents[1] / "data" / "checkpoints").glob("*/"))


def test_all_ten_are_here() -> None:
    assert len(FOLDERS) == 10
    configs = [read_checkpoint(folder).config for folder in FOLDERS]
    assert {1, 8} <= {config.kv_heads for config in configs}
    assert {config.tie_word_embeddings for config in configs} == {False, True}
    assert {config.attention_bias for config in configs} == {False, True}
    assert {config.head_dim * config.heads == config.hidden_size for config in configs} == {False, True}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_agrees_with_transformers(folder: Path, dtype: type[np.float32 | np.float64]) -> None:
    expected = np.load(folder / "expected.npz")
    given = Reference(read_checkpoint(folder), dtype).run(expected["ids"].tolist())
    assert given.dtype == dtype
    assert given.shape == expected["logits"].shape
    scale = np.abs(expected["logits"]).max(axis=1, keepdims=True)
    assert np.max(np.abs(given - expected["logits"]) / scale) < 1e-5
