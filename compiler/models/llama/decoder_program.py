"""A checkpoint compiled for a fabric: its programs, and where everything lies in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from weft.compiler.backend.buffering import Launches
from weft.compiler.backend.memory import Region, allocate
from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.compile import CompiledProgram, compile_module, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import MOST_TURNS
from weft.compiler.mapped.tensor import TensorOp
from weft.compiler.models.llama import GATE_UP, Argument, DecoderShapes, decoder_module, prefill_module
from weft.hw.spec import FabricSpec

__all__ = ["CompiledDecoder", "CompiledPrefill", "compile_decoder", "row_arguments"]

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
            **row_arguments(regions, position),
            Argument.CONTEXT: position + shapes.rows,
            Argument.MASK_ROW: (shapes.context - shapes.rows - position) * regions["mask"].strides[0],
        }


@dataclass(frozen=True)
class CompiledDecoder:
    """The program of a decoder, of which a launch processes a position, and if it can be one for prompts.

    With ``shapes.sequences`` it is a position of each of several sequences. If ``tokens`` is not 0 a launch makes up to
    so many tokens by itself, and takes each from memory. ``tensors`` are those of memory, which has ``memory_bytes``, a
    power of two. ``no_prefill`` says why there is no program for prompts.
    """

    shapes: DecoderShapes
    spec: FabricSpec
    program: CompiledProgram
    tensors: dict[str, TensorOp]
    memory_bytes: int
    prefill: CompiledPrefill | None = None
    no_prefill: str = ""
    tokens: int = 0

    @property
    def programs(self) -> dict[str, CompiledProgram]:
        """The program, and that for prompts."""
        return {"decoder": self.program, **({} if self.prefill is None else {"prefill": self.prefill.program})}

    @property
    def entry(self) -> str:
        """The tensor that takes the embedding of a token, or of one of each sequence."""
        return "embedded" if self.shapes.rows == 1 else "embedded_rows"

    @property
    def regions(self) -> dict[str, Region]:
        """Where the tensors lie (those of layer 0)."""
        return self.program.regions

    def region(self, name: str) -> Region:
        """Where a tensor lies (of layer 0)."""
        return self.regions[name]

    def launches(self, position: int) -> Iterator[tuple[str, CompiledProgram, dict[int, int]]]:
        """Name, program and arguments of the launch for a position, from 0."""
        yield "decoder", self.program, self.arguments(position)

    def arguments(self, position: int, tokens: int = 1) -> dict[int, int]:
        """Launch arguments for a position, from 0, or for ``tokens`` of them from there on."""
        arguments = {**row_arguments(self.program.regions, position), Argument.CONTEXT: position + 1}
        return {**arguments, Argument.TOKENS: tokens} if self.tokens else arguments


def row_arguments(regions: dict[str, Region], position: int) -> dict[int, int]:
    """Launch arguments that lead to the rows of a position."""
    return {
        Argument.KEY_ROW: position * regions["keys"].strides[-2],
        Argument.VALUE_ROW: position * regions["values"].strides[-2],
        Argument.ROTARY_ROW: position * regions["cos"].strides[0],
    }


def compile_decoder(
    config: LlamaConfig,
    spec: FabricSpec,
    *,
    context: int | None = None,
    prefill: bool = False,
    sequences: int = 1,
    tokens: int = 0,
) -> CompiledDecoder:
    """Compile a model for ``context`` positions (by default as many as it was trained for).

    With ``prefill`` a program for prompts is made as well, if the fabric can hold one. A launch takes a token of each
    of ``sequences``; for several there is none for prompts. With ``tokens`` a launch can make up to so many, for one
    sequence.

    Raises
    ------
    WeftError
        A context that is not 1 to the model's, too many layers, more sequences than a PCU has stages or lanes, or more
        tokens than the context has positions.
        It does not fit the fabric; the sentence says what is missing and the smallest change that would fit it.
    """
    if spec.arguments < max(Argument):
        raise WeftError(f"arguments must be at least {max(Argument):d} for a decoder, not {spec.arguments}")
    if config.layers > MOST_TURNS:
        raise WeftError(f"num_hidden_layers must be at most {MOST_TURNS}, the turns of a launch, not {config.layers}")
    most = min(spec.stages, spec.lanes)
    if not 1 <= sequences <= most:
        raise WeftError(f"sequences must be 1 to {most}, stages and lanes of fabric {spec.name!r}, not {sequences}")
    single = DecoderShapes(config, spec, config.max_position_embeddings if context is None else context)
    if not 0 <= tokens <= single.context:
        raise WeftError(f"tokens must be 0 to the context = {single.context}, not {tokens}")
    if tokens and sequences > 1:
        raise WeftError(f"sequences must be 1 where a launch makes several tokens, not {sequences}")
    shapes = single if sequences == 1 else replace(single, rows=sequences, sequences=True)
    of_prefill, reason = _prefill_shapes(shapes) if prefill and sequences == 1 else (None, "it was not asked for")
    module = decoder_module(shapes, tokens=tokens)
    modules = [module]
    if sequences > 1:
        modules.append(decoder_module(single))
    elif of_prefill is not None:
        modules.append(prefill_module(of_prefill))
    tensors: dict[str, TensorOp] = {}
    for tensor in (tensor for each in modules for tensor in tensors_of(each)):
        tensors.setdefault(tensor.sym_name.data, tensor)
    tensors.pop(GATE_UP, None)
    regions, size = allocate(list(tensors.values()), spec, turns=config.layers)
    regions = {**regions, GATE_UP: _side_by_side(regions["gate"], regions["up"])}
    program = compile_module(module, spec, regions=regions, launches=_launches(shapes))
    memory_bytes = max(1 << 16, 1 << (size - 1).bit_length())
    compiled = CompiledDecoder(shapes, spec, program, tensors, memory_bytes, no_prefill=reason, tokens=tokens)
    if of_prefill is None:
        return compiled
    try:
        program = compile_module(
            modules[1], spec, context=_PREFILL_CONTEXT, regions=regions, launches=_launches(of_prefill)
        )
    except WeftError as error:
        return replace(compiled, no_prefill=str(error))
    return replace(compiled, prefill=CompiledPrefill(of_prefill, program))


def _side_by_side(gate: Region, up: Region) -> Region:
    """Both tensors as one [2, groups, rows, columns]."""
    both = up.base - gate.base
    strides = (both, *(0,) * (3 - len(gate.strides)), *gate.strides)
    return Region(gate.base, both + up.size, strides, both + up.span, gate.turn_stride)


def _launches(shapes: DecoderShapes) -> Launches:
    sizes = sorted({shapes.context, shapes.positions}, reverse=True)
    return Launches(tuple({Argument.CONTEXT: positions} for positions in sizes))


def _prefill_shapes(shapes: DecoderShapes) -> tuple[DecoderShapes | None, str]:
    """As many rows as a PCU has stages, or as buffers and accumulators hold; or None, and why."""
    spec, reason = shapes.spec, "a launch takes one row"
    if spec.contexts <= _PREFILL_CONTEXT:
        needed = _PREFILL_CONTEXT + 1
        return None, f"contexts must be at least {needed} for a program of several rows, not {spec.contexts}"
    for rows in range(min(spec.stages, spec.lanes, shapes.context), 1, -1):
        try:
            return replace(shapes, rows=rows), ""
        except WeftError as error:
            reason = str(error)
    return None, reason
