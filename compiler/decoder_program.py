"""A checkpoint compiled for a fabric: its program, and where everything lies in memory."""

from __future__ import annotations

from dataclasses import dataclass

from compiler.buffering import Launches
from compiler.decoder import Argument, DecoderShapes, decoder_module
from compiler.errors import WeftError
from compiler.llama_config import LlamaConfig
from compiler.memory import Region, allocate
from compiler.program import CompiledProgram, compile_module, tensors_of
from compiler.step.loop import MOST_TURNS
from hw.spec import FabricSpec

__all__ = ["CompiledDecoder", "compile_decoder"]


@dataclass(frozen=True)
class CompiledDecoder:
    """The program of a decoder, of which a launch processes a position. ``memory_bytes`` is a power of two."""

    shapes: DecoderShapes
    spec: FabricSpec
    program: CompiledProgram
    memory_bytes: int

    def region(self, name: str) -> Region:
        """Where a tensor lies (of layer 0)."""
        return self.program.regions[name]

    def arguments(self, position: int) -> dict[int, int]:
        """Launch arguments for a position, from 0."""
        return {
            Argument.KEY_ROW: position * self.region("keys").strides[1],
            Argument.VALUE_ROW: position * self.region("values").strides[1],
            Argument.ROTARY_ROW: position * self.region("cos").strides[0],
            Argument.CONTEXT: position + 1,
        }


def compile_decoder(config: LlamaConfig, spec: FabricSpec, *, context: int | None = None) -> CompiledDecoder:
    """Compile a model for ``context`` positions (by default as many as it was trained for).

    Raises
    ------
    WeftError
        A context that is not 1 to the model's, or too many layers.
        It does not fit the fabric; the sentence says what is missing and the smallest change that would fit it.
    """
    if spec.arguments < max(Argument):
        raise WeftError(f"arguments must be at least {max(Argument):d} for a decoder, not {spec.arguments}")
    if config.layers > MOST_TURNS:
        raise WeftError(f"num_hidden_layers must be at most {MOST_TURNS}, the turns of a launch, not {config.layers}")
    shapes = DecoderShapes(config, spec, config.max_position_embeddings if context is None else context)
    module = decoder_module(shapes)
    regions, size = allocate(tensors_of(module), spec, turns=config.layers)
    launches = Launches(tuple({Argument.CONTEXT: positions} for positions in sorted({shapes.context, 1}, reverse=True)))
    program = compile_module(module, spec, regions=regions, launches=launches)
    return CompiledDecoder(shapes, spec, program, max(1 << 16, 1 << (size - 1).bit_length()))
