"""Final norm and output head as part of a `step` program."""

from __future__ import annotations

from xdsl.ir import SSAValue

from compiler.decoder.builder import Builder
from compiler.decoder.token import next_token
from compiler.step.buffers import BufferizeOp, StreamifyOp
from compiler.step.offchip import LinearStoreOp, Role

__all__ = ["add_head"]


def add_head(build: Builder, residual: SSAValue) -> None:
    """Turn what the last layer gives into logits, and where a launch makes several tokens, into the next of them."""
    shapes, build.when = build.shapes, "last"
    final = build.add(BufferizeOp(residual, rank=1, when=build.when))
    hidden = build.add(StreamifyOp(final.result), "final").result
    normal = build.norm(hidden, build.fifo(hidden, "final_again"), build.vector("final_norm", shapes.hidden), "norm_3")
    scalars = build.scalars(normal, shapes.hidden, repeat=shapes.groups(shapes.vocabulary), hint="norm_3_scalars")
    logits = build.product(shapes.hidden, shapes.vocabulary, "lm_head", scalars)
    if not build.tokens:
        tensor = build.tensor("logits", shapes.vocabulary, role=Role.OUTPUT)
        build.add(LinearStoreOp(logits, tensor, when=build.when))
        return
    tensor = build.tensor("logits_rows", build.tokens, shapes.vocabulary, role=Role.OUTPUT)
    build.add(LinearStoreOp(logits, tensor, dims=(1,), when=build.when, round_dim=0))
    next_token(build, logits)
