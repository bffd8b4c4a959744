"""A decoder cut at every operator, as a library of kernels would: each is a program, what is between them in memory.

Every operator computes what it does in the fused decoder, in the same order, and what it leaves in memory loses
nothing: fp32, or bf16 where the value is rounded already. So the logits are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.models.llama.pieces import BF16, F32, Pieces
from weft.compiler.step.builder import Size
from weft.compiler.step.map import Function
from weft.compiler.step.tensor import Role
from weft.compiler.step.types import Element

__all__ = ["head_operators", "layer_operators"]

_Part = Callable[["_Operator"], None]


def layer_operators(config: LlamaConfig, context: int) -> dict[str, ModuleOp]:
    """Programs of a layer in the order of their launches; they find `hidden` in memory and leave the next there."""
    hidden, wide, queries = config.hidden_size, config.intermediate_size, config.query_size
    feed = partial(_product, source="normal", rows=hidden, columns=wide, bias=config.mlp_bias)
    parts: dict[str, _Part] = {
        "norm": partial(_norm, source="hidden", weight="input_norm"),
        "qkv": lambda op: _product(op, "normal", hidden, op.qkv, "qkv", bias=config.attention_bias),
        "rotary": _rotary,
        "scores": _scores,
        "softmax": _softmax,
        "mix": _mix,
        "o_proj": partial(
            _product, source="mixed", rows=queries, columns=hidden, name="o_proj", bias=config.attention_bias
        ),
        "add": partial(_add, first="o_proj_out", second="hidden", target="attended"),
        "norm_2": partial(_norm, source="attended", weight="post_norm"),
        "gate": partial(feed, name="gate"),
        "up": partial(feed, name="up"),
        "activation": _activation,
        "down": partial(_product, source="gated", rows=wide, columns=hidden, name="down", bias=config.mlp_bias),
        "add_2": partial(_add, first="down_out", second="attended", target="hidden"),
    }
    return {name: _program(config, context, part) for name, part in parts.items()}


def head_operators(config: LlamaConfig, context: int) -> dict[str, ModuleOp]:
    """Programs of final norm and output head, which leave `logits`."""
    parts: dict[str, _Part] = {
        "norm_3": partial(_norm, source="hidden", weight="final_norm", each=False),
        "lm_head": partial(
            _product,
            source="normal",
            rows=config.hidden_size,
            columns=config.vocab_size,
            name="lm_head",
            target="logits",
            each=False,
        ),
    }
    return {name: _program(config, context, part) for name, part in parts.items()}


def _program(config: LlamaConfig, context: int, part: _Part) -> ModuleOp:
    operator = _Operator(config, context)
    operator.declare_position()
    operator.build.dimension("layer", max(1, config.layers - 1))
    part(operator)
    return operator.build.module


class _Operator(Pieces):
    """One operator for every layer: the size ``layer`` of a launch says which layer's weights and caches it takes."""

    def weights(self, name: str, element: Element, shape: Sequence[int], *, each: bool, hint: str) -> SSAValue:
        """Load weights, with ``each`` those of the layer."""
        if not each:
            return super().weights(name, element, shape, each=False, hint=hint)
        self.build.tensor(name, element, [self.config.layers, *shape], Role.WEIGHT)
        start: list[Size] = ["layer", *(0 for _ in shape)]
        return self.build.load(name, shape, walk=range(1, len(shape) + 1), start=start, name=hint)

    def cache(self, name: str) -> None:
        """Declare the caches of all layers."""
        shape = [self.config.layers, self.config.kv_heads, self.context, self.config.head_dim]
        self.build.tensor(name, BF16, shape, Role.CACHE)

    def append(self, rows: SSAValue, name: str) -> SSAValue | None:
        """Store rows [kv heads, 1, head_dim] in the layer's cache."""
        self.cache(name)
        return self.build.store(rows, name, walk=[1, 2, 3], start=["layer", 0, self.position, 0])

    def cached(self, name: str, after: SSAValue | None = None) -> SSAValue:
        """All rows of the layer's cache so far."""
        self.cache(name)
        dims = [self.config.kv_heads, self.positions, self.config.head_dim]
        return self.build.load(name, dims, walk=[1, 2, 3], start=["layer", 0, 0, 0], name=name)

    def operand(self, name: str, *shape: int, element: Element = F32, dims: Sequence[Size] | None = None) -> SSAValue:
        """Load what another launch has stored."""
        return self.build.load(self.build.tensor(name, element, shape, Role.INPUT), dims, name=f"{name}_in")

    def result(self, value: SSAValue, name: str, *shape: int, element: Element = F32) -> None:
        """Store a result."""
        self.build.store(value, self.build.tensor(name, element, shape, Role.OUTPUT))


def _norm(op: _Operator, source: str, weight: str, *, each: bool = True) -> None:
    size = op.config.hidden_size
    op.result(op.norm(op.operand(source, size), weight, "norm", each=each), "normal", size, element=BF16)


def _product(
    op: _Operator,
    source: str,
    rows: int,
    columns: int,
    name: str,
    *,
    bias: bool = False,
    target: str | None = None,
    each: bool = True,
) -> None:
    value = op.operand(source, rows, element=BF16)
    op.result(op.product(value, name, rows, columns, bias=bias, each=each), target or f"{name}_out", columns)


def _rotary(op: _Operator) -> None:
    """Rotary embedding; keys and values are appended to their caches."""
    config, qkv = op.config, op.operand("qkv_out", op.qkv)
    queries, new_keys = op.rotated(qkv)
    op.result(queries, "queries", config.kv_heads, config.group, config.head_dim, element=BF16)
    op.append(new_keys, "keys")
    op.append(op.new_values(qkv), "values")


def _scores(op: _Operator) -> None:
    config = op.config
    queries = op.operand("queries", config.kv_heads, config.group, config.head_dim, element=BF16)
    op.result(op.scores(queries, op.cached("keys")), "scores", config.kv_heads, op.context, config.group)


def _softmax(op: _Operator) -> None:
    config = op.config
    table = (config.kv_heads, op.context, config.group)
    weight, share = op.softmax(op.operand("scores", *table, dims=[config.kv_heads, op.positions, config.group]))
    op.result(weight, "weights", *table, element=BF16)
    op.result(share, "shares", config.kv_heads, config.group)


def _mix(op: _Operator) -> None:
    config, heads, group = op.config, op.config.kv_heads, op.config.group
    weight = op.operand("weights", heads, op.context, group, element=BF16, dims=[heads, op.positions, group])
    share = op.operand("shares", heads, group)
    mixed = op.mixed(op.cached("values"), weight, share)
    op.result(op.side_by_side(mixed), "mixed", config.query_size, element=BF16)


def _add(op: _Operator, first: str, second: str, target: str) -> None:
    size = op.config.hidden_size
    op.result(op.build.map(Function.ADD, op.operand(first, size), op.operand(second, size), name="sum"), target, size)


def _activation(op: _Operator) -> None:
    size = op.config.intermediate_size
    op.result(op.gated(op.operand("gate_out", size), op.operand("up_out", size)), "gated", size, element=BF16)
