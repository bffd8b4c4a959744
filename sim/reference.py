"""The reference: a plain Llama decoder in NumPy that knows no fabric (golden level (a) of the design)."""

import numpy as np
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.compiler.errors import WeftError

Array = NDArray[np.floating]


class Reference:
    """Decodes one token a step, in `dtype` throughout, with the formulas of transformers' eager Llama.

    In float32 its logits agree with transformers' to 1e-4 of the largest logit; in float64 it is the
    yardstick for both.

    Parameters:
        checkpoint: the model.
        dtype: `numpy.float32` or `numpy.float64`.

    Raises:
        ValueError: `dtype` is another.
    """

    def __init__(self, checkpoint: LlamaCheckpoint, dtype: type[np.float32 | np.float64] = np.float32) -> None:
        self.dtype: np.dtype[np.floating] = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise ValueError(f"dtype must be float32 or float64, not {self.dtype}")
        self.config = checkpoint.config
        self._embedding = self._own(checkpoint.embedding)
        self._head = self._embedding if self.config.tie_word_embeddings else self._own(checkpoint.head)
        self._norm = self._own(checkpoint.tensors["model.norm.weight"])
        self._layers = [
            {name: self._own(values) for name, values in checkpoint.layer(layer).items()}
            for layer in range(self.config.layers)
        ]
        self.reset()

    def reset(self) -> None:
        """Forgets the context."""
        shape = (self.config.layers, 0, self.config.kv_heads, self.config.head_dim)
        self.keys: Array = np.zeros(shape, self.dtype)
        """Keys after rotation, [layers, position, kv_heads, head_dim]."""
        self.values: Array = np.zeros(shape, self.dtype)
        """[layers, position, kv_heads, head_dim]."""

    @property
    def position(self) -> int:
        """How many tokens were processed."""
        return self.keys.shape[1]

    def step(self, token: int) -> Array:
        """Processes `token` at the next position and returns the logits of the one after, [vocab_size].

        Raises:
            WeftError: the token is not in the vocabulary, or the context is full.
        """
        if not 0 <= token < self.config.vocab_size:
            raise WeftError(f"a token id must be 0 to {self.config.vocab_size - 1}, not {token}")
        if self.position >= self.config.max_position_embeddings:
            raise WeftError(f"the context must not exceed {self.config.max_position_embeddings} tokens, and is full")
        with np.errstate(over="ignore", invalid="ignore"):  # seen in the logits
            return self._step(token)

    def _step(self, token: int) -> Array:
        room = ((0, 0), (0, 1), (0, 0), (0, 0))
        position, self.keys, self.values = self.position, np.pad(self.keys, room), np.pad(self.values, room)
        hidden = self._embedding[token]
        for layer, weights in enumerate(self._layers):
            normed = self._rms_norm(hidden, weights["input_layernorm.weight"])
            hidden = hidden + self._attention(layer, weights, normed, position)
            normed = self._rms_norm(hidden, weights["post_attention_layernorm.weight"])
            hidden = hidden + self._feed_forward(weights, normed)
        return self._head @ self._rms_norm(hidden, self._norm)

    def run(self, ids: list[int]) -> Array:
        """Steps through `ids`; logits [len(ids), vocab_size]."""
        return np.stack([self.step(token) for token in ids])

    def _own(self, values: NDArray[np.float32]) -> Array:
        return values.astype(self.dtype)

    def _rms_norm(self, hidden: Array, weight: Array) -> Array:
        mean_square = np.mean(hidden * hidden, dtype=self.dtype)
        return weight * (hidden / np.sqrt(mean_square + self.dtype.type(self.config.rms_norm_eps)))

    def _project(self, weights: dict[str, Array], name: str, vector: Array) -> Array:
        product = weights[f"{name}.weight"] @ vector
        bias = weights.get(f"{name}.bias")
        return product if bias is None else product + bias

    def _rotate(self, heads: Array, position: int) -> Array:
        """Turns the pairs (i, i + head_dim/2) of each head, [heads, head_dim]."""
        first, second = np.split(heads, 2, axis=-1)
        cos, sin = self.config.rotary.at(self.config.head_dim, position, self.dtype)
        return np.concatenate([first * cos - second * sin, second * cos + first * sin], axis=-1)

    def _attention(self, layer: int, weights: dict[str, Array], normed: Array, position: int) -> Array:
        config = self.config
        query = self._project(weights, "self_attn.q_proj", normed).reshape(config.heads, config.head_dim)
        key = self._project(weights, "self_attn.k_proj", normed).reshape(config.kv_heads, config.head_dim)
        value = self._project(weights, "self_attn.v_proj", normed).reshape(config.kv_heads, config.head_dim)
        self.keys[layer, position] = self._rotate(key, position)
        self.values[layer, position] = value
        grouped = self._rotate(query, position).reshape(config.kv_heads, config.group, config.head_dim)
        scale = self.dtype.type(config.head_dim**-0.5)
        scores = np.einsum("kgd,pkd->kgp", grouped, self.keys[layer]) * scale
        grown = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares = grown / grown.sum(axis=-1, keepdims=True)
        mixed = np.einsum("kgp,pkd->kgd", shares, self.values[layer])
        return self._project(weights, "self_attn.o_proj", mixed.reshape(config.query_size))

    def _feed_forward(self, weights: dict[str, Array], normed: Array) -> Array:
        gate = self._project(weights, "mlp.gate_proj", normed)
        up = self._project(weights, "mlp.up_proj", normed)
        return self._project(weights, "mlp.down_proj", gate / (1 + np.exp(-gate)) * up)
