"""Final norm and output head as part of a `step` program."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.onchip import stream
from weft.compiler.models.llama.builder import Builder
from weft.compiler.models.llama.token import next_token

__all__ = ["add_head"]


def add_head(build: Builder, residual: SSAValue) -> None:
    """Turn what the last layer gives into logits, and where a launch makes several tokens, into the next of them."""
    shapes, build.when = build.shapes, "last"
    final = build.add(BufferizeOp(residual, rank=stream(residual).rank, when=build.when))
    hidden = build.add(StreamifyOp(final.result), "final").result
    normal = build.norm(hidden, build.fifo(hidden, "final_again"), build.vector("final_norm", shapes.hidden), "norm_3")
    scalars = build.scalars(normal, shapes.hidden, repeat=shapes.groups(shapes.vocabulary), hint="norm_3_scalars")
    logits = build.logits(scalars)
    if build.tokens:
        next_token(build, logits)
