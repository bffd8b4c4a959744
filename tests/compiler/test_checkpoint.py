"""What a good checkpoint folder reads as."""

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from small_checkpoint import INDEX, QUERY, WEIGHTS, small_tensors, write_config, write_shards, write_whole

from weft.compiler.checkpoints.checkpoint import read_checkpoint

SHIPPED = Path(__file__).parents[2] / "models" / "weft-tiny"


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16, np.float32])
def test_values_are_widened_as_stored(tmp_path: Path, dtype: type) -> None:
    tensors = {name: values.astype(dtype) for name, values in small_tensors().items()}
    write_config(tmp_path)
    write_whole(tmp_path, tensors)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.tensors.keys() == tensors.keys()
    for name, values in tensors.items():
        assert checkpoint.tensors[name].dtype == np.float32
        np.testing.assert_array_equal(checkpoint.tensors[name], values.astype(np.float32), strict=True)


def test_shards_read_as_the_whole(tmp_path: Path) -> None:
    write_config(tmp_path)
    write_shards(tmp_path, small_tensors())
    assert (tmp_path / INDEX).exists()
    assert not (tmp_path / WEIGHTS).exists()
    sharded = read_checkpoint(tmp_path)
    write_whole(tmp_path, small_tensors())
    whole = read_checkpoint(tmp_path)
    for name in whole.tensors:
        np.testing.assert_array_equal(sharded.tensors[name], whole.tensors[name], strict=True)


def test_tensors_are_read_only(tmp_path: Path) -> None:
    write_config(tmp_path)
    write_whole(tmp_path, small_tensors())
    with pytest.raises(ValueError, match="read-only"):
        read_checkpoint(tmp_path).tensors[QUERY][0, 0] = 1.0


def test_layer_gives_the_tensors_of_that_layer(tmp_path: Path) -> None:
    write_config(tmp_path)
    write_whole(tmp_path, small_tensors())
    checkpoint = read_checkpoint(tmp_path)
    layer = checkpoint.layer(1)
    assert len(layer) == 9
    assert layer["self_attn.q_proj.weight"] is checkpoint.tensors[QUERY]


def test_head_is_its_own_tensor_where_untied(tmp_path: Path) -> None:
    write_config(tmp_path)
    write_whole(tmp_path, small_tensors())
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.head is checkpoint.tensors["lm_head.weight"]


@pytest.mark.parametrize("stored_twice", [False, True])
def test_tied_head_is_the_embedding(tmp_path: Path, stored_twice: bool) -> None:
    tensors = small_tensors()
    tensors["lm_head.weight"] = tensors["model.embed_tokens.weight"]
    if not stored_twice:
        del tensors["lm_head.weight"]
    write_config(tmp_path, tie_word_embeddings=True)
    write_whole(tmp_path, tensors)
    checkpoint = read_checkpoint(tmp_path)
    assert checkpoint.head is checkpoint.embedding
    assert "lm_head.weight" not in checkpoint.tensors


def test_old_rotary_buffers_are_ignored(tmp_path: Path) -> None:
    write_config(tmp_path)
    frequencies = {"model.layers.0.self_attn.rotary_emb.inv_freq": np.ones(3, np.float32)}
    write_whole(tmp_path, small_tensors() | frequencies)
    assert read_checkpoint(tmp_path).tensors.keys() == small_tensors().keys()


def test_shipped_model_is_what_the_documents_say() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    config = checkpoint.config
    assert (config.layers, config.heads, config.kv_heads, config.head_dim) == (4, 4, 2, 16)
    assert (config.hidden_size, config.intermediate_size, config.vocab_size) == (64, 192, 256)
    assert sum(values.size for values in checkpoint.tensors.values()) == 213_568
    bf16 = {name: values.astype(ml_dtypes.bfloat16) for name, values in checkpoint.tensors.items()}
    assert all(np.array_equal(bf16[name], values) for name, values in checkpoint.tensors.items())
    assert (SHIPPED / WEIGHTS).stat().st_size < 3_000_000
