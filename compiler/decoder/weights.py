"""A checkpoint's tensors in the shapes of the decoder's programs: turned, permuted, filled up with zeros."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from compiler.checkpoint import LlamaCheckpoint
from compiler.decoder.shapes import DecoderShapes
from compiler.decoder.token import NOWHERE

__all__ = ["global_tensors", "layer_tensors", "mask_tensor", "token_tensors"]

_HIDDEN = -1e30  # a score that no other is below, whose exponential is 0

Floats = NDArray[np.float32]


def _filled(values: Floats, *shape: int) -> Floats:
    """Zeros after the values in each dimension."""
    full = np.zeros(shape, np.float32)
    full[tuple(slice(size) for size in values.shape)] = values
    return full


def _grouped(matrix: Floats, shapes: DecoderShapes, groups: int | None = None) -> Floats:
    """[rows, columns] as the product takes it: [groups, rows, columns of a group] where there are several."""
    groups = shapes.groups(matrix.shape[1]) if groups is None else groups
    if groups == 1:
        return matrix
    return np.ascontiguousarray(matrix.reshape(matrix.shape[0], groups, -1).transpose(1, 0, 2))


def _qkv(q: Floats, k: Floats, v: Floats, shapes: DecoderShapes) -> Floats:
    """Columns of the joint projection: for each key head its query heads and itself, then the values of all."""
    config = shapes.config
    outer, half = q.shape[:-1], config.head_dim // 2

    def halves(values: Floats, heads: int) -> Floats:
        split = values.reshape(*outer, heads, 2, half)
        return _filled(split, *outer, heads, 2, shapes.half).reshape(*outer, heads, shapes.key)

    queries = halves(q, config.heads).reshape(*outer, config.kv_heads, config.group, shapes.key)
    keys = halves(k, config.kv_heads)[..., :, None, :]
    turned = np.concatenate([queries, keys], axis=-2).reshape(*outer, -1)
    values = _filled(v.reshape(*outer, config.kv_heads, config.head_dim), *outer, config.kv_heads, shapes.value)
    return np.concatenate([turned, values.reshape(*outer, -1)], axis=-1)


def _o_rows(matrix: Floats, shapes: DecoderShapes) -> Floats:
    """Rows of the output projection, filled up head by head."""
    config = shapes.config
    heads = matrix.reshape(config.heads, config.head_dim, -1)
    return _filled(heads, config.heads, shapes.value, heads.shape[2]).reshape(config.heads * shapes.value, -1)


def layer_tensors(checkpoint: LlamaCheckpoint, shapes: DecoderShapes, layer: int) -> dict[str, Floats]:
    """A layer's weights by the names of its program's tensors."""
    config, given = checkpoint.config, checkpoint.layer(layer)
    hidden, wide = shapes.hidden, shapes.intermediate

    def matrix(name: str, rows: int, columns: int) -> Floats:
        return _filled(given[f"{name}.weight"].T, rows, columns)

    q, k, v = (given[f"self_attn.{name}_proj.weight"].T for name in "qkv")
    tensors = {
        "input_norm": _filled(given["input_layernorm.weight"], hidden),
        "post_norm": _filled(given["post_attention_layernorm.weight"], hidden),
        "qkv": _grouped(_filled(_qkv(q, k, v, shapes), hidden, shapes.qkv), shapes),
        "o_proj": _grouped(_o_rows(matrix("self_attn.o_proj", config.query_size, hidden), shapes), shapes),
        "gate": _grouped(matrix("mlp.gate_proj", hidden, wide), shapes, shapes.wide_groups),
        "up": _grouped(matrix("mlp.up_proj", hidden, wide), shapes, shapes.wide_groups),
        "down": _grouped(matrix("mlp.down_proj", wide, hidden), shapes),
    }
    if config.attention_bias:
        q, k, v = (given[f"self_attn.{name}_proj.bias"] for name in "qkv")
        tensors["qkv_bias"] = _qkv(q, k, v, shapes)
        tensors["o_proj_bias"] = _filled(given["self_attn.o_proj.bias"], hidden)
    if config.mlp_bias:
        for name, size in (("gate", wide), ("up", wide), ("down", hidden)):
            tensors[f"{name}_bias"] = _filled(given[f"mlp.{name}_proj.bias"], size)
    return tensors


def global_tensors(checkpoint: LlamaCheckpoint, shapes: DecoderShapes) -> dict[str, Floats]:
    """What all layers share, and the head's weights."""
    config = checkpoint.config
    cos, sin = config.rotary.table(config.head_dim, shapes.context, np.float32)
    head = _filled(checkpoint.head.T, shapes.hidden, shapes.vocabulary)
    return {
        "cos": _table(cos, cos, shapes),
        "sin": _table(-sin, sin, shapes),
        "final_norm": _filled(checkpoint.tensors["model.norm.weight"], shapes.hidden),
        "lm_head": _grouped(head, shapes),
    }


def token_tensors(checkpoint: LlamaCheckpoint, shapes: DecoderShapes) -> dict[str, Floats]:
    """What a program that makes its own tokens needs beside the others: embeddings, and each logit's place."""
    vocabulary = checkpoint.config.vocab_size
    places = np.full(shapes.vocabulary, NOWHERE, np.float32)
    places[:vocabulary] = np.arange(vocabulary)
    return {
        "embedding": _filled(checkpoint.embedding.astype(np.float32), vocabulary, shapes.hidden),
        "vocabulary": places,
    }


def mask_tensor(shapes: DecoderShapes) -> Floats:
    """What is added to the scores, [context, queries that share a key]: positions after a row's own are hidden.

    A launch whose first position is ``p`` begins at row ``context - rows - p``.
    """
    after = np.arange(shapes.context)[:, None] - (shapes.context - shapes.rows) > np.arange(shapes.rows)
    return np.tile(np.where(after, np.float32(_HIDDEN), np.float32(0)), (1, shapes.config.group))


def _table(first: Floats, second: Floats, shapes: DecoderShapes) -> Floats:
    both = np.stack([first, second], axis=1)
    return _filled(both, shapes.context, 2, shapes.half).reshape(shapes.context, shapes.key)
