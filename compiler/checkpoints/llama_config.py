"""The shape of a Llama decoder, as `config.json` gives it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from weft.compiler.checkpoints.json_fields import JsonFields, read_json_object
from weft.compiler.checkpoints.rotary import Rotary
from weft.compiler.errors import WeftError
from weft.compiler.weights.quantised import Quantisation

ARCHITECTURE = "LlamaForCausalLM"
METHOD = "weft"
"""The `quant_method` of checkpoints that `weft quantize` wrote."""
_LEAST, _MOST = 2.0**-126, (2 - 2.0**-23) * 2.0**127  # of normal float32


@dataclass(frozen=True, kw_only=True)
class LlamaConfig:
    """What a Llama decoder computes, all but its weights. Sizes are in elements.

    Holds by construction from `read_llama_config`: `heads` is a multiple of `kv_heads`, `head_dim` is even.
    `head_dim` may differ from `hidden_size / heads`.
    """

    hidden_size: int
    intermediate_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocab_size: int
    rms_norm_eps: float
    rotary: Rotary
    max_position_embeddings: int
    """The longest context, in tokens."""
    attention_bias: bool = False
    """Biases on the query, key, value and output projections."""
    mlp_bias: bool = False
    """Biases on the gate, up and down projections."""
    tie_word_embeddings: bool = False
    """The output head is the embedding."""
    hidden_act: str = "silu"
    quantisation: Quantisation | None = None
    """What the matrices of layers and head are; the head is not tied then."""

    @property
    def rope_theta(self) -> float:
        """The base of the rotary frequencies."""
        return self.rotary.theta

    @property
    def query_size(self) -> int:
        """Length of one token's queries, all heads."""
        return self.heads * self.head_dim

    @property
    def kv_size(self) -> int:
        """Length of one token's keys, all heads; its values have the same."""
        return self.kv_heads * self.head_dim

    @property
    def group(self) -> int:
        """Query heads that share one key head."""
        return self.heads // self.kv_heads

    def layer_shapes(self, layer: int) -> dict[str, tuple[int, ...]]:
        """Names and shapes of one layer's tensors; a matrix is [out, in]."""
        prefix = f"model.layers.{layer}."
        projections = {
            "self_attn.q_proj": (self.query_size, self.hidden_size, self.attention_bias),
            "self_attn.k_proj": (self.kv_size, self.hidden_size, self.attention_bias),
            "self_attn.v_proj": (self.kv_size, self.hidden_size, self.attention_bias),
            "self_attn.o_proj": (self.hidden_size, self.query_size, self.attention_bias),
            "mlp.gate_proj": (self.intermediate_size, self.hidden_size, self.mlp_bias),
            "mlp.up_proj": (self.intermediate_size, self.hidden_size, self.mlp_bias),
            "mlp.down_proj": (self.hidden_size, self.intermediate_size, self.mlp_bias),
        }
        shapes: dict[str, tuple[int, ...]] = {
            f"{prefix}input_layernorm.weight": (self.hidden_size,),
            f"{prefix}post_attention_layernorm.weight": (self.hidden_size,),
        }
        for name, (rows, columns, bias) in projections.items():
            shapes[f"{prefix}{name}.weight"] = (rows, columns)
            if bias:
                shapes[f"{prefix}{name}.bias"] = (rows,)
        return shapes

    def is_matrix(self, name: str) -> bool:
        """Whether a tensor is a matrix of a layer or the head, and so quantised where weights are."""
        return name.endswith("_proj.weight") or name == "lm_head.weight"

    def tensors(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Name and shape of every tensor the checkpoint must hold, one by one; a tied head is left out."""
        yield "model.embed_tokens.weight", (self.vocab_size, self.hidden_size)
        for layer in range(self.layers):
            yield from self.layer_shapes(layer).items()
        yield "model.norm.weight", (self.hidden_size,)
        if not self.tie_word_embeddings:
            yield "lm_head.weight", (self.vocab_size, self.hidden_size)

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """All of :meth:`tensors`, by name."""
        return dict(self.tensors())


def read_llama_config(file: Path) -> LlamaConfig:
    """Reads a Hugging Face `config.json`, in the older and the newer spelling of the rotary parameters.

    Fields with a default in transformers (key heads, head size, biases, tying, activation, theta) may be
    absent.

    Raises:
        WeftError: the file is missing or no JSON object.
        WeftError: the architecture is not `LlamaForCausalLM`, or the weights are quantised.
        WeftError: a field is missing, or its value breaks its rule.
    """
    fields = read_json_object(file)
    _check_architecture(fields)
    hidden_size = fields.integer("hidden_size")
    heads = fields.integer("num_attention_heads")
    kv_heads = fields.integer("num_key_value_heads", heads)
    fields.require("num_key_value_heads", kv_heads, f"a divisor of {heads} heads", heads % kv_heads == 0)
    if not fields.has("head_dim"):
        rule = f"a multiple of {heads} heads where no head_dim is given"
        fields.require("hidden_size", hidden_size, rule, hidden_size % heads == 0)
    head_dim = fields.integer("head_dim", hidden_size // heads or 1)
    fields.require("head_dim", head_dim, "even", head_dim % 2 == 0)
    rms_norm_eps = fields.positive("rms_norm_eps")
    fields.require("rms_norm_eps", rms_norm_eps, "a normal float32", _LEAST <= rms_norm_eps <= _MOST)
    return LlamaConfig(
        hidden_size=hidden_size,
        intermediate_size=fields.integer("intermediate_size"),
        layers=fields.integer("num_hidden_layers"),
        heads=heads,
        kv_heads=kv_heads,
        head_dim=head_dim,
        vocab_size=fields.integer("vocab_size"),
        rms_norm_eps=rms_norm_eps,
        rotary=Rotary.from_fields(fields),
        max_position_embeddings=fields.integer("max_position_embeddings"),
        attention_bias=fields.flag("attention_bias", False),
        mlp_bias=fields.flag("mlp_bias", False),
        tie_word_embeddings=fields.flag("tie_word_embeddings", False),
        quantisation=_quantisation(fields),
    )


def _check_architecture(fields: JsonFields) -> None:
    """Refuses what is no plain Llama."""
    for name, expected in (("architectures", [ARCHITECTURE]), ("model_type", "llama")):
        if not fields.has(name):
            raise WeftError(f"{fields.file}: field {name!r} is missing")
        fields.require(name, fields.fields[name], repr(expected), fields.fields[name] == expected)
    activation = fields.fields.get("hidden_act") or "silu"
    fields.require("hidden_act", activation, "'silu'", activation == "silu")


def _quantisation(fields: JsonFields) -> Quantisation | None:
    """What `weft quantize` wrote, or None; refuses what others did."""
    if not fields.has("quantization_config"):
        return None
    given = fields.inner("quantization_config")
    method, form = given.fields.get("quant_method"), given.fields.get("format")
    fields.require("quantization_config.quant_method", method, "'weft'", method == METHOD)
    names = [each.value for each in Quantisation]
    fields.require("quantization_config.format", form, " or ".join(map(repr, names)), form in names)
    tied = fields.flag("tie_word_embeddings", False)
    fields.require("tie_word_embeddings", tied, "false where weights are quantised", not tied)
    return Quantisation(str(form))
