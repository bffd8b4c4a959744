"""A program compiled for a fabric: where its tensors and units lie, and its image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from collections.abc import Mapping as MappingOf
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice, product

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.buffering import Launches, fit_with_buffers, launches_of
from weft.compiler.backend.buffering.tracing import trace
from weft.compiler.backend.image import write_image
from weft.compiler.backend.mapping import Mapping
from weft.compiler.backend.memory import Region, allocate
from weft.compiler.backend.shared_memory import tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped.launch import arguments_of
from weft.compiler.mapped.loop import turns_of
from weft.compiler.passes.pipeline import run_passes
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

    def arguments(self, sizes: MappingOf[str, int]) -> dict[int, int]:
        """Launch arguments for sizes of the program's symbols."""
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
        regions, _ = allocate(tensors_of(module), spec, turns=turns_of(module))
    netlist = lower(module, spec, regions, pins=pins)
    mapping = fit_with_buffers(netlist, spec, launches_of(module, spec) if launches is None else launches)
    return CompiledProgram(module, context, regions, mapping, write_image(mapping, context, spec=spec))


def map_program(
    program: ModuleOp, spec: FabricSpec, *, after: Callable[[str, ModuleOp], None] | None = None
) -> ModuleOp:
    """What the passes make of a logical program. ``after`` sees what each of them gives.

    Raises
    ------
    WeftError
        A rule that the program breaks, or what the fabric lacks.
    """
    check_program(program)
    return run_passes(program, spec, after=after)


def compile_mapped(
    program: ModuleOp,
    mapped: ModuleOp,
    spec: FabricSpec,
    *,
    context: int = 0,
    regions: dict[str, Region] | None = None,
) -> CompiledProgram:
    """Compile what :func:`map_program` made of a program, as :func:`compile_module` does.

    Raises
    ------
    WeftError
        What the fabric lacks.
    """
    sizes = _launches(program, mapped)
    launches = Launches(tuple(arguments_of(mapped, each) for each in sizes))
    compiled = compile_module(mapped, spec, context=context, regions=regions, launches=launches)
    return replace(compiled, program=program, unjudged=_unjudged(compiled, sizes))


def compile_program(
    program: ModuleOp,
    spec: FabricSpec,
    *,
    context: int = 0,
    after: Callable[[str, ModuleOp], None] | None = None,
) -> CompiledProgram:
    """Compile a logical program: :func:`map_program`, then :func:`compile_mapped`."""
    return compile_mapped(program, map_program(program, spec, after=after), spec, context=context)


_MOST_LAUNCHES = 64


def _launches(program: ModuleOp, mapped: ModuleOp) -> list[dict[str, int]]:
    """Launches with every symbol at its largest, at 1 and at 0; of more than 64 the first, from the largest on."""
    largest = {op.sym_name.data: op.largest for op in program.ops if isinstance(op, DimensionOp)}
    rounds = next((op.rounds for op in program.ops if isinstance(op, LoopOp)), None)
    # Rounds are alike; a second one waits for the first.
    values = [sorted({min(most, 2) if name == rounds else most, 1, 0}, reverse=True) for name, most in largest.items()]
    found: list[dict[str, int]] = []
    for each in islice(product(*values), _MOST_LAUNCHES):
        sizes = dict(zip(largest, each, strict=True))
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
