"""Final norm and output head as part of a `step` program."""

from __future__ import annotations

from xdsl.ir import SSAValue

from compiler.decoder.builder import Builder
from compiler.step.buffers import BufferizeOp, StreamifyOp
from compiler.step.onchip import stream

__all__ = ["add_head"]


def add_head(build: Builder, residual: SSAValue) -> None:
    """Turn what the last layer gives into logits."""
    shapes, build.when = build.shapes, "last"
    final = build.add(BufferizeOp(residual, rank=stream(residual).rank, when=build.when))
    hidden = build.add(StreamifyOp(final.result), "final").result
    normal = build.norm(hidden, build.fifo(hidden, "final_again"), build.vector("final_norm", shapes.hidden), "norm_3")
    build.logits(build.scalars(normal, shapes.hidden, repeat=shapes.groups(shapes.vocabulary), hint="norm_3_scalars"))
