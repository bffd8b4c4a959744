"""Runs a compiled logical program on a device: arrays and sizes in, what its stores reach out."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.compiler.compile import CompiledProgram
from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import turns_of
from weft.compiler.step.access import StoreOp
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.loop import sizes_by_round
from weft.compiler.step.random_access import RandomStoreOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import stream_of
from weft.hw.spec import FabricSpec
from weft.sim.device import Device, DeviceError, Launch
from weft.sim.run import run_program

__all__ = ["check_sizes", "run_compiled"]

Arrays = Mapping[str, NDArray[np.generic]]


def check_sizes(compiled: CompiledProgram, sizes: Mapping[str, int]) -> None:
    """That there is a size for each symbol of the program, and none too large.

    Raises
    ------
    WeftError
        A symbol without a size, a size without a symbol, or one that is negative or larger than was declared.
    """
    assert compiled.program is not None
    declared = {op.sym_name.data: op.largest for op in compiled.program.ops if isinstance(op, DimensionOp)}
    for name, size in sizes.items():
        if name not in declared:
            known = f"it has {', '.join(declared)}" if declared else "it has none"
            raise WeftError(f"--arg {name} must be a dimension of the program; {known}")
        if not 0 <= size <= declared[name]:
            raise WeftError(f"--arg {name} must be 0 to {declared[name]}, as step.dimension declares it, not {size}")
    for name, largest in declared.items():
        if name not in sizes:
            raise WeftError(f"--arg {name}=N is missing: step.dimension @{name} <= {largest}")


def run_compiled(
    compiled: CompiledProgram, spec: FabricSpec, device: Device, inputs: Arrays, sizes: Mapping[str, int]
) -> tuple[dict[str, NDArray[np.generic]], Launch]:
    """One launch; each output holds what the program's stores reach for these sizes, and zeros elsewhere.

    A store of a row whose length a launch brings writes whole beats: what lies behind the end of the row in its last
    beat is not part of the result.

    Raises
    ------
    WeftError
        Inputs or sizes that the program does not have.
    DeviceError
        From the device, with the names of units in place of tiles.
    """
    check_sizes(compiled, sizes)
    try:
        outputs, launch = run_program(compiled, spec, device, inputs, arguments=compiled.arguments(sizes))
    except DeviceError as error:
        raise type(error)(_named(str(error), compiled)) from None
    return {name: np.where(_reached(compiled, name, sizes), values, 0) for name, values in outputs.items()}, launch


def _named(text: str, compiled: CompiledProgram) -> str:
    """A sentence about tiles as one about units: ``'top' at pcu(3,1)``."""
    units = {str(tile): unit for unit, tile in compiled.mapping.tiles.items()}
    return re.sub(r"\b(?:pcu|pmu|agcu)\(\d+,\d+\)", lambda tile: _unit(units.get(tile.group()), tile.group()), text)


def _unit(name: str | None, tile: str) -> str:
    return tile if name is None else f"'{name}' at {tile}"


def _reached(compiled: CompiledProgram, name: str, sizes: Mapping[str, int]) -> NDArray[np.bool_]:
    """Which elements of an output some store reaches."""
    assert compiled.program is not None
    stores = [op for op in compiled.program.ops if isinstance(op, StoreOp | RandomStoreOp)]
    tensor = next(op for op in compiled.program.ops if isinstance(op, TensorOp) and op.label == name)
    reached = np.full(tensor.sizes, tensor.role is Role.CACHE)
    for store in stores:
        if store.tensor.string_value() != name:
            continue
        if isinstance(store, RandomStoreOp):
            reached[:] = True
            continue
        for now in sizes_by_round(compiled.program, sizes):
            reached[_visited(store, now)] = True
    return reached if tensor.each is None else np.broadcast_to(reached, (turns_of(compiled.module), *tensor.sizes))


def _visited(store: StoreOp, sizes: Mapping[str, int]) -> tuple[NDArray[np.int64], ...]:
    """The indices of the elements that a store visits."""
    walk, dims = store.visits, [size.at(sizes) for size in stream_of(store.value).dims]
    index = [np.full(dims, start.at(sizes)) for start in walk.start]
    for axis, (dim, step) in enumerate(zip(walk.dims, walk.by, strict=True)):
        shape = [1] * len(dims)
        shape[axis] = dims[axis]
        index[dim] = index[dim] + (np.arange(dims[axis]) * step).reshape(shape)
    return (*index,)
