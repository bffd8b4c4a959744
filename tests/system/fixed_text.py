"""A tiny decoder that says some tokens again and again, so that what a command makes of a text is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "vocab_size": 256,
    "max_position_embeddings": 64,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": False,
}
HEAD, NORM = "lm_head.weight", "model.norm.weight"


def write_decoder(folder: Path, tokens: Sequence[int], *, scale: float = 1, **changes: object) -> None:
    """Write it, its head's weights times ``scale``, with changes to its configuration; ``tokens`` are at most 16."""
    folder.mkdir(parents=True, exist_ok=True)
    config = CONFIG | changes
    (folder / "config.json").write_text(json.dumps(config))
    embedding = np.zeros((int(str(config["vocab_size"])), 16), np.float32)
    head = np.zeros_like(embedding)
    for place, token in enumerate(tokens):
        embedding[token, place] = 1
        head[tokens[(place + 1) % len(tokens)], place] = scale
    save_file({**_zeros(), "model.embed_tokens.weight": embedding, HEAD: head}, folder / "model.safetensors")


def _zeros() -> dict[str, NDArray[np.float32]]:
    """A layer that adds nothing, and norms that change nothing but the length."""
    layer = "model.layers.0."
    square = {f"{layer}self_attn.{name}_proj.weight": np.zeros((16, 16), np.float32) for name in "qkvo"}
    wide = {f"{layer}mlp.{name}_proj.weight": np.zeros((32, 16), np.float32) for name in ("gate", "up")}
    down = {f"{layer}mlp.down_proj.weight": np.zeros((16, 32), np.float32)}
    norms = (f"{layer}input_layernorm.weight", f"{layer}post_attention_layernorm.weight", NORM)
    return {**square, **wide, **down, **{name: np.ones(16, np.float32) for name in norms}}
