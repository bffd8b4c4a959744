"""A checkpoint compiled for a fabric: its programs, and where everything lies in memory."""

from __future__ import annotations

from dataclasses import dataclass, replace

from compiler.buffering import Launches
from compiler.decoder import GATE_UP, Argument, DecoderShapes, decoder_module, prefill_module
from compiler.errors import WeftError
from compiler.llama_config import LlamaConfig
from compiler.memory import Region, allocate
from compiler.program import CompiledProgram, compile_module, tensors_of
from compiler.step.loop import MOST_TURNS
from hw.spec import FabricSpec

__all__ = ["CompiledDecoder", "CompiledPrefill", "compile_decoder"]

_PREFILL_CONTEXT = 1


@dataclass(frozen=True)
class CompiledPrefill:
    """The program that takes ``shapes.rows`` tokens of a prompt in one launch."""

    shapes: DecoderShapes
    program: CompiledProgram

    def arguments(self, position: int) -> dict[int, int]:
        """Launch arguments for positions from ``position`` on."""
        shapes, regions = self.shapes, self.program.regions
        return {
            **_row_arguments(regions, position),
            Argument.CONTEXT: position + shapes.rows,
            Argument.MASK_ROW: (shapes.context - shapes.rows - position) * regions["mask"].strides[0],
        }


@dataclass(frozen=True)
class CompiledDecoder:
    """The program of a decoder, of which a launch processes a position, and if it can be one for prompts.

    If ``tokens`` is not 0 a launch can instead make up to so many tokens by itself, and takes each from memory.
    ``memory_bytes`` is a power of two. ``no_prefill`` says why there is none for prompts.
    """

    shapes: DecoderShapes
    spec: FabricSpec
    program: CompiledProgram
    memory_bytes: int
    prefill: CompiledPrefill | None = None
    no_prefill: str = ""
    tokens: int = 0

    def region(self, name: str) -> Region:
        """Where a tensor lies (of layer 0)."""
        return self.program.regions[name]

    def arguments(self, position: int, tokens: int = 1) -> dict[int, int]:
        """Launch arguments for a position, from 0, or for ``tokens`` of them from there on."""
        arguments = {**_row_arguments(self.program.regions, position), Argument.CONTEXT: position + 1}
        return {**arguments, Argument.TOKENS: tokens} if self.tokens else arguments


def _row_arguments(regions: dict[str, Region], position: int) -> dict[int, int]:
    return {
        Argument.KEY_ROW: position * regions["keys"].strides[1],
        Argument.VALUE_ROW: position * regions["values"].strides[1],
        Argument.ROTARY_ROW: position * regions["cos"].strides[0],
    }


def compile_decoder(
    config: LlamaConfig, spec: FabricSpec, *, context: int | None = None, prefill: bool = False, tokens: int = 0
) -> CompiledDecoder:
    """Compile a model for ``context`` positions (by default as many as it was trained for).

    With ``prefill`` a program for prompts is made as well, if the fabric can hold one. With ``tokens`` a launch can
    make up to so many tokens.

    Raises
    ------
    WeftError
        A context that is not 1 to the model's, too many layers, or more tokens than the context has positions.
        It does not fit the fabric; the sentence says what is missing and the smallest change that would fit it.
    """
    if spec.arguments < max(Argument):
        raise WeftError(f"arguments must be at least {max(Argument):d} for a decoder, not {spec.arguments}")
    if config.layers > MOST_TURNS:
        raise WeftError(f"num_hidden_layers must be at most {MOST_TURNS}, the turns of a launch, not {config.layers}")
    shapes = DecoderShapes(config, spec, config.max_position_embeddings if context is None else context)
    if not 0 <= tokens <= shapes.context:
        raise WeftError(f"tokens must be 0 to the context = {shapes.context}, not {tokens}")
    module = decoder_module(shapes, tokens=tokens)
    tensors = tensors_of(module)
    of_prefill, reason = _prefill_shapes(shapes) if prefill else (None, "it was not asked for")
    if of_prefill is not None:
        known = {tensor.sym_name.data for tensor in tensors} | {GATE_UP}
        tensors += [each for each in tensors_of(prefill_module(of_prefill)) if each.sym_name.data not in known]
    regions, size = allocate(tensors, spec, turns=config.layers)
    program = compile_module(module, spec, regions=regions, launches=_launches(shapes))
    memory_bytes = max(1 << 16, 1 << (size - 1).bit_length())
    compiled = CompiledDecoder(shapes, spec, program, memory_bytes, no_prefill=reason, tokens=tokens)
    if of_prefill is None:
        return compiled
    try:
        return replace(compiled, prefill=_compile_prefill(of_prefill, spec, regions))
    except WeftError as error:
        return replace(compiled, no_prefill=str(error))


def _launches(shapes: DecoderShapes) -> Launches:
    sizes = sorted({shapes.context, shapes.rows}, reverse=True)
    return Launches(tuple({Argument.CONTEXT: positions} for positions in sizes))


def _prefill_shapes(shapes: DecoderShapes) -> tuple[DecoderShapes | None, str]:
    """As many rows as a PCU has stages, or as buffers and accumulators hold; or None, and why."""
    spec, reason = shapes.spec, "a launch takes one row"
    if spec.contexts <= _PREFILL_CONTEXT:
        return (
            None,
            f"contexts must be at least {_PREFILL_CONTEXT + 1} for a program of several rows, not {spec.contexts}",
        )
    for rows in range(min(spec.stages, spec.lanes, shapes.context), 1, -1):
        try:
            return replace(shapes, rows=rows), ""
        except WeftError as error:
            reason = str(error)
    return None, reason


def _compile_prefill(shapes: DecoderShapes, spec: FabricSpec, regions: dict[str, Region]) -> CompiledPrefill:
    gate, up = regions["gate"], regions["up"]
    both = up.base - gate.base
    strides = (both, *(0,) * (3 - len(gate.strides)), *gate.strides)
    span = both + up.span
    regions = {**regions, GATE_UP: Region(gate.base, span, strides, span, gate.turn_stride)}
    program = compile_module(
        prefill_module(shapes), spec, context=_PREFILL_CONTEXT, regions=regions, launches=_launches(shapes)
    )
    return CompiledPrefill(shapes, program)
