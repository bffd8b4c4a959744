"""Final norm and output head as a `step` program."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from compiler.decoder.builder import Builder
from compiler.decoder.shapes import DecoderShapes
from compiler.step.buffers import RecallOp, ResidentOp
from compiler.step.offchip import LinearLoadOp, LinearStoreOp, Role
from compiler.step.types import Kind, StreamType

__all__ = ["head_module"]


def head_module(shapes: DecoderShapes) -> ModuleOp:
    """The program that turns what the last layer kept into logits."""
    build = Builder(shapes)
    resident = build.add(ResidentOp("residual", (shapes.hidden,)))
    row = StreamType.make(Kind.VECTOR, (shapes.hidden,))
    load = build.add(LinearLoadOp(build.tensor("final_norm", shapes.hidden), row, done=True))
    assert load.done is not None
    # The weights wait in a buffer: their load must be over for its token to fetch what they are to scale.
    weight = build.fifo(load.result, "norm_weight")
    hidden = build.add(RecallOp(resident, load.done), "hidden").result
    normal = build.norm(hidden, build.fifo(hidden, "hidden_again"), weight, "norm")
    rows = shapes.config.hidden_size
    scalars = build.scalars(normal, rows, repeat=shapes.groups(shapes.vocabulary), hint="norm_scalars")
    logits = build.product(rows, shapes.vocabulary, "lm_head", scalars)
    build.add(LinearStoreOp(logits, build.tensor("logits", shapes.vocabulary, role=Role.OUTPUT)))
    build.module.verify()
    return build.module
