"""Checks the sizes and arrays of a launch, and makes its memory of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from weft.compiler.errors import WeftError
from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.float32 import nearest_bf16
from weft.compiler.interpreter.meaning import Launch, Value
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.loop import LoopOp
from weft.compiler.step.shard import Shard
from weft.compiler.step.tensor import Role, TensorOp, whole_tensors
from weft.compiler.step.types import Element
from weft.compiler.weights.quantised import Quantisation, Quantised, quantise

__all__ = ["Given", "launch_of"]

Given: TypeAlias = NDArray[Any] | Quantised
"""An array of numbers; for ``int8`` and ``mxfp4`` weights also an array that is quantised already."""


_GIVEN = (Role.INPUT, Role.WEIGHT, Role.CACHE)


def launch_of(module: ModuleOp, inputs: Mapping[str, Given], sizes: Mapping[str, int], *, shards: int = 1) -> Launch:
    """A launch before its first operation; sums may be cut into so many parts.

    Raises
    ------
    WeftError
        A size that is missing, unknown or beyond its maximum; an array that is missing, unknown, of another shape, or
        of numbers that are not the tensor's.
    """
    operations = list(module.ops)
    _check_sizes([each for each in operations if isinstance(each, DimensionOp)], sizes)
    iterations = next((each.iterations for each in operations if isinstance(each, LoopOp)), 1)
    tensors = {each.label: each for each in whole_tensors(operations)}
    for name in inputs:
        if name not in tensors or tensors[name].role not in _GIVEN:
            known = ", ".join(label for label, each in tensors.items() if each.role in _GIVEN)
            raise WeftError(f"input {name!r} is not an input or weight of the program; it has {known or 'none'}")
    memory = {name: _contents(each, iterations, inputs) for name, each in tensors.items()}
    for each in operations:
        if isinstance(each, TensorOp) and each.shard is not None:  # a view, so that what it stores is the whole's
            memory[each.label] = _part(memory[each.shard.of], each.shard)
    return Launch(module, dict(sizes), iterations, memory, shards)


def _part(whole: Value, shard: Shard) -> Value:
    if isinstance(whole, Quantised):
        return whole.part(shard.slices)
    return whole.moved(lambda x: x[..., *shard.slices])


def _check_sizes(declared: Sequence[DimensionOp], sizes: Mapping[str, int]) -> None:
    largest = {each.sym_name.data: each.largest for each in declared}
    for name in sizes:
        if name not in largest:
            raise WeftError(f"size {name!r} is not a dimension of the program; it has {', '.join(largest) or 'none'}")
    for name, most in largest.items():
        if name not in sizes:
            raise WeftError(f"size {name!r}, from 0 to {most}, is missing")
        if not 0 <= sizes[name] <= most:
            raise WeftError(f"size {name!r} must be from 0 to {most}, not {sizes[name]}")


def _contents(tensor: TensorOp, iterations: int, inputs: Mapping[str, Given]) -> Value:
    shape = tensor.sizes if tensor.each is None else (iterations, *tensor.sizes)
    name, element = tensor.label, tensor.element
    if tensor.role is Role.OUTPUT or (tensor.role is Role.CACHE and name not in inputs):
        return Bounded.zeros(element, shape)
    if tensor.role is Role.IOTA:
        return Bounded.exactly(element, np.broadcast_to(np.arange(shape[-1]), shape))
    if name not in inputs:
        raise WeftError(f"input {name!r} with the shape {list(shape)} is missing")
    given = inputs[name]
    found = given.elements.shape if isinstance(given, Quantised) else np.shape(given)
    if found != shape:
        raise WeftError(f"input {name!r} must have the shape {list(shape)}, not {list(found)}")
    if isinstance(given, Quantised):
        if given.form.value != element.value:
            raise WeftError(f"input {name!r} must be {element.value}, not {given.form.value}")
        return given
    values = np.asarray(given)
    if values.dtype.kind not in "fiub":
        raise WeftError(f"input {name!r} must hold real numbers, not {values.dtype}")
    if element is Element.I32:
        return Bounded.exactly(element, _integers(name, values))
    single = _floats(name, values)
    if element.is_quantised:
        if not np.isfinite(single).all():
            raise WeftError(f"input {name!r} must hold finite numbers, for it is {element.value}")
        return quantise(single, Quantisation(element.value))
    with np.errstate(invalid="ignore"):  # NaNs that signal
        numbers = single.astype(np.float64)
    return Bounded.exactly(element, nearest_bf16(numbers) if element is Element.BF16 else numbers)


def _integers(name: str, values: NDArray[Any]) -> NDArray[np.int64]:
    range_ = np.iinfo(np.int32)
    wrong = ~((values >= range_.min) & (values <= range_.max) & (np.rint(values) == values))
    if lost := int(np.count_nonzero(wrong)):
        raise WeftError(
            f"input {name!r} must hold whole numbers of 32 bits, but {lost} of its {values.size} values are not"
        )
    return values.astype(np.int64)


def _floats(name: str, values: NDArray[Any]) -> NDArray[np.float32]:
    with np.errstate(over="ignore"):
        single = values.astype(np.float32)
    if lost := int(np.count_nonzero(np.isinf(single) & np.isfinite(values))):
        raise WeftError(f"input {name!r} must fit float32, but {lost} of its {values.size} values do not")
    return single
