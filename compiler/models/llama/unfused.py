"""A decoder cut at every operator, as a library of kernels would: each is a program, what is between them in memory.

Every operator computes what it does in the fused decoder, in the same order, and what it leaves in memory loses
nothing: fp32, or bf16 where the value is rounded already. So the logits are the same to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.types import Kind
from weft.compiler.models.llama.layer import (
    gated,
    mix,
    new_values,
    queries_and_key,
    repeated_rows,
    rotated,
    scores_of,
    softmax,
)
from weft.compiler.models.llama.operator import Operator
from weft.compiler.models.llama.shapes import Argument, DecoderShapes

__all__ = ["head_operators", "layer_operators"]

_Part = Callable[[Operator], None]


def layer_operators(shapes: DecoderShapes) -> dict[str, ModuleOp]:
    """Programs of a layer in the order of their launches; they find `hidden` in memory and leave the next there."""
    config, hidden, wide = shapes.config, shapes.hidden, shapes.intermediate
    attention_bias, mlp_bias = config.attention_bias, config.mlp_bias
    feed = partial(_product, source="normal", rows=hidden, columns=wide, bias=mlp_bias, groups=shapes.wide_groups)
    parts: dict[str, _Part] = {
        "norm": partial(_norm, source="hidden", weight="input_norm"),
        "qkv": partial(_product, source="normal", rows=hidden, columns=shapes.qkv, name="qkv", bias=attention_bias),
        "rotary": _rotary,
        "scores": _scores,
        "softmax": _softmax,
        "mix": _mix,
        "o_proj": _output_projection,
        "add": partial(_add, first="o_proj_out", second="hidden", target="attended"),
        "norm_2": partial(_norm, source="attended", weight="post_norm"),
        "gate": partial(feed, name="gate"),
        "up": partial(feed, name="up"),
        "activation": _activation,
        "down": partial(_product, source="gated", rows=wide, columns=hidden, name="down", bias=mlp_bias),
        "add_2": partial(_add, first="down_out", second="attended", target="hidden"),
    }
    return {name: _module(Operator(shapes), part) for name, part in parts.items()}


def head_operators(shapes: DecoderShapes) -> dict[str, ModuleOp]:
    """Programs of final norm and output head, which leave `logits`."""
    rows, columns = shapes.hidden, shapes.vocabulary
    parts: dict[str, _Part] = {
        "norm_3": partial(_norm, source="hidden", weight="final_norm"),
        "lm_head": partial(_product, source="normal", rows=rows, columns=columns, name="lm_head", target="logits"),
    }
    return {name: _module(Operator(shapes, layered=False), part) for name, part in parts.items()}


def _module(build: Operator, part: _Part) -> ModuleOp:
    part(build)
    build.module.verify()
    return build.module


def _norm(build: Operator, source: str, weight: str) -> None:
    size = build.shapes.hidden
    value = build.operand(source, size)
    again = build.fifo(value, f"{source}_again")
    build.result(build.norm(value, again, build.vector(weight, size), "norm"), "normal", size, rounded=True)


def _product(
    build: Operator,
    source: str,
    rows: int,
    columns: int,
    name: str,
    *,
    bias: bool = False,
    groups: int | None = None,
    target: str | None = None,
) -> None:
    groups = build.shapes.groups(columns) if groups is None else groups
    value = build.operand(source, rows, rounded=True)
    scalars = build.scalars(value, rows, repeat=groups, hint=f"{source}_scalars")
    product = build.product(rows, columns, name, scalars, bias=bias, groups=groups)
    build.result(product, target or f"{name}_out", columns)


def _rotary(build: Operator) -> None:
    """Rotary embedding; keys and values are appended to their caches."""
    shapes, config = build.shapes, build.shapes.config
    qkv = build.operand("qkv_out", shapes.qkv)
    queries, new_key = queries_and_key(build, rotated(build, qkv))
    turned = build.add(StreamifyOp(queries), "queries").result
    build.result(turned, "queries", config.kv_heads, config.group, shapes.key, rounded=True)
    build.append(new_key, "keys", shapes.key, Argument.KEY_ROW)
    build.append(new_values(build, qkv), "values", shapes.value, Argument.VALUE_ROW)


def _scores(build: Operator) -> None:
    shapes, config = build.shapes, build.shapes.config
    queries = build.operand("queries", config.kv_heads, config.group, shapes.key, rounded=True)
    kept = build.add(BufferizeOp(queries, rank=2))
    keys, runs = repeated_rows(build, build.cached("keys", shapes.key), "keys", runs=True)
    score = build.add(BufferizeOp(scores_of(build, keys, runs, kept.result), rank=1))
    rows = build.add(StreamifyOp(score.result, kind=Kind.VECTOR), "score_rows").result
    build.result(rows, "scores", config.kv_heads, shapes.context, config.group)


def _softmax(build: Operator) -> None:
    shapes, config = build.shapes, build.shapes.config
    table = (config.kv_heads, shapes.context, config.group)
    weight, share = softmax(build, build.operand("scores", *table, positions=True))
    build.result(weight, "weights", *table, rounded=True)
    build.result(share, "shares", config.kv_heads, config.group)


def _mix(build: Operator) -> None:
    shapes, config = build.shapes, build.shapes.config
    heads, group = config.kv_heads, config.group
    weights = build.add(
        BufferizeOp(build.operand("weights", heads, shapes.context, group, rounded=True, positions=True), rank=1)
    )
    weight = build.add(StreamifyOp(weights.result, kind=Kind.SCALAR), "weight").result
    shares = build.add(BufferizeOp(build.operand("shares", heads, group), rank=1))
    share = build.add(StreamifyOp(shares.result, kind=Kind.SCALAR), "share").result
    values, _ = repeated_rows(build, build.cached("values", shapes.value), "values", runs=False)
    build.result(mix(build, values, weight, share), "mixed", heads, group, shapes.value, rounded=True)


def _output_projection(build: Operator) -> None:
    shapes, config = build.shapes, build.shapes.config
    mixed = build.operand("mixed", config.kv_heads, config.group, shapes.value, rounded=True)
    scalars = build.mixed_scalars(mixed)
    result = build.product(shapes.mixed, shapes.hidden, "o_proj", scalars, bias=config.attention_bias)
    build.result(result, "o_proj_out", shapes.hidden)


def _add(build: Operator, first: str, second: str, target: str) -> None:
    size = build.shapes.hidden
    build.result(build.map("add", build.operand(first, size), build.operand(second, size), hint="sum"), target, size)


def _activation(build: Operator) -> None:
    size = build.shapes.intermediate
    gate, up = build.operand("gate_out", size), build.operand("up_out", size)
    build.result(gated(build, gate, up), "gated", size, rounded=True)
