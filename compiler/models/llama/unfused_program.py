"""A checkpoint compiled for a fabric operator by operator: the baseline that the fused decoder is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from weft.compiler.backend.memory import Region
from weft.compiler.backend.shared_memory import share_memory
from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.compile import CompiledProgram, compile_mapped, map_program
from weft.compiler.mapped.tensor import TensorOp
from weft.compiler.models.llama.decoder_program import check_context
from weft.compiler.models.llama.unfused import head_operators, layer_operators
from weft.hw.spec import FabricSpec

__all__ = ["CompiledUnfused", "compile_unfused"]


@dataclass(frozen=True)
class CompiledUnfused:
    """The programs of a layer's operators and of the head's, each by its name, in the order of their launches.

    They take the fabric's contexts in turn. ``tensors`` are those of all, ``memory_bytes`` is a power of two.
    """

    config: LlamaConfig
    context: int
    spec: FabricSpec
    layer: dict[str, CompiledProgram]
    head: dict[str, CompiledProgram]
    tensors: dict[str, TensorOp]
    regions: dict[str, Region]
    memory_bytes: int
    sequences: int = 1

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
        for layer in range(self.config.layers):
            for name, program in self.layer.items():
                yield f"layer {layer} {name}", program, program.arguments({"position": position, "layer": layer})
        for name, program in self.head.items():
            yield name, program, program.arguments({})


def compile_unfused(config: LlamaConfig, spec: FabricSpec, *, context: int | None = None) -> CompiledUnfused:
    """Compile a model for ``context`` positions (by default as many as it was trained for).

    Raises
    ------
    WeftError
        A context that is not 1 to the model's, or an operator that does not fit the fabric.
    """
    positions = check_context(config, context)
    layer, head = layer_operators(config, positions), head_operators(config, positions)
    programs = {**layer, **head}
    mapped = {name: map_program(program, spec) for name, program in programs.items()}
    memory = share_memory([*mapped.values()], spec)
    compiled = {
        name: compile_mapped(
            programs[name], module, spec, context=number % spec.contexts, regions=memory.by_program[number]
        )
        for number, (name, module) in enumerate(mapped.items())
    }
    return CompiledUnfused(
        config,
        positions,
        spec,
        {name: compiled[name] for name in layer},
        {name: compiled[name] for name in head},
        memory.tensors,
        memory.regions,
        memory.size,
    )
