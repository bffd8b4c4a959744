"""From a token to its embedding, and from logits to the next token, where a launch makes several."""

from __future__ import annotations

from math import inf

from xdsl.ir import SSAValue

from weft.compiler.errors import WeftError
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp, RandomLoadOp
from weft.compiler.mapped.onchip import AccumOp, PromoteOp
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.mapped.types import Kind, StreamType
from weft.compiler.models.llama.builder import Builder

__all__ = ["NOWHERE", "TOKENS", "embedded_token", "next_token"]

TOKENS = "tokens"
"""The tensor of tokens, [tokens of a launch + 1, 1]: the host writes the first, each round the next."""

NOWHERE = 1e9
"""The place, in the tensor ``vocabulary``, of what only fills up the vocabulary: behind all tokens."""

_LEAST = -inf


def embedded_token(build: Builder) -> tuple[SSAValue, SSAValue]:
    """The embedding of the round's token in its first turn, and a control token in the others."""
    config, hidden = build.shapes.config, build.shapes.hidden
    tokens = build.tensor(TOKENS, build.tokens + 1, 1, format=Format.I32, role=Role.INPUT)
    loaded = build.add(
        LinearLoadOp(
            tokens,
            StreamType.make(Kind.VECTOR, (1,)),
            dims=(1,),
            when="first",
            done=True,
            done_when="later",
            round_dim=0,
            follows=True,
        )
    )
    assert loaded.done is not None
    kept = build.add(BufferizeOp(loaded.result, rank=1)).result
    token = build.add(StreamifyOp(kept, kind=Kind.SCALAR, sizes=(), strides=()), "token").result
    table = build.tensor("embedding", config.vocab_size, hidden)
    return build.add(RandomLoadOp(token, table, when="first")).result, loaded.done


def next_token(build: Builder, logits: SSAValue) -> None:
    """Store the first of the largest logits as the token of the next round; a NaN is larger than all, as in NumPy.

    Looked for in two passes: the largest, then the least place at which it stands. Logits that only fill up the last
    vector do not count.

    Raises
    ------
    WeftError
        The logits do not fit the buffer that keeps them for the second pass.
    """
    shapes = build.shapes
    lines, spec = shapes.beats(shapes.vocabulary), shapes.spec
    if lines > spec.pmu_lines:
        raise WeftError(
            f"vocab_size = {shapes.config.vocab_size} needs {lines} lines of a PMU for tokens made in one launch, but "
            f"fabric {spec.name!r} has pmu_lines = {spec.pmu_lines}: set pmu_lines={1 << (lines - 1).bit_length()}"
        )
    places = build.vector("vocabulary", shapes.vocabulary)
    if shapes.vocabulary != shapes.config.vocab_size:
        real = build.map("lt", places, const=NOWHERE)
        logits = build.map("select", real, logits, const=_LEAST, hint="real_logits")
        again = build.add(BufferizeOp(places, rank=1)).result
        places = build.add(StreamifyOp(again), "places").result
    top = build.add(AccumOp("max", logits, keep=0, init=_LEAST), "top_logit").result
    kept = build.add(BufferizeOp(logits, rank=1)).result
    again = build.add(StreamifyOp(kept), "logits_again").result
    same = build.map("eq", again, build.expand(top, again))
    found = build.map("select", same, places, const=NOWHERE)
    # If there is a NaN it is the largest, and equals nothing, not even itself.
    found = build.map("select", build.map("eq", again, again), found, places)
    first = build.add(AccumOp("min", found, keep=0, init=NOWHERE)).result
    token = build.add(PromoteOp(build.map("int32", first)), "next_token").result
    row = build.add(BufferizeOp(token, rank=1)).result
    stored = build.add(StreamifyOp(row, kind=Kind.VECTOR), "next_token_row").result
    tokens = next(op for op in build.module.ops if isinstance(op, TensorOp) and op.sym_name.data == TOKENS)
    build.add(LinearStoreOp(stored, tokens, dims=(1,), when=build.when, round_dim=0, round_from=1))
