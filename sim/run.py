"""Runs a compiled program on any device, arrays in and arrays out."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.compiler.backend.memory import decode, encode
from weft.compiler.compile import CompiledProgram, tensors_of
from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import turns_of
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.step.tensor import TensorOp as LogicalTensor
from weft.hw.spec import FabricSpec
from weft.sim.device import Device, Launch

__all__ = ["memory_needed", "own_contents", "run_program"]

Floats = NDArray[np.float32]


def memory_needed(program: CompiledProgram) -> int:
    """Bytes of off-chip memory that a program's tensors reach to, a power of two."""
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
    tensors = {tensor.sym_name.data: tensor for tensor in tensors_of(program.module)}
    turns = turns_of(program.module)
    # Of weights that a pass has cut into tiles the program says how they are given.
    said = () if program.program is None else program.program.ops
    sizes = {each.label: each.sizes for each in said if isinstance(each, LogicalTensor)}
    for name in inputs:
        if name not in tensors:
            raise WeftError(f"input {name!r} is not a tensor of the program; it has {', '.join(tensors) or 'none'}")
    for name, tensor in tensors.items():
        role = tensor.role
        if role is Role.OUTPUT:
            for place in _places(program, name, turns):
                device.memory[place] = 0
        if role is Role.OUTPUT or (role is Role.CACHE and name not in inputs):
            continue
        given, places = sizes.get(name, tensor.sizes), _places(program, name, turns)
        values = _contents(tensor, _shape(tensor, given, turns), inputs)
        for place, each in zip(places, values.reshape(len(places), *given), strict=True):
            raw = encode(tensor, each, spec)
            device.memory[place][: len(raw)] = raw
    device.load(program.image)
    launch = device.launch(program.context, dict(arguments or {}))
    outputs = {}
    for name, tensor in tensors.items():
        if tensor.role in (Role.OUTPUT, Role.CACHE):
            parts = [decode(tensor, device.memory[place], spec) for place in _places(program, name, turns)]
            outputs[name] = np.stack(parts).reshape(_shape(tensor, tensor.sizes, turns))
    return outputs, launch


def own_contents(tensor: TensorOp) -> NDArray[np.float32] | NDArray[np.int64] | None:
    """What a program itself says that a tensor holds, or None."""
    if tensor.role is Role.IOTA:
        return np.broadcast_to(np.arange(tensor.sizes[-1], dtype=np.float32), tensor.sizes)
    if tensor.values is not None:
        return np.array(tensor.values.get_values(), np.int64).reshape(tensor.sizes)
    return None


def _shape(tensor: TensorOp, sizes: tuple[int, ...], turns: int) -> tuple[int, ...]:
    return sizes if tensor.each is None else (turns, *sizes)


def _places(program: CompiledProgram, name: str, turns: int) -> list[slice]:
    """Where a tensor lies, or that of each turn; it fills only the beginning of its place."""
    region = program.regions[name]
    bases = [region.base + turn * region.turn_stride for turn in range(turns if region.turn_stride else 1)]
    return [slice(base, base + region.size) for base in bases]


def _contents(
    tensor: TensorOp, shape: tuple[int, ...], inputs: Mapping[str, NDArray[np.generic]]
) -> NDArray[np.float32] | NDArray[np.int64]:
    name, own = tensor.sym_name.data, own_contents(tensor)
    if own is not None:
        return own if tensor.each is None else np.broadcast_to(own, shape)  # pyright: ignore[reportReturnType]
    if name not in inputs:
        raise WeftError(f"input {name!r} with the shape {list(shape)} is missing")
    values = np.asarray(inputs[name])
    if values.shape != shape:
        raise WeftError(f"input {name!r} must have the shape {list(shape)}, not {list(values.shape)}")
    if values.dtype.kind not in "fiub":
        raise WeftError(f"input {name!r} must hold real numbers, not {values.dtype}")
    if tensor.format is Format.I32:
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
