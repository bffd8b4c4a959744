"""Writes a small checkpoint folder with the safetensors library, for tests that then break it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_act": "silu",
    "hidden_size": 12,
    "intermediate_size": 20,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 6,
    "vocab_size": 11,
    "rms_norm_eps": 1e-5,
    "max_position_embeddings": 32,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0},
    "tie_word_embeddings": False,
}
QUERY = "model.layers.1.self_attn.q_proj.weight"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"

Tensors = dict[str, NDArray[Any]]


def small_tensors() -> Tensors:
    """All tensors of `CONFIG`, random, in bf16."""
    source = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (11, 12), "model.norm.weight": (12,)}
    for layer in range(2):
        shapes |= {
            f"model.layers.{layer}.{name}.weight": shape
            for name, shape in {
                "input_layernorm": (12,),
                "post_attention_layernorm": (12,),
                "self_attn.q_proj": (24, 12),
                "self_attn.k_proj": (12, 12),
                "self_attn.v_proj": (12, 12),
                "self_attn.o_proj": (12, 24),
                "mlp.gate_proj": (20, 12),
                "mlp.up_proj": (20, 12),
                "mlp.down_proj": (12, 20),
            }.items()
        }
    shapes["lm_head.weight"] = (11, 12)
    return {name: source.normal(size=shape).astype(ml_dtypes.bfloat16) for name, shape in shapes.items()}


def write_config(folder: Path, **changes: object) -> None:
    """Writes `CONFIG` with `changes`; a field changed to `...` is left out."""
    fields = {name: value for name, value in (CONFIG | changes).items() if value is not ...}
    (folder / "config.json").write_text(json.dumps(fields), encoding="utf-8")


def write_whole(folder: Path, tensors: Mapping[str, NDArray[Any]]) -> None:
    """Writes `model.safetensors`."""
    save_file(dict(tensors), folder / WEIGHTS)


def write_shards(folder: Path, tensors: Mapping[str, NDArray[Any]]) -> dict[str, str]:
    """Writes two shards and their index; returns the index's weight map."""
    names = sorted(tensors)
    weight_map: dict[str, str] = {}
    for shard, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-{shard:05}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file)
        weight_map |= dict.fromkeys(part, file)
    write_index(folder, weight_map)
    return weight_map


def write_index(folder: Path, weight_map: Mapping[str, object]) -> None:
    """Writes the index of the shards."""
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}), encoding="utf-8")
