"""A checkpoint compiled for a fabric: its programs, and where everything lies in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.memory import Region
from weft.compiler.backend.shared_memory import share_memory
from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.choosing import Choice, choose, spreads_of
from weft.compiler.compile import CompiledProgram, compile_mapped, map_program
from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import MOST_TURNS
from weft.compiler.mapped.tensor import TensorOp
from weft.compiler.models.llama.program import decode_program, prefill_program
from weft.compiler.passes.sharding import Spread
from weft.hw.spec import FabricSpec

__all__ = ["CompiledDecoder", "CompiledPrefill", "check_context", "compile_decoder"]

_PREFILL_CONTEXT = 1


@dataclass(frozen=True)
class CompiledPrefill:
    """The program that takes ``rows`` tokens of a prompt in one launch."""

    rows: int
    program: CompiledProgram

    def arguments(self, position: int) -> dict[int, int]:
        """Launch arguments for positions from ``position`` on."""
        return self.program.arguments({"position": position})


@dataclass(frozen=True)
class CompiledDecoder:
    """The program of a decoder, of which a launch processes a position, and if it can be one for prompts.

    A launch takes a position of each of ``sequences``. If ``tokens`` is not 0 a launch makes up to so many tokens by
    itself, and takes each from memory. ``tensors`` are those of memory, which has ``memory_bytes``, a power of two.
    ``no_prefill`` says why there is no program for prompts.
    """

    config: LlamaConfig
    context: int
    spec: FabricSpec
    program: CompiledProgram
    tensors: dict[str, TensorOp]
    regions: dict[str, Region]
    memory_bytes: int
    sequences: int = 1
    tokens: int = 0
    prefill: CompiledPrefill | None = None
    no_prefill: str = ""
    choice: Choice | None = None
    """What else was tried, where the compiler chose the spread."""

    @property
    def programs(self) -> dict[str, CompiledProgram]:
        """The program, and that for prompts."""
        return {"decoder": self.program, **({} if self.prefill is None else {"prefill": self.prefill.program})}

    @property
    def entry(self) -> str:
        """The tensor that takes the embedding of a token, or of one of each sequence."""
        return "embedded" if self.sequences == 1 else "embedded_rows"

    def launches(self, position: int) -> Iterator[tuple[str, CompiledProgram, dict[int, int]]]:
        """Name, program and arguments of the launch for a position, from 0."""
        yield "decoder", self.program, self.arguments(position)

    def arguments(self, position: int, tokens: int = 1) -> dict[int, int]:
        """Launch arguments for a position, from 0, or for ``tokens`` of them from there on."""
        return self.program.arguments({"position": position, **({"count": tokens} if self.tokens else {})})


def check_context(config: LlamaConfig, context: int | None) -> int:
    """The positions to compile for, by default as many as the model was trained for.

    Raises
    ------
    WeftError
        A context that is not 1 to the model's.
    """
    most = config.max_position_embeddings
    if context is None:
        return most
    if not 1 <= context <= most:
        raise WeftError(f"context must be 1 to max_position_embeddings = {most}, not {context}")
    return context


def compile_decoder(
    config: LlamaConfig,
    spec: FabricSpec,
    *,
    context: int | None = None,
    prefill: bool = False,
    sequences: int = 1,
    tokens: int = 0,
    spread: Spread | None = None,
    after: Callable[[str, ModuleOp], None] | None = None,
) -> CompiledDecoder:
    """Compile a model for ``context`` positions (by default as many as it was trained for).

    With ``prefill`` a program for prompts is made as well, if the fabric can hold one. A launch takes a token of each
    of ``sequences``; for several there is none for prompts. With ``tokens`` a launch can make up to so many, for one
    sequence. ``spread`` says over how many parts of the fabric the programs go; by default, where there are several
    channels, what :func:`weft.compiler.choosing.choose` finds. ``after`` sees what each pass makes of the decoder's
    program.

    Raises
    ------
    WeftError
        A context that is not 1 to the model's, too many layers, more sequences than a PCU has stages or lanes, or more
        tokens than the context has positions.
        It does not fit the fabric; the sentence says what is missing and the smallest change that would fit it.
    """
    positions = check_context(config, context)
    if config.layers > MOST_TURNS:
        raise WeftError(f"num_hidden_layers must be at most {MOST_TURNS}, the turns of a launch, not {config.layers}")
    most = min(spec.stages, spec.lanes)
    if not 1 <= sequences <= most:
        raise WeftError(f"sequences must be 1 to {most}, stages and lanes of fabric {spec.name!r}, not {sequences}")
    if not 0 <= tokens <= positions:
        raise WeftError(f"tokens must be 0 to the context = {positions}, not {tokens}")
    if tokens and sequences > 1:
        raise WeftError(f"sequences must be 1 where a launch makes several tokens, not {sequences}")
    program = decode_program(config, positions, sequences=sequences, tokens=tokens)

    if spread is not None or spec.channels == 1:
        return _compiled(config, spec, program, spread or Spread(), positions, prefill, sequences, tokens, after)
    made: dict[Spread, CompiledDecoder] = {}

    def tried(spread: Spread) -> CompiledProgram:
        if spread not in made:
            made[spread] = _compiled(config, spec, program, spread, positions, prefill, sequences, tokens, None)
        return made[spread].program

    def with_prompts(spread: Spread) -> CompiledProgram:
        found = tried(spread)
        if made[spread].prefill is None:
            raise WeftError(f"leaves no room for prompts: {made[spread].no_prefill}")
        return found

    sizes = {"position": positions // 2, **({"count": 1} if tokens else {})}
    spreads = spreads_of(spec, _limits(config, spec))
    prompts = prefill and sequences == 1 and _prefill_rows(spec, positions)[0] > 1
    try:
        choice = choose(program, spec, spreads, sizes, with_prompts if prompts else tried)
    except WeftError:
        if not prompts:
            raise
        choice = choose(program, spec, spreads, sizes, tried)
    if after is not None:  # of the chosen one alone
        map_program(program, spec, spread=choice.chosen.spread, after=after)
    return replace(made[choice.chosen.spread], choice=choice)


def _limits(config: LlamaConfig, spec: FabricSpec) -> list[dict[str, int]]:
    """Plans that need fewer tiles than a shard of everything for each channel: fewer of attention and the head."""
    limits: list[dict[str, int]] = []
    heads = min(config.kv_heads, spec.channels)
    while heads > 1:
        heads = (heads + 1) // 2
        attention, head = {"keys": heads, "values": heads}, {"lm_head": 1, "logits": 1}
        limits += [attention, attention | head, attention | {"qkv": heads, "o_proj": heads}]
        limits.append(limits[-1] | head)
    return limits


def _compiled(
    config: LlamaConfig,
    spec: FabricSpec,
    program: ModuleOp,
    spread: Spread,
    positions: int,
    prefill: bool,
    sequences: int,
    tokens: int,
    after: Callable[[str, ModuleOp], None] | None,
) -> CompiledDecoder:
    mapped = [map_program(program, spec, spread=spread, after=after)]
    rows, prompts, reason = 0, None, "it was not asked for"
    if prefill and sequences == 1:
        rows, reason = _prefill_rows(spec, positions)
    while rows > 1 and prompts is None:
        prompts = prefill_program(config, positions, rows)
        try:
            mapped.append(map_program(prompts, spec, spread=spread.within(prompts)))
        except WeftError as error:  # accumulators and buffers may hold fewer rows
            prompts, rows, reason = None, rows - 1, str(error)
    try:
        memory = share_memory(mapped, spec)
    except WeftError as error:  # what is cut for one row may be cut otherwise for several
        prompts, reason, memory = None, str(error), share_memory(mapped[:1], spec)
    compiled, several = compile_mapped(program, mapped[0], spec, regions=memory.by_program[0]), None
    if prompts is not None:
        try:
            several = compile_mapped(prompts, mapped[1], spec, context=_PREFILL_CONTEXT, regions=memory.by_program[1])
        except WeftError as error:
            reason = str(error)
    return CompiledDecoder(
        config,
        positions,
        spec,
        compiled,
        memory.tensors,
        memory.regions,
        memory.size,
        sequences=sequences,
        tokens=tokens,
        prefill=None if several is None else CompiledPrefill(rows, several),
        no_prefill=reason,
    )


def _prefill_rows(spec: FabricSpec, context: int) -> tuple[int, str]:
    """How many rows of a prompt share the weights; or 0, and why."""
    needed, rows = _PREFILL_CONTEXT + 1, min(spec.stages, spec.lanes, context)
    if spec.contexts < needed:
        return 0, f"contexts must be at least {needed} for a program of several rows, not {spec.contexts}"
    return (rows, "") if rows > 1 else (0, "a launch takes one row")
