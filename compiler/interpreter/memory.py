"""Loads, stores and state between iterations. Accesses take place in the order of the program."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.meaning import Launch, Value, bounded, means, refuse
from weft.compiler.interpreter.walks import places, taken
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.dimension import SizeOp
from weft.compiler.step.loop import KeepOp, LastOp, RecallOp
from weft.compiler.step.operation import name_of
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.tensor import TensorOp
from weft.compiler.step.types import Element, stream_of
from weft.compiler.weights.quantised import Quantised

__all__: list[str] = []


def _contents(launch: Launch, tensor: TensorOp) -> Value:
    """A tensor, or that of this iteration; arrays are views, so that stores reach memory."""
    held = launch.tensors[tensor.label]
    if tensor.each is None:
        return held
    if isinstance(held, Quantised):
        return Quantised(held.form, held.elements[launch.iteration], held.scales[launch.iteration])
    return held.moved(lambda x: x[launch.iteration])


@means(LoadOp)
def _load(operation: LoadOp, launch: Launch) -> tuple[Value, ...]:
    tensor, dims = operation.declaration, operation.result.type.dims
    held = _contents(launch, tensor)
    launch.check_walk(operation, operation.visits, dims, tensor.shape, f"@{tensor.label}")
    if isinstance(held, Quantised):
        return (held,)
    return (held.moved(lambda x: taken(x, operation.visits, launch.shape(dims), launch.sizes)),)


@means(StoreOp)
def _store(operation: StoreOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    tensor, stream, dims = operation.declaration, bounded(value), stream_of(operation.value).dims
    held = bounded(_contents(launch, tensor))
    launch.check_walk(operation, operation.visits, dims, tensor.shape, f"@{tensor.label}")
    where = places(operation.visits, launch.shape(dims), launch.sizes)
    held.value[where], held.error[where] = stream.value, stream.error
    return ()


@means(RandomLoadOp)
def _random_load(operation: RandomLoadOp, launch: Launch, index: Value) -> tuple[Value, ...]:
    held, found = bounded(_contents(launch, operation.declaration)), bounded(index)
    rows = _rows(operation, found)
    unknown = ~found.judged.reshape(*found.shape, *(1,) * (len(held.shape) - 1))
    entries = held.moved(lambda x: x[rows])
    return (entries.unjudged_where(np.broadcast_to(unknown, entries.shape)),)


@means(RandomStoreOp)
def _random_store(operation: RandomStoreOp, launch: Launch, value: Value, index: Value) -> tuple[Value, ...]:
    held, stream, found = bounded(_contents(launch, operation.declaration)), bounded(value), bounded(index)
    rows = _rows(operation, found).reshape(-1)
    for row, entry, error in zip(
        rows, stream.value.reshape(-1, *held.shape[1:]), stream.error.reshape(-1, *held.shape[1:]), strict=True
    ):
        held.value[row], held.error[row] = entry, error
    if not found.judged.all():  # it may be any entry that the device stores to
        held.error[...] = np.inf
    return ()


def _rows(operation: RandomLoadOp | RandomStoreOp, index: Bounded) -> NDArray[np.int64]:
    """The indices, each checked against the tensor; one that is not judged counts as 0."""
    tensor = operation.declaration
    rows = tensor.sizes[0]
    wrong = index.judged & ((index.value < 0) | (index.value >= rows))
    if wrong.any():
        place = tuple(int(each) for each in np.argwhere(wrong)[0])
        has = f"rows 0 to {rows - 1}" if rows else "no rows"
        at = f"[{', '.join(map(str, place))}]" if place else ""
        raise refuse(
            operation, f"{name_of(operation.index)}{at} is {index.value[place]}, but @{tensor.label} has {has}"
        )
    return np.where(index.judged, index.value, 0)


@means(SizeOp)
def _size(operation: SizeOp, launch: Launch) -> tuple[Value, ...]:
    return (Bounded.exactly(Element.I32, launch.sizes[operation.symbol.data]),)


@means(RecallOp)
def _recall(operation: RecallOp, launch: Launch, initial: Value | None) -> tuple[Value, ...]:
    name = operation.state.string_value()
    return (launch.kept[name] if initial is None else initial,)


@means(KeepOp)
def _keep(operation: KeepOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    launch.keeping[operation.state.string_value()] = bounded(value)
    return ()


@means(LastOp)
def _last(operation: LastOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    return (value,)
