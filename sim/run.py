"""Runs a compiled program on any device, arrays in and arrays out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.compiler.compile import CompiledProgram, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import turns_of
from weft.compiler.mapped.tensor import Format, Role
from weft.compiler.step.tensor import TensorOp as LogicalTensor
from weft.hw.spec import FabricSpec
from weft.sim.device import Device, Launch
from weft.sim.tensor_memory import TensorMemory

__all__ = ["memory_needed", "run_program", "tensor_memory"]

Floats = NDArray[np.float32]


def memory_needed(program: CompiledProgram) -> int:
    """Bytes of each channel's memory that a program's tensors reach to, a power of two."""
    top = max((region.base + region.span for region in program.regions.values()), default=0)
    return max(1 << 16, 1 << top.bit_length())


def run_program(
    program: CompiledProgram,
    spec: FabricSpec,
    device: Device,
    inputs: Mapping[str, NDArray[np.generic]],
    *,
    arguments: Mapping[int, int] | None = None,
) -> tuple[dict[str, Floats], Launch]:
    """One launch with these inputs and launch arguments; the outputs by name, and what the launch did.

    Outputs are zeros before the launch; a cache that is not given holds what is in memory, and is an output, too.

    An array of a tensor that there is one of for each turn has the turns as its first dimension.

    Raises
    ------
    WeftError
        An input that is missing, unknown, of another shape, or of values that are no float32.
    DeviceError
        From the device.
    """
    memory = tensor_memory(program, spec, device)
    for name in inputs:
        if name not in memory.names:
            raise WeftError(
                f"input {name!r} is not a tensor of the program; it has {', '.join(memory.names) or 'none'}"
            )
    for name in memory.names:
        role = memory.role(name)
        if role is Role.OUTPUT:
            memory.clear(name)
        elif role is not Role.CACHE or name in inputs:
            memory.write(name, _contents(memory, name, inputs))
    device.load(program.image)
    launch = device.launch(program.context, dict(arguments or {}))
    return {name: memory.read(name) for name in memory.names if memory.role(name) in (Role.OUTPUT, Role.CACHE)}, launch


def tensor_memory(program: CompiledProgram, spec: FabricSpec, device: Device) -> TensorMemory:
    """The tensors of a program in a device's memory."""
    # Of weights that a pass has cut into tiles the program says how they are given.
    said = () if program.program is None else program.program.ops
    return TensorMemory(
        {tensor.sym_name.data: tensor for tensor in tensors_of(program.module)},
        program.regions,
        spec,
        device,
        turns=turns_of(program.module),
        sizes={each.label: each.sizes for each in said if isinstance(each, LogicalTensor)},
    )


def _contents(
    memory: TensorMemory, name: str, inputs: Mapping[str, NDArray[np.generic]]
) -> NDArray[np.float32] | NDArray[np.int64]:
    own, shape = memory.own_contents(name), memory.shape(name)
    if own is not None:
        return own
    if name not in inputs:
        raise WeftError(f"input {name!r} with the shape {list(shape)} is missing")
    values = np.asarray(inputs[name])
    if values.shape != shape:
        raise WeftError(f"input {name!r} must have the shape {list(shape)}, not {list(values.shape)}")
    if values.dtype.kind not in "fiub":
        raise WeftError(f"input {name!r} must hold real numbers, not {values.dtype}")
    if memory.like(name).format is Format.I32:
        return _integers(name, values)
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if lost := int(np.count_nonzero(np.isinf(single) & np.isfinite(values))):
        raise WeftError(f"input {name!r} must fit float32, but {lost} of its {values.size} values do not")
    return single


def _integers(name: str, values: NDArray[np.generic]) -> NDArray[np.int64]:
    """Whole numbers, as int32 has them."""
    whole = values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
    if np.any(whole != np.rint(whole)) or np.any(whole < -(2**31)) or np.any(whole >= 2**31):
        raise WeftError(f"input {name!r} must hold whole numbers that fit int32")
    return whole.astype(np.int64)
