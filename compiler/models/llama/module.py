"""A whole decoder: one position a launch, several one after the other, or several of a prompt."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.offchip import SinkOp
from weft.compiler.models.llama.builder import Builder
from weft.compiler.models.llama.head import add_head
from weft.compiler.models.llama.layer import add_layer
from weft.compiler.models.llama.rows import RowsBuilder
from weft.compiler.models.llama.shapes import DecoderShapes

__all__ = ["decoder_module", "prefill_module"]


def decoder_module(shapes: DecoderShapes, *, tokens: int = 0) -> ModuleOp:
    """The program of all layers and the head, for one position of one sequence or of several.

    Its launch arguments are :class:`~weft.compiler.models.llama.shapes.Argument`. With ``tokens`` a launch makes up to
    so many for one sequence, one after the other: it looks up the embedding of each, and gives the likeliest next token
    to the next round.
    """
    build = Builder(shapes, tokens=tokens) if shapes.rows == 1 else RowsBuilder(shapes)
    add_head(build, add_layer(build))
    build.module.verify()
    return build.module


def prefill_module(shapes: DecoderShapes) -> ModuleOp:
    """The program of all layers for ``shapes.rows`` positions: it fills the caches, and has no head.

    Tensors of the same name are those of :func:`decoder_module`.
    """
    build = RowsBuilder(shapes)
    last = build.add(BufferizeOp(add_layer(build), rank=2, when="last"))
    # Nobody needs what the last layer gives, but the launch must not end while it is on its way.
    build.add(SinkOp(build.add(StreamifyOp(last.result), "last_layer").result, when="last"))
    build.module.verify()
    return build.module
