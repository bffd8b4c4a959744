"""A decoder layer as part of a `step` program: nothing between its operators leaves the chip."""

from __future__ import annotations

from math import sqrt

from xdsl.ir import SSAValue

from weft.compiler.mapped.buffers import BufferizeOp, KeepOp, RecallOp, ResidentOp, StreamifyOp
from weft.compiler.mapped.loop import TurnOp
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp
from weft.compiler.mapped.onchip import AccumOp, MergeOp, UnpackOp, stream
from weft.compiler.mapped.tensor import Format, Role
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.models.llama.builder import Builder
from weft.compiler.models.llama.shapes import Argument
from weft.compiler.models.llama.token import embedded_token

__all__ = [
    "add_layer",
    "gated",
    "mix",
    "new_values",
    "queries_and_key",
    "repeated_rows",
    "rotated",
    "scores_of",
    "softmax",
]


def add_layer(build: Builder) -> SSAValue:
    """Add a layer at one position; the residual stream that it gives, which is also the next turn's."""
    shapes, config = build.shapes, build.shapes.config
    hidden = _residual_in(build)

    first = build.fifo(hidden, "hidden_again")
    normal = build.norm(hidden, first, build.vector("input_norm", shapes.hidden), "norm")
    scalars = build.scalars(normal, shapes.hidden, repeat=shapes.groups(shapes.qkv), hint="norm_scalars")
    qkv = build.product(shapes.hidden, shapes.qkv, "qkv", scalars, bias=config.attention_bias)
    mixed = _attention(build, qkv)
    projected = build.product(shapes.mixed, shapes.hidden, "o_proj", mixed, bias=config.attention_bias)
    attended = build.map("add", projected, build.fifo(hidden, "residual_1"), hint="attended")

    second = build.fifo(attended, "attended_again")
    normal = build.norm(attended, second, build.vector("post_norm", shapes.hidden), "norm_2")
    scalars = build.scalars(normal, shapes.hidden, repeat=shapes.wide_groups, hint="norm_2_scalars")
    gate, up = build.gate_and_up(scalars)
    scalars = build.scalars(
        gated(build, gate, up), shapes.intermediate, repeat=shapes.groups(shapes.hidden), hint="gated_scalars"
    )
    down = build.product(shapes.intermediate, shapes.hidden, "down", scalars, bias=config.mlp_bias)
    result = build.map("add", down, build.fifo(attended, "residual_2"), hint="layer_out")
    resident = next(op for op in build.module.ops if isinstance(op, ResidentOp))
    build.add(KeepOp(result, resident, when="earlier"))
    return result


def _residual_in(build: Builder) -> SSAValue:
    """The embedding in the first turn, in the others what the last one kept."""
    shape = (*build.shapes.lead, build.shapes.hidden)
    resident = build.add(ResidentOp("residual", shape))
    embedded, done = embedded_token(build) if build.tokens else _embedded(build, shape)
    which = build.add(TurnOp())
    recalled = build.add(RecallOp(resident, done))
    return build.add(MergeOp(which.result, embedded, recalled.result), "hidden").result


def _embedded(build: Builder, shape: tuple[int, ...]) -> tuple[SSAValue, SSAValue]:
    """What the host has looked up, and a token in the later turns."""
    embedded = build.add(
        LinearLoadOp(
            build.tensor("embedded" if len(shape) == 1 else "embedded_rows", *shape, role=Role.INPUT),
            StreamType.make(Kind.VECTOR, shape),
            when="first",
            done=True,
            done_when="later",
        )
    )
    assert embedded.done is not None
    return embedded.result, embedded.done


def gated(build: Builder, gate: SSAValue, up: SSAValue) -> SSAValue:
    """SwiGLU's product, rounded."""
    swish = build.map("mul", gate, build.map("sigmoid", gate, hint="sigmoid"))
    return build.map("bf16", build.map("mul", swish, up), hint="gated")


def rotated(build: Builder, qkv: SSAValue) -> SSAValue:
    """Rotary embedding of queries and keys: x * cos + swapped(x) * sin, the sign in the table.

    The result is [kv heads, group + 1, halves, half]: for each key head its query heads, then itself. Several positions
    are a dimension before the halves, several sequences one around all.
    """
    shapes = build.shapes
    lead = shapes.together
    loops = (shapes.config.kv_heads, shapes.config.group + 1, *lead, 2, shapes.half)
    if lead:
        plain = build.add(BufferizeOp(qkv, rank=2))
    else:
        plain = build.add(BufferizeOp(qkv, rank=1, last=shapes.beats(shapes.rotated), inner=(shapes.rotated,)))
    of_head = ((shapes.config.group + 1) * shapes.key, shapes.key, *(shapes.qkv for _ in lead))
    straight = StreamifyOp(plain.result, sizes=loops, strides=(*of_head, shapes.half, 1))
    straight = build.add(straight, "heads").result
    swapped = StreamifyOp(plain.result, sizes=loops, strides=(*of_head, -shapes.half, 1), offset=shapes.half)
    swapped = build.add(swapped, "heads_swapped").result
    tables = []
    for name in ("cos", "sin"):
        rows = StreamType.make(Kind.VECTOR, (*shapes.lead, shapes.key))
        tensor = build.tensor(name, shapes.context, shapes.key)
        dims = (*((-1 if shapes.sequences else 0) for _ in shapes.lead), 1)
        load = LinearLoadOp(tensor, rows, dims=dims, base_args=(Argument.ROTARY_ROW,), round_dim=build.moving(0))
        build.add(load)
        kept = build.add(BufferizeOp(load.result, rank=1 + len(lead)))
        repeated = StreamifyOp(kept.result, sizes=loops, strides=(0, 0, *(shapes.key for _ in lead), shapes.half, 1))
        tables.append(build.add(repeated, name).result)
    turned = build.map("mul", swapped, tables[1], hint="turned")
    return build.map("bf16", build.map("muladd", straight, tables[0], turned), hint="rotated")


def _cached(
    build: Builder, rows: SSAValue, name: str, width: int, row: Argument, *, dims: tuple[int, ...], runs: bool
) -> tuple[SSAValue, SSAValue | None]:
    """Append new rows to a cache, then stream all of its rows, each once for every query that shares it."""
    shapes, own = build.shapes, build.shapes.caches
    heads = shapes.config.kv_heads
    tensor = build.tensor(name, *own, heads, shapes.context, width, format=Format.BF16X2, role=Role.CACHE, each=True)
    store = LinearStoreOp(rows, tensor, dims=dims, base_args=(row,), done=True, round_dim=build.moving(1))
    build.add(store)
    load = build.add(
        LinearLoadOp(
            tensor,
            StreamType.make(Kind.PACKED, (*own, heads, DYNAMIC, width)),
            after=store.done,
            size_args=(*(0 for _ in own), 0, Argument.CONTEXT, 0),
            grows=build.tokens > 0,
        )
    )
    return repeated_rows(build, load.result, name, runs=runs)


def repeated_rows(build: Builder, rows: SSAValue, name: str, *, runs: bool) -> tuple[SSAValue, SSAValue | None]:
    """Each row of a cache once for every query that shares it; with ``runs`` a token for each row."""
    kept = build.add(BufferizeOp(rows, rank=1))
    loops = (build.shapes.queries, stream(rows).dims[-1])
    read = build.add(StreamifyOp(kept.result, sizes=loops, strides=(0, 1), runs=runs), f"{name}_rows")
    return build.add(UnpackOp(read.result)).result, read.runs


def _masked(build: Builder, score: SSAValue) -> SSAValue:
    """Scores, those of positions that come after a row's own far below all others."""
    shapes = build.shapes
    tensor = build.tensor("mask", shapes.context, shapes.queries)
    load = build.add(
        LinearLoadOp(
            tensor,
            StreamType.make(Kind.VECTOR, (shapes.config.kv_heads, DYNAMIC, shapes.queries)),
            dims=(-1, 0, 1),
            size_args=(0, Argument.CONTEXT, 0),
            base_args=(Argument.MASK_ROW,),
        )
    )
    kept = build.add(BufferizeOp(load.result, rank=1))
    mask = build.add(StreamifyOp(kept.result, kind=Kind.SCALAR), "mask").result
    return build.map("add", score, mask, hint="masked")


def queries_and_key(build: Builder, heads: SSAValue) -> tuple[SSAValue, SSAValue]:
    """Of rotated heads: buffers of the queries that share a key, and the keys."""
    shapes = build.shapes
    lead = shapes.together
    rank, of_group = 3 + len(lead), shapes.queries * shapes.beats(shapes.key)
    queries = build.add(BufferizeOp(heads, rank=rank, last=of_group, inner=(shapes.queries, shapes.key)))
    last = of_group + shapes.positions * shapes.beats(shapes.key)
    own_key = build.add(BufferizeOp(heads, rank=rank, first=of_group, last=last, inner=(*lead, shapes.key)))
    return queries.result, build.add(StreamifyOp(own_key.result), "new_keys").result


def scores_of(build: Builder, keys: SSAValue, runs: SSAValue | None, queries: SSAValue) -> SSAValue:
    """Products of each row of keys with the queries that share it, one by one: [key heads, positions, queries]."""
    query = build.add(StreamifyOp(queries, trigger=runs), "queries").result
    return build.add(AccumOp("add", build.map("mul", keys, query)), "score").result


def softmax(build: Builder, score: SSAValue) -> tuple[SSAValue, SSAValue]:
    """Of scores [key heads, positions, queries]: weights of that shape, and what their sum is to be multiplied by."""
    top = build.add(AccumOp("max", score, keep=1), "top").result
    kept = build.add(BufferizeOp(score, rank=1))
    scores = build.add(StreamifyOp(kept.result, runs=True), "scores")
    tops = build.add(BufferizeOp(top, rank=1))
    again = build.add(StreamifyOp(tops.result, trigger=scores.runs), "tops").result
    scaled = build.map("mul", build.map("sub", scores.result, again), const=1.0 / sqrt(build.shapes.config.head_dim))
    weight = build.map("bf16", build.map("exp", scaled), hint="weight")
    total = build.add(AccumOp("add", weight, keep=1)).result
    return weight, build.map("reciprocal", total, hint="share")


def new_values(build: Builder, qkv: SSAValue) -> SSAValue:
    """The values of the new positions, rounded, head by head."""
    shapes, heads = build.shapes, build.shapes.config.kv_heads
    own_value = build.add(BufferizeOp(qkv, rank=1, first=shapes.beats(shapes.rotated), inner=(heads * shapes.value,)))
    values = build.add(StreamifyOp(own_value.result, sizes=(heads, shapes.value)), "new_values").result
    return build.map("bf16", values, hint="value")


def mix(build: Builder, values: SSAValue, weight: SSAValue, share: SSAValue) -> SSAValue:
    """The weighted sum of the rows of values: [key heads, queries, value], rounded."""
    mixed = build.add(AccumOp("add", build.map("mul", values, build.expand(weight, values)), keep=2), "mixed").result
    return build.map("bf16", build.map("mul", mixed, build.expand(share, mixed)), hint="attention")


def _attention(build: Builder, qkv: SSAValue) -> SSAValue:
    """Grouped-query attention over the cache; the mixed values as the output projection takes them."""
    shapes, several = build.shapes, build.shapes.positions > 1
    queries, new_key = queries_and_key(build, rotated(build, qkv))
    # Caches are [key heads, positions, size], with sequences around them; what is stored has no positions, or several.
    places = (0, 1, 3) if shapes.caches else (0, 1, 2) if several else (0, 2)
    keys, runs = _cached(build, new_key, "keys", shapes.key, Argument.KEY_ROW, dims=places, runs=True)
    score = scores_of(build, keys, runs, queries)
    weight, share = softmax(build, _masked(build, score) if several else score)
    places = (1, 0, 2) if several else places
    values, _ = _cached(
        build, new_values(build, qkv), "values", shapes.value, Argument.VALUE_ROW, dims=places, runs=False
    )
    return build.mixed_scalars(mix(build, values, weight, share))
