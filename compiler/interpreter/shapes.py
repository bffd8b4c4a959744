"""Operations that only move numbers: shapes, repetition, slices, concatenation and merge."""

from __future__ import annotations

import numpy as np

from weft.compiler.interpreter.bounded import Array, Bounded
from weft.compiler.interpreter.meaning import Launch, Value, bounded, means, refuse
from weft.compiler.interpreter.walks import taken
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.joining import ConcatOp, MergeOp, SliceOp
from weft.compiler.step.operation import name_of
from weft.compiler.step.shape import FlattenOp, PromoteOp, ReshapeOp
from weft.compiler.step.types import buffer_of, stream_of

__all__: list[str] = []


@means(FlattenOp)
@means(PromoteOp)
@means(ReshapeOp)
def _reshape(operation: FlattenOp | PromoteOp | ReshapeOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    shape = launch.shape_of(operation.result)
    return (bounded(value).moved(lambda x: x.reshape(shape)),)


@means(BufferizeOp)
def _bufferize(operation: BufferizeOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    return (value,)


@means(StreamifyOp)
def _streamify(operation: StreamifyOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    kind = buffer_of(operation.buffer)
    outer, dims = len(kind.outer), operation.result.type.dims
    launch.check_walk(
        operation, operation.visits, dims[outer:], kind.inner, f"the buffer of {name_of(operation.buffer)}"
    )
    return (bounded(value).moved(lambda x: taken(x, operation.visits, launch.shape(dims), launch.sizes, outer)),)


@means(ExpandOp)
def _expand(operation: ExpandOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    shape = launch.shape_of(operation.result)
    return (bounded(value).moved(lambda x: np.broadcast_to(np.expand_dims(x, operation.along), shape)),)


@means(SliceOp)
def _slice(operation: SliceOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    dims, given = operation.result.type.dims, stream_of(operation.value).dims
    launch.check_walk(operation, operation.visits, dims, given, name_of(operation.value))
    return (bounded(value).moved(lambda x: taken(x, operation.visits, launch.shape(dims), launch.sizes)),)


@means(ConcatOp)
def _concat(operation: ConcatOp, launch: Launch, *values: Value) -> tuple[Value, ...]:
    parts = [bounded(value) for value in values]
    value, error = (
        np.concatenate(each, axis=operation.axis) for each in ([p.value for p in parts], [p.error for p in parts])
    )
    return (Bounded(parts[0].element, value, error),)


@means(MergeOp)
def _merge(operation: MergeOp, launch: Launch, which: Value, zero: Value, other: Value) -> tuple[Value, ...]:
    selector, streams = bounded(which), (bounded(zero), bounded(other))
    shape = launch.shape_of(operation.result)
    if not selector.judged.all():
        nothing = Bounded.zeros(streams[0].element, shape)
        return (nothing.unjudged_where(np.ones(shape, bool)),)
    chosen = selector.value != 0
    for stream, operand, rows in (
        (streams[0], operation.zero, np.count_nonzero(~chosen)),
        (streams[1], operation.other, np.count_nonzero(chosen)),
    ):
        if stream.shape[0] != rows:
            raise refuse(
                operation,
                f"{name_of(operation.which)} selects {name_of(operand)} {rows} times, and that has "
                f"{stream.shape[0]} rows",
            )

    def merged(first: Array, second: Array) -> Array:
        result = np.empty(shape, first.dtype)
        result[~chosen], result[chosen] = first, second
        return result

    value, error = (
        merged(first, second)
        for first, second in ((streams[0].value, streams[1].value), (streams[0].error, streams[1].error))
    )
    return (Bounded(streams[0].element, value, error),)
