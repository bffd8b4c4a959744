"""What the reference promises beside its numbers."""

from pathlib import Path

import numpy as np
import pytest

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.errors import WeftError
from weft.sim.reference import Reference

FOLDER = Path(__file__).parents[1] / "data" / "checkpoints" / "narrow-heads"


@pytest.fixture(scope="module")
def checkpoint() -> LlamaCheckpoint:
    return read_checkpoint(FOLDER)


def test_reset_forgets(checkpoint: LlamaCheckpoint) -> None:
    reference = Reference(checkpoint)
    first = reference.run([3, 1, 4])
    assert reference.position == 3
    follow_up = reference.step(3)
    assert not np.array_equal(follow_up, first[0])
    reference.reset()
    assert reference.position == 0
    np.testing.assert_array_equal(reference.run([3, 1, 4]), first)


def test_cache_holds_a_row_for_each_token(checkpoint: LlamaCheckpoint) -> None:
    reference = Reference(checkpoint)
    reference.run([3, 1])
    before = reference.keys.copy(), reference.values.copy()
    reference.step(4)
    assert reference.keys.shape == reference.values.shape == (1, 3, 2, 10)
    np.testing.assert_array_equal(reference.keys[:, :2], before[0])
    np.testing.assert_array_equal(reference.values[:, :2], before[1])


def test_float32_is_close_to_float64(checkpoint: LlamaCheckpoint) -> None:
    single = Reference(checkpoint).run([5, 9, 2])
    double = Reference(checkpoint, np.float64).run([5, 9, 2])
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    np.testing.assert_allclose(single, double, rtol=0, atol=1e-5 * np.abs(double).max())
    assert not np.array_equal(single, double)


@pytest.mark.parametrize("token", [-1, 130])
def test_token_outside_the_vocabulary(checkpoint: LlamaCheckpoint, token: int) -> None:
    reference = Reference(checkpoint)
    with pytest.raises(WeftError, match=f"must be 0 to 129, not {token}"):
        reference.step(token)
    assert reference.position == 0


def test_full_context(checkpoint: LlamaCheckpoint) -> None:
    reference = Reference(checkpoint)
    reference.run([0] * 64)
    with pytest.raises(WeftError, match="must not exceed 64 tokens, and is full"):
        reference.step(0)


def test_other_dtypes_are_refused(checkpoint: LlamaCheckpoint) -> None:
    with pytest.raises(ValueError, match="dtype must be float32 or float64, not float16"):
        Reference(checkpoint, np.float16)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("name", ["mlp.gate_proj", "self_attn.q_proj"])
def test_large_gates_and_scores_stay_finite(checkpoint: LlamaCheckpoint, name: str) -> None:
    """exp(-gate) may overflow in float32: the gated value is then 0. Scores are shifted, so theirs may not."""
    key = f"model.layers.0.{name}.weight"
    loud = dict(checkpoint.tensors) | {key: checkpoint.tensors[key] * 1000}
    with np.errstate(all="raise", under="ignore"):
        logits = Reference(LlamaCheckpoint(checkpoint.config, loud)).run([1, 2, 3])
    assert np.isfinite(logits).all()
