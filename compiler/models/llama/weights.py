"""A checkpoint's tensors as the decoder's programs declare them: transposed, and with heads in their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import EMBEDDING, HEAD, LlamaCheckpoint
from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.weights.quantised import Quantised

__all__ = ["Weights", "global_tensors", "layer_tensors", "mask_tensor"]

_HIDDEN = -1e30  # a score that no other is below, whose exponential is 0

Floats = NDArray[np.float32]
Weights = Floats | Quantised


def _qkv(parts: Sequence[Floats], config: LlamaConfig) -> Floats:
    """Columns of the joint projection: for each key head its query heads, itself, and its values."""
    q, k, v = parts
    outer, size = q.shape[:-1], config.head_dim
    queries = q.reshape(*outer, config.kv_heads, config.group, size)
    keys, values = (each.reshape(*outer, config.kv_heads, 1, size) for each in (k, v))
    return np.concatenate([queries, keys, values], axis=-2).reshape(*outer, -1)


def _matrix(checkpoint: LlamaCheckpoint, name: str) -> Weights:
    """A matrix [in, out], plain or quantised."""
    return checkpoint.quantised[name] if name in checkpoint.quantised else checkpoint.tensors[name].T


def _joint(checkpoint: LlamaCheckpoint, prefix: str) -> Weights:
    """The matrix of queries, keys and values."""
    names, config = [f"{prefix}{name}_proj.weight" for name in "qkv"], checkpoint.config
    if names[0] not in checkpoint.quantised:
        return _qkv([checkpoint.tensors[name].T for name in names], config)
    given = [checkpoint.quantised[name] for name in names]
    elements, scales = _qkv([each.elements for each in given], config), _qkv([each.scales for each in given], config)
    return Quantised(given[0].form, elements, scales)


def layer_tensors(checkpoint: LlamaCheckpoint, layer: int) -> dict[str, Weights]:
    """A layer's weights by the names of its program's tensors."""
    config, given, prefix = checkpoint.config, checkpoint.layer(layer), f"model.layers.{layer}."
    tensors: dict[str, Weights] = {
        "input_norm": given["input_layernorm.weight"],
        "post_norm": given["post_attention_layernorm.weight"],
        "qkv": _joint(checkpoint, f"{prefix}self_attn."),
        "o_proj": _matrix(checkpoint, f"{prefix}self_attn.o_proj.weight"),
        **{name: _matrix(checkpoint, f"{prefix}mlp.{name}_proj.weight") for name in ("gate", "up", "down")},
    }
    if config.attention_bias:
        tensors["qkv_bias"] = _qkv([given[f"self_attn.{name}_proj.bias"] for name in "qkv"], config)
        tensors["o_proj_bias"] = given["self_attn.o_proj.bias"]
    if config.mlp_bias:
        tensors |= {f"{name}_bias": given[f"mlp.{name}_proj.bias"] for name in ("gate", "up", "down")}
    return tensors


def global_tensors(checkpoint: LlamaCheckpoint, context: int) -> dict[str, Weights]:
    """What all layers share, the head's weights, and the embedding."""
    config = checkpoint.config
    cos, sin = config.rotary.table(config.head_dim, context, np.float32)
    return {
        "cos": np.concatenate([cos, cos], axis=1),
        "sin": np.concatenate([-sin, sin], axis=1),
        "final_norm": checkpoint.tensors["model.norm.weight"],
        "lm_head": _matrix(checkpoint, HEAD if HEAD in checkpoint.tensors else EMBEDDING),
        "embedding": checkpoint.embedding.astype(np.float32),
    }


def mask_tensor(config: LlamaConfig, context: int, rows: int) -> Floats:
    """What is added to the scores, [context, queries that share a key]: positions after a row's own are hidden.

    A launch whose first position is ``p`` begins at row ``context - rows - p``.
    """
    after = np.arange(context)[:, None] - (context - rows) > np.arange(rows)
    return np.tile(np.where(after, np.float32(_HIDDEN), np.float32(0)), (1, config.group))
