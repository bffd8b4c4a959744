"""A `step` module compiled for a fabric: where its tensors and units lie, and its image."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import dataclass

from xdsl.dialects.builtin import ModuleOp

from weft.compiler.backend.buffering import Launches, fit_with_buffers, launches_of
from weft.compiler.backend.image import write_image
from weft.compiler.backend.mapping import Mapping
from weft.compiler.backend.memory import Region, allocate
from weft.compiler.mapped.loop import turns_of
from weft.compiler.mapped.tensor import TensorOp
from weft.compiler.passes.units import lower
from weft.hw.spec import FabricSpec
from weft.hw.topology import Tile

__all__ = ["CompiledProgram", "compile_module", "tensors_of"]


@dataclass(frozen=True)
class CompiledProgram:
    """A placed and routed program, and the image that configures ``context`` for it."""

    module: ModuleOp
    context: int
    regions: dict[str, Region]
    mapping: Mapping
    image: bytes


def tensors_of(module: ModuleOp) -> list[TensorOp]:
    """The off-chip tensors that a module declares, in order."""
    return [op for op in module.ops if isinstance(op, TensorOp)]


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
