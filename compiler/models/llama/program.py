"""A Llama decoder as a logical `step` program: an iteration for each layer, the output head in the last."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.models.llama.pieces import F32, Pieces
from weft.compiler.models.llama.token import likeliest
from weft.compiler.step.dims import Dim
from weft.compiler.step.map import Function
from weft.compiler.step.tensor import Role
from weft.compiler.step.types import Element

__all__ = ["TOKENS", "decode_program", "prefill_program"]

TOKENS = "tokens"
"""The tensor of tokens, [tokens of a launch + 1, 1]: the host writes the first, each round the next."""


def decode_program(config: LlamaConfig, context: int, *, sequences: int = 1, tokens: int = 0) -> ModuleOp:
    """All layers and the head for one position, of one sequence or of each of several, with caches of their own.

    With ``tokens`` a launch makes up to so many for one sequence, in rounds: each looks up the embedding of a token,
    and leaves the likeliest next one for the next round.
    """
    decoder = _Decoder(config, context, sequences=sequences, tokens=tokens)
    decoder.head(decoder.layer())
    return decoder.build.module


def prefill_program(config: LlamaConfig, context: int, rows: int) -> ModuleOp:
    """All layers for ``rows`` positions of a prompt: it fills the caches, and has no head."""
    decoder = _Decoder(config, context, rows=rows)
    decoder.layer()
    return decoder.build.module


@dataclass
class _Decoder(Pieces):
    tokens: int = 0

    def __post_init__(self) -> None:
        self.declare_position()
        if self.tokens:
            self.build.dimension("count", self.tokens)
            self.build.loop(self.config.layers, round="round", rounds="count")
        else:
            self.build.loop(self.config.layers)

    @property
    def position(self) -> Dim:
        """The first position of the launch, or that of the round."""
        return Dim.of("position") + Dim.of("round") if self.tokens else Dim.of("position")

    def layer(self) -> SSAValue:
        """A layer; the residual stream that it gives is the next one's."""
        build, config = self.build, self.config
        hidden, wide = config.hidden_size, config.intermediate_size
        state = build.state("residual", F32, [*self.lead, hidden])
        before = build.recall(state, self.embedded(), "hidden")

        normal = self.norm(before, "input_norm", "norm")
        qkv = self.product(normal, "qkv", hidden, self.qkv, bias=config.attention_bias)
        mixed = self.side_by_side(self.attention(qkv))
        projected = self.product(mixed, "o_proj", config.query_size, hidden, bias=config.attention_bias)
        attended = build.map(Function.ADD, projected, before, name="attended")

        normal = self.norm(attended, "post_norm", "mlp_norm")
        gate = self.product(normal, "gate", hidden, wide, bias=config.mlp_bias)
        up = self.product(normal, "up", hidden, wide, bias=config.mlp_bias)
        down = self.product(self.gated(gate, up), "down", wide, hidden, bias=config.mlp_bias)
        result = build.map(Function.ADD, down, attended, name="layer_out")
        build.keep(result, state)
        return result

    def embedded(self) -> SSAValue:
        """The embedding of each row: what the host has looked up, or of the token of this round."""
        build, config = self.build, self.config
        if not self.tokens:
            name = "embedded_rows" if self.lead else "embedded"
            return build.load(build.tensor(name, F32, [*self.lead, config.hidden_size], Role.INPUT), name=name)
        build.tensor(TOKENS, Element.I32, [self.tokens + 1, 1], Role.CACHE)
        build.tensor("embedding", F32, [config.vocab_size, config.hidden_size], Role.WEIGHT)
        token = build.load(TOKENS, [1], walk=[1], start=["round", 0], name="token")
        return build.flatten(build.random_load(token, "embedding", "embedded"), [0, 1])

    def attention(self, qkv: SSAValue) -> SSAValue:
        """Grouped-query attention over the cache."""
        queries, new_keys = self.rotated(qkv)
        keys = self.cached("keys", self.append(new_keys, "keys"))
        score = self.scores(queries, keys)
        weight, share = self.softmax(self.masked(score) if self.together else score)
        values = self.cached("values", self.append(self.new_values(qkv), "values"))
        return self.mixed(values, weight, share)

    def head(self, residual: SSAValue) -> None:
        """Final norm, output head, and where a launch makes several tokens, the next of them."""
        build, config = self.build, self.config
        normal = self.norm(build.last(residual, "final"), "final_norm", "head_norm", each=False)
        logits = self.product(normal, "lm_head", config.hidden_size, config.vocab_size, each=False)
        if not self.tokens:
            build.store(logits, build.tensor("logits", F32, [*self.lead, config.vocab_size], Role.OUTPUT))
            return
        rows = build.tensor("logits_rows", F32, [self.tokens, config.vocab_size], Role.OUTPUT)
        build.store(logits, rows, walk=[1], start=["round", 0])
        token = build.reshape(likeliest(build, logits), [1], "next_token")
        build.store(token, TOKENS, walk=[1], start=[Dim.of("round") + 1, 0])
