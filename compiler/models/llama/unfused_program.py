"""A checkpoint compiled for a fabric operator by operator: the baseline that the fused decoder is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.buffering import Launches
from weft.compiler.backend.memory import Region, allocate
from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.compile import CompiledProgram, compile_module, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped.tensor import TensorOp
from weft.compiler.models.llama import Argument, DecoderShapes
from weft.compiler.models.llama.decoder_program import row_arguments
from weft.compiler.models.llama.operator import LAYER
from weft.compiler.models.llama.unfused import head_operators, layer_operators
from weft.hw.spec import FabricSpec

__all__ = ["CompiledUnfused", "compile_unfused"]


@dataclass(frozen=True)
class CompiledUnfused:
    """The programs of a layer's operators and of the head's, each by its name, in the order of their launches.

    They take the fabric's contexts in turn. ``tensors`` are those of all, ``memory_bytes`` is a power of two.
    """

    shapes: DecoderShapes
    spec: FabricSpec
    layer: dict[str, CompiledProgram]
    head: dict[str, CompiledProgram]
    tensors: dict[str, TensorOp]
    regions: dict[str, Region]
    memory_bytes: int

    @property
    def prefill(self) -> None:
        """There is no program for prompts."""

    @property
    def entry(self) -> str:
        """The tensor that takes the embedding of a token."""
        return "hidden"

    @property
    def programs(self) -> dict[str, CompiledProgram]:
        """All programs by their names."""
        return {**self.layer, **self.head}

    def launches(self, position: int) -> Iterator[tuple[str, CompiledProgram, dict[int, int]]]:
        """Name, program and arguments of every launch for a position, from 0."""
        arguments = {**row_arguments(self.regions, position), Argument.CONTEXT: position + 1}
        for layer in range(self.shapes.config.layers):
            place = layer * self.regions["keys"].turn_stride
            for name, program in self.layer.items():
                yield f"layer {layer} {name}", program, {**arguments, LAYER: place}
        for name, program in self.head.items():
            yield name, program, {**arguments, LAYER: 0}


def compile_unfused(config: LlamaConfig, spec: FabricSpec, *, context: int | None = None) -> CompiledUnfused:
    """Compile a model for ``context`` positions (by default as many as it was trained for).

    Raises
    ------
    WeftError
        A context that is not 1 to the model's, or an operator that does not fit the fabric.
    """
    if spec.arguments < LAYER:
        raise WeftError(f"arguments must be at least {LAYER} for a decoder's operators, not {spec.arguments}")
    shapes = DecoderShapes(config, spec, config.max_position_embeddings if context is None else context)
    layer, head = layer_operators(shapes), head_operators(shapes)
    tensors: dict[str, TensorOp] = {}
    for module in (*layer.values(), *head.values()):
        for tensor in tensors_of(module):
            tensors.setdefault(tensor.sym_name.data, tensor)
    regions, size = allocate(list(tensors.values()), spec, turns=config.layers)
    launches = Launches(tuple({Argument.CONTEXT: positions} for positions in sorted({shapes.context, 1}, reverse=True)))
    number = count()

    def compiled(modules: dict[str, ModuleOp]) -> dict[str, CompiledProgram]:
        return {
            name: compile_module(module, spec, context=next(number) % spec.contexts, regions=regions, launches=launches)
            for name, module in modules.items()
        }

    memory_bytes = max(1 << 16, 1 << (size - 1).bit_length())
    return CompiledUnfused(shapes, spec, compiled(layer), compiled(head), tensors, regions, memory_bytes)
