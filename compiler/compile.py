"""A program compiled for a fabric: where its tensors and units lie, and its image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import islice, product

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.buffering import Launches, fit_with_buffers, launches_of
from weft.compiler.backend.buffering.tracing import trace
from weft.compiler.backend.image import write_image
from weft.compiler.backend.mapping import Mapping
from weft.compiler.backend.memory import Region
from weft.compiler.backend.shared_memory import share_memory, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped.launch import arguments_of
from weft.compiler.passes.pipeline import run_passes
from weft.compiler.passes.sharding import Spread
from weft.compiler.passes.units import lower
from weft.compiler.step.check import check_program
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.loop import LoopOp
from weft.hw.spec import FabricSpec
from weft.hw.topology import Tile

__all__ = ["CompiledProgram", "compile_mapped", "compile_module", "compile_program", "map_program", "tensors_of"]


@dataclass(frozen=True)
class CompiledProgram:
    """A placed and routed program, and the image that configures ``context`` for it."""

    module: ModuleOp
    context: int
    regions: dict[str, Region]
    mapping: Mapping
    image: bytes
    program: ModuleOp | None = None
    """The logical program, where there is one."""
    unjudged: tuple[str, ...] = ()
    """What the check for deadlocks cannot judge, because data decide it."""
    fixed: MappingOf[str, int] = field(default_factory=dict[str, int])
    """Sizes that the image is for, where one image cannot serve all."""
    reason: str = ""
    """Why it cannot."""
    spread: Spread = field(default_factory=Spread)
    """Over how many parts of the fabric it goes."""

    def arguments(self, sizes: MappingOf[str, int]) -> dict[int, int]:
        """Launch arguments for sizes of the program's symbols.

        Raises
        ------
        WeftError
            A size that the image is not for.
        """
        for name, size in self.fixed.items():
            if sizes[name] != size:
                raise WeftError(f"size {name} must be {size}, which the program was compiled for, not {sizes[name]}")
        return arguments_of(self.module, sizes)


def compile_module(
    module: ModuleOp,
    spec: FabricSpec,
    *,
    context: int = 0,
    regions: dict[str, Region] | None = None,
    pins: MappingOf[str, Tile] | None = None,
    launches: Launches | None = None,
) -> CompiledProgram:
    """Lower a module, give it the buffers that it needs, place and route it.

    ``regions`` are its tensors' (by default one after the other from address 0), ``launches`` what its arguments can be
    (by default what :func:`weft.compiler.backend.buffering.launches_of` makes of its tensors).

    Raises
    ------
    WeftError
        It does not fit the fabric, or no fabric of this kind can do it, or it would deadlock for want of room.
    """
    if regions is None:
        (regions,) = share_memory([module], spec).by_program
    netlist = lower(module, spec, regions, pins=pins)
    mapping = fit_with_buffers(netlist, spec, launches_of(module, spec) if launches is None else launches)
    return CompiledProgram(module, context, regions, mapping, write_image(mapping, context, spec=spec))


def map_program(
    program: ModuleOp,
    spec: FabricSpec,
    *,
    sizes: MappingOf[str, int] | None = None,
    spread: Spread | None = None,
    after: Callable[[str, ModuleOp], None] | None = None,
) -> ModuleOp:
    """What the passes make of a logical program. ``after`` sees what each of them gives.

    With ``sizes`` it is for these alone; ``spread`` says over how many parts of the fabric it goes.

    Raises
    ------
    WeftError
        A rule that the program breaks, or what the fabric lacks.
    """
    check_program(program)
    return run_passes(program, spec, sizes=sizes or {}, spread=spread, after=after)


def compile_mapped(
    program: ModuleOp,
    mapped: ModuleOp,
    spec: FabricSpec,
    *,
    context: int = 0,
    sizes: MappingOf[str, int] | None = None,
    regions: dict[str, Region] | None = None,
) -> CompiledProgram:
    """Compile what :func:`map_program` made of a program, as :func:`compile_module` does.

    Raises
    ------
    WeftError
        What the fabric lacks.
    """
    fixed = sizes or {}
    tried = _launches(program, mapped, fixed)
    launches = Launches(tuple(arguments_of(mapped, each) for each in tried))
    compiled = compile_module(mapped, spec, context=context, regions=regions, launches=launches)
    return replace(compiled, program=program, unjudged=_unjudged(compiled, tried), fixed=fixed)


def compile_program(
    program: ModuleOp,
    spec: FabricSpec,
    *,
    context: int = 0,
    sizes: MappingOf[str, int] | None = None,
    spread: Spread | None = None,
    after: Callable[[str, ModuleOp], None] | None = None,
) -> CompiledProgram:
    """Compile a logical program: :func:`map_program`, then :func:`compile_mapped`.

    One image serves launches of all sizes. Where it cannot, because a rule forbids a size of 0 or a size that is not
    known when compiling, and ``sizes`` says what a launch brings, the image is for these sizes: for those of 0 if that
    is enough, else for all of them.

    Raises
    ------
    WeftError
        A rule that the program breaks, or what the fabric lacks.
    """

    def compiled_for(fixed: MappingOf[str, int]) -> CompiledProgram:
        mapped = map_program(program, spec, sizes=fixed, spread=spread, after=after)
        compiled = compile_mapped(program, mapped, spec, context=context, sizes=fixed)
        return compiled if spread is None else replace(compiled, spread=spread)

    largest = {op.sym_name.data: op.largest for op in program.ops if isinstance(op, DimensionOp)}
    known = {name: size for name, size in (sizes or {}).items() if 0 <= size <= largest.get(name, -1)}
    try:
        compiled = compiled_for({})
        if len(known) < len(largest):
            return compiled
        compiled.arguments(known)
    except WeftError as error:
        if not known:
            raise
        reason = refusal = error
    else:
        return compiled
    empty = {name: size for name, size in known.items() if not size}
    for fixed in ([empty] if 0 < len(empty) < len(known) else []) + [known]:
        try:
            compiled = compiled_for(fixed)
            if len(known) == len(largest):
                compiled.arguments(known)
        except WeftError as error:
            refusal = error
        else:
            return replace(compiled, reason=str(reason))
    raise refusal


_MOST_LAUNCHES = 64


def _launches(program: ModuleOp, mapped: ModuleOp, fixed: MappingOf[str, int]) -> list[dict[str, int]]:
    """Launches with every symbol at its largest, at 1 and at 0; of more than 64 the first, from the largest on."""
    values = {op.sym_name.data: {op.largest, 1, 0} for op in program.ops if isinstance(op, DimensionOp)}
    for op in program.ops:
        if isinstance(op, LoopOp) and op.rounds is not None:  # rounds are alike; a second one waits for the first
            values[op.rounds] = {min(2, max(values[op.rounds])), 1, 0}
    values |= {name: {size} for name, size in fixed.items()}
    found: list[dict[str, int]] = []
    for each in islice(product(*(sorted(each, reverse=True) for each in values.values())), _MOST_LAUNCHES):
        sizes = dict(zip(values, each, strict=True))
        with suppress(WeftError):  # a launch that would be refused
            arguments_of(mapped, sizes)
            found.append(sizes)
    return found


def _unjudged(compiled: CompiledProgram, launches: Sequence[MappingOf[str, int]]) -> tuple[str, ...]:
    """What data decide.

    Raises
    ------
    WeftError
        A launch that never ends, whatever the room in its buffers.
    """
    found: dict[str, None] = {}
    for sizes in launches:
        traced = trace(compiled.mapping.netlist, compiled.mapping.spec, compiled.arguments(sizes))
        if traced.endless:
            where = "".join(f" with {name} = {size}" for name, size in sizes.items())
            raise WeftError(f"the program would never end{where}: {traced.endless}")
        if traced.unjudged:
            found[traced.unjudged] = None
    return (*found,)
