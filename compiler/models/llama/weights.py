"""A checkpoint's tensors in the shapes of the decoder's programs: turned, permuted, filled up with zeros."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import EMBEDDING, HEAD, LlamaCheckpoint
from weft.compiler.models.llama.shapes import DecoderShapes
from weft.compiler.models.llama.token import NOWHERE
from weft.compiler.weights.quantised import Quantisation, Quantised
from weft.hw.program import BLOCK

__all__ = ["Weights", "global_tensors", "layer_tensors", "mask_tensor", "token_tensors"]

_HIDDEN = -1e30  # a score that no other is below, whose exponential is 0

Floats = NDArray[np.float32]
Weights = Floats | Quantised


def _filled(values: Floats, *shape: int) -> Floats:
    """Zeros after the values in each dimension."""
    full = np.zeros(shape, np.float32)
    full[tuple(slice(size) for size in values.shape)] = values
    return full


def _columns_to(size: int) -> Callable[[Floats], Floats]:
    return lambda matrix: _filled(matrix, len(matrix), size)


def _rows_to(size: int) -> Callable[[Floats], Floats]:
    return lambda matrix: _filled(matrix, size, matrix.shape[1])


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


def _matrix(
    checkpoint: LlamaCheckpoint,
    shapes: DecoderShapes,
    names: Sequence[str],
    columns: Callable[..., Floats],
    rows: Callable[[Floats], Floats],
    groups: int | None = None,
) -> Weights:
    """Matrices as the product takes them, plain or quantised.

    ``columns`` makes one of several [in, out] and changes columns only, so it goes for their scales, too; ``rows``
    changes rows only.
    """
    if names[0] not in checkpoint.quantised:
        return _grouped(rows(columns(*(checkpoint.tensors[name].T for name in names))), shapes, groups)
    given = [checkpoint.quantised[name] for name in names]
    elements = rows(columns(*(each.elements for each in given)))
    scales = columns(*(each.scales for each in given))
    blocks = 1 if given[0].form is Quantisation.INT8 else -(-len(elements) // BLOCK)
    scales = _filled(scales, blocks, scales.shape[1])
    return Quantised(given[0].form, _grouped(elements, shapes, groups), _grouped(scales, shapes, groups))


def layer_tensors(checkpoint: LlamaCheckpoint, shapes: DecoderShapes, layer: int) -> dict[str, Weights]:
    """A layer's weights by the names of its program's tensors."""
    config, given = checkpoint.config, checkpoint.layer(layer)
    hidden, wide = shapes.hidden, shapes.intermediate

    def matrix(name: str, rows: int, columns: int, groups: int | None = None) -> Weights:
        names = [f"model.layers.{layer}.{name}.weight"]
        fill = _rows_to(rows) if name != "self_attn.o_proj" else lambda values: _o_rows(values, shapes)
        return _matrix(checkpoint, shapes, names, _columns_to(columns), fill, groups)

    qkv = [f"model.layers.{layer}.self_attn.{name}_proj.weight" for name in "qkv"]
    tensors: dict[str, Weights] = {
        "input_norm": _filled(given["input_layernorm.weight"], hidden),
        "post_norm": _filled(given["post_attention_layernorm.weight"], hidden),
        "qkv": _matrix(checkpoint, shapes, qkv, lambda q, k, v: _qkv(q, k, v, shapes), _rows_to(hidden)),
        "o_proj": matrix("self_attn.o_proj", shapes.mixed, hidden),
        "gate": matrix("mlp.gate_proj", hidden, wide, shapes.wide_groups),
        "up": matrix("mlp.up_proj", hidden, wide, shapes.wide_groups),
        "down": matrix("mlp.down_proj", wide, hidden),
    }
    if config.attention_bias:
        q, k, v = (given[f"self_attn.{name}_proj.bias"] for name in "qkv")
        tensors["qkv_bias"] = _qkv(q, k, v, shapes)
        tensors["o_proj_bias"] = _filled(given["self_attn.o_proj.bias"], hidden)
    if config.mlp_bias:
        for name, size in (("gate", wide), ("up", wide), ("down", hidden)):
            tensors[f"{name}_bias"] = _filled(given[f"mlp.{name}_proj.bias"], size)
    return tensors


def global_tensors(checkpoint: LlamaCheckpoint, shapes: DecoderShapes) -> dict[str, Weights]:
    """What all layers share, and the head's weights."""
    config = checkpoint.config
    cos, sin = config.rotary.table(config.head_dim, shapes.context, np.float32)
    head = HEAD if HEAD in checkpoint.tensors else EMBEDDING
    return {
        "cos": _table(cos, cos, shapes),
        "sin": _table(-sin, sin, shapes),
        "final_norm": _filled(checkpoint.tensors["model.norm.weight"], shapes.hidden),
        "lm_head": _matrix(checkpoint, shapes, [head], _columns_to(shapes.vocabulary), _rows_to(shapes.hidden)),
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
