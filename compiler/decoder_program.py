"""A checkpoint compiled for a fabric: the layer's and the head's program, and where everything lies in memory."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.buffering import Launches
from compiler.decoder import Argument, DecoderShapes, head_module, layer_module
from compiler.errors import WeftError
from compiler.llama_config import LlamaConfig
from compiler.memory import Region, allocate, row_beats
from compiler.program import CompiledProgram, compile_module, tensors_of
from hw.spec import FabricSpec

__all__ = ["CompiledDecoder", "compile_decoder"]

_GLOBAL = ("embedded", "cos", "sin")
"""Tensors of the layer's program that all layers share."""


@dataclass(frozen=True)
class CompiledDecoder:
    """Both programs of a decoder; they share the buffer ``residual``, in the same tile.

    ``layer_stride`` is the bytes from one layer's weights and cache to the next's, ``memory_bytes`` a power of two.
    """

    shapes: DecoderShapes
    spec: FabricSpec
    layer: CompiledProgram
    head: CompiledProgram
    layer_stride: int
    memory_bytes: int

    def region(self, name: str) -> Region:
        """Where a tensor lies (of layer 0)."""
        return (self.layer.regions | self.head.regions)[name]

    def layer_arguments(self, layer: int, position: int) -> dict[int, int]:
        """Launch arguments for one layer at one position, from 0."""
        return {
            Argument.LAYER: layer * self.layer_stride,
            Argument.KEY_ROW: position * self.region("keys").strides[1],
            Argument.VALUE_ROW: position * self.region("values").strides[1],
            Argument.ROTARY_ROW: position * self.region("cos").strides[0],
            **_lengths(self.shapes, first=layer == 0, context=position + 1),
        }


def _lengths(shapes: DecoderShapes, *, first: bool, context: int) -> dict[int, int]:
    """The arguments of a layer that decide how many beats there are."""
    beats = row_beats(shapes.config.hidden_size, shapes.spec, packed=False)
    return {
        Argument.CONTEXT: context,
        Argument.RESIDENT: 0 if first else 1,
        Argument.EMBEDDED: beats if first else 0,
    }


def compile_decoder(config: LlamaConfig, spec: FabricSpec, *, context: int | None = None) -> CompiledDecoder:
    """Compile a model for ``context`` positions (by default as many as it was trained for).

    Raises
    ------
    WeftError
        A context that is not 1 to the model's.
        It does not fit the fabric; the sentence says what is missing and the smallest change that would fit it.
    """
    if spec.contexts < 2:
        raise WeftError(
            f"contexts must be at least 2 for a decoder (layer and head), not {spec.contexts}: set contexts=2"
        )
    if spec.arguments < max(Argument):
        raise WeftError(f"arguments must be at least {max(Argument):d} for a decoder, not {spec.arguments}")
    shapes = DecoderShapes(config, spec, config.max_position_embeddings if context is None else context)
    layer, head = layer_module(shapes), head_module(shapes)
    repeated = [tensor for tensor in tensors_of(layer) if tensor.sym_name.data not in _GLOBAL]
    shared = [tensor for tensor in tensors_of(layer) if tensor.sym_name.data in _GLOBAL]
    regions, stride = allocate(repeated, spec, repeat=config.layers)
    base = config.layers * stride
    for tensors in (shared, tensors_of(head)):
        more, size = allocate(tensors, spec, base=base)
        regions |= more
        base += size
    lengths = [_lengths(shapes, first=first, context=n) for n in (shapes.context, 1) for first in (True, False)]
    first = compile_module(layer, spec, context=0, regions=regions, launches=Launches((*lengths,)))
    pins = {"residual": first.mapping.tiles["residual"]}
    second = compile_module(head, spec, context=1, regions=regions, pins=pins)
    return CompiledDecoder(shapes, spec, first, second, stride, max(1 << 16, 1 << (base - 1).bit_length()))
