"""The graph of one decoding step of a Llama."""

from compiler.graph import POSITIONS, Graph, Node, Op, Shape
from compiler.llama_config import LlamaConfig


def decoder_graph(config: LlamaConfig) -> Graph:
    """From `token` to `logits` [vocab_size], with the checkpoint's names for the weights.

    The keys and values that attention reads are the nodes `layers.N.keys` and `layers.N.values`.
    """
    shapes: dict[str, Shape] = dict(config.tensor_shapes())
    builder = _Builder(config, shapes)
    hidden = builder.add("hidden", (config.hidden_size,), Op.EMBED, "token", weights=("model.embed_tokens.weight",))
    for layer in range(config.layers):
        hidden = builder.attention(f"layers.{layer}.", hidden)
        hidden = builder.feed_forward(f"layers.{layer}.", hidden)
    final = builder.norm("normed", hidden, "model.norm.weight")
    head = "model.embed_tokens.weight" if config.tie_word_embeddings else "lm_head.weight"
    builder.add("logits", (config.vocab_size,), Op.PROJECT, final, weights=(head,))
    return Graph(tuple(shapes.items()), tuple(builder.nodes))


class _Builder:
    """Collects nodes; each method returns the name of the last node it added."""

    def __init__(self, config: LlamaConfig, weights: dict[str, Shape]) -> None:
        self.config = config
        self.weights = weights
        self.nodes: list[Node] = []

    def add(
        self, name: str, shape: Shape, op: Op, *inputs: str, weights: tuple[str, ...] = (), **attributes: float
    ) -> str:
        self.nodes.append(Node(name, shape, op, inputs, weights, tuple(attributes.items())))
        return name

    def norm(self, name: str, source: str, weight: str) -> str:
        shape = (self.config.hidden_size,)
        return self.add(name, shape, Op.RMS_NORM, source, weights=(weight,), eps=self.config.rms_norm_eps)

    def project(self, name: str, shape: Shape, source: str, weight: str) -> str:
        names = tuple(part for part in (f"{weight}.weight", f"{weight}.bias") if part in self.weights)
        return self.add(name, shape, Op.PROJECT, source, weights=names)

    def attention(self, layer: str, hidden: str) -> str:
        config, tensors = self.config, f"model.{layer}self_attn."
        normed = self.norm(f"{layer}attention_normed", hidden, f"model.{layer}input_layernorm.weight")
        heads, kv = (config.heads, config.head_dim), (config.kv_heads, config.head_dim)
        query = self.project(f"{layer}query", heads, normed, f"{tensors}q_proj")
        key = self.project(f"{layer}key", kv, normed, f"{tensors}k_proj")
        value = self.project(f"{layer}value", kv, normed, f"{tensors}v_proj")
        turned_query = self.add(f"{layer}turned_query", heads, Op.ROTATE, query)
        turned_key = self.add(f"{layer}turned_key", kv, Op.ROTATE, key)
        keys = self.add(f"{layer}keys", (POSITIONS, *kv), Op.APPEND, turned_key)
        values = self.add(f"{layer}values", (POSITIONS, *kv), Op.APPEND, value)
        table, scale = (config.heads, POSITIONS), config.head_dim**-0.5
        scores = self.add(f"{layer}scores", table, Op.SCORES, turned_query, keys, scale=scale)
        shares = self.add(f"{layer}shares", table, Op.SOFTMAX, scores)
        mixed = self.add(f"{layer}mixed", heads, Op.MIX, shares, values)
        output = self.project(f"{layer}attention", (config.hidden_size,), mixed, f"{tensors}o_proj")
        return self.add(f"{layer}attended", (config.hidden_size,), Op.ADD, hidden, output)

    def feed_forward(self, layer: str, hidden: str) -> str:
        config, tensors = self.config, f"model.{layer}mlp."
        normed = self.norm(f"{layer}mlp_normed", hidden, f"model.{layer}post_attention_layernorm.weight")
        wide = (config.intermediate_size,)
        gate = self.project(f"{layer}gate", wide, normed, f"{tensors}gate_proj")
        up = self.project(f"{layer}up", wide, normed, f"{tensors}up_proj")
        opened = self.add(f"{layer}opened", wide, Op.SILU, gate)
        gated = self.add(f"{layer}gated", wide, Op.MULTIPLY, opened, up)
        down = self.project(f"{layer}down", (config.hidden_size,), gated, f"{tensors}down_proj")
        return self.add(f"{layer}output", (config.hidden_size,), Op.ADD, hidden, down)
