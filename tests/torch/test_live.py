"""The reference against transformers itself; `make test-torch` runs it."""

from pathlib import Path

import numpy as np
import pytest
from small_llama import RECORDED, SmallLlama, random_llama, transformers_logits

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.sim.reference import Reference

MODELS = (*RECORDED, *(random_llama(seed) for seed in range(100, 110)))
SHIPPED = Path(__file__).parents[2] / "models" / "weft-tiny"


def largest_error(folder: Path, ids: list[int]) -> float:
    """Largest difference of any logit, relative to the largest logit of its position."""
    expected = transformers_logits(folder, ids)
    given = Reference(read_checkpoint(folder)).run(ids)
    return float(np.max(np.abs(given - expected) / np.abs(expected).max(axis=1, keepdims=True)))


@pytest.mark.parametrize("llama", MODELS, ids=lambda llama: llama.name)
def test_agrees_with_transformers(llama: SmallLlama, tmp_path: Path) -> None:
    llama.save(tmp_path)
    assert largest_error(tmp_path, llama.ids()) < 1e-4


def test_shipped_model_agrees_with_transformers() -> None:
    assert largest_error(SHIPPED, list(b"And the LORD said unto Moses, " * 8)) < 1e-4
