"""Lays out buffers that are read by walks, and changes of shape."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.shape import FlattenOp as MappedFlatten
from weft.compiler.mapped.shape import PromoteOp as MappedPromote
from weft.compiler.mapped.types import DYNAMIC, Kind
from weft.compiler.passes.layout.gathers import gathered
from weft.compiler.passes.layout.laid import Laid
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.step.buffers import BufferizeOp as LogicalBufferize
from weft.compiler.step.buffers import StreamifyOp as LogicalStreamify
from weft.compiler.step.dims import Dim, dims_text
from weft.compiler.step.shape import FlattenOp, PromoteOp, ReshapeOp
from weft.compiler.step.types import buffer_of
from weft.compiler.step.walk import Walk

__all__ = ["read_by_walk"]


@lay.register
def _(operation: LogicalBufferize, laying: Laying) -> None:
    laying.values[operation.result] = laying.given(operation.value)


@lay.register
def _(operation: LogicalStreamify, laying: Laying) -> None:
    laid = laying.given(operation.buffer)
    outer = len(buffer_of(operation.buffer).outer)
    dims, hint = operation.result.type.dims, operation.result.name_hint
    laying.values[operation.result] = read_by_walk(laying, laid, outer, operation.visits, dims, hint)


def read_by_walk(laying: Laying, laid: Laid, outer: int, walk: Walk, dims: tuple[Dim, ...], hint: str | None) -> Laid:
    """The stream that a walk over the inner dimensions gives; ``dims`` are all of its dimensions."""
    while _leads(laid, outer, walk, dims):  # a leading dimension that is walked as it is lies outside the buffer
        walk = Walk(tuple(-1 if dim < 0 else dim - 1 for dim in walk.dims[1:]), walk.by[1:], walk.start[1:])
        outer += 1
    inner, sizes = laid.sizes[outer:], [dim.number for dim in dims[outer:]]
    if not inner and not sizes:
        return laid
    value, kind = laying.either(laid)
    moving = any(start.number is None for start in walk.start)
    loops = sum(size != 1 for size in sizes)
    if loops >= laying.spec.pmu_levels < len(sizes) or DYNAMIC in inner or None in sizes or moving:
        return gathered(laying, laid, outer, walk, dims, hint)
    numbers = [size or 0 for size in sizes]
    if kind is Kind.VECTOR and _transposes(laying, walk, inner, numbers):
        laying.check_block(inner, kind)
        buffer = laying.emit(BufferizeOp(value, rank=len(inner))).result
        read = laying.emit(StreamifyOp(buffer, transposed=True), hint).result
        return Laid(dims, laid.element, vector=read, hint=hint)
    natural = laying.strides(inner, kind)
    strides = [0 if dim < 0 else natural[dim] * step for dim, step in zip(walk.dims, walk.by, strict=True)]
    offset = sum((start.number or 0) * stride for start, stride in zip(walk.start, natural, strict=True))
    lanes = laying.spec.lanes
    rows = all(stride % lanes == 0 for stride in (*strides[:-1], offset))
    as_rows = bool(strides) and strides[-1] == 1 and walk.dims[-1] == len(inner) - 1 and rows
    to = Kind.VECTOR if as_rows else Kind.SCALAR
    beat = laying.beat(kind)
    whole = prod(inner[:-1]) * laying.row_words(inner[-1], kind) // beat if inner else 1
    ways = [(size - 1) * stride for size, stride in zip(numbers, strides, strict=True)]
    first = (offset + sum(way for way in ways if way < 0)) // beat
    last = (offset + sum(way for way in ways if way > 0)) // beat + 1
    if (last - first) * beat > laying.spec.pmu_words:
        laying.check_block(inner, kind)
    if (first, last) == (0, whole) or 0 in numbers:
        buffer = laying.buffered(value, len(inner))
    else:  # a buffer of what is read alone
        in_order = to is kind and numbers and strides == laying.strides(numbers, kind)
        kept = numbers if in_order else [(last - first) * beat]
        source, rank = laying.before_flattening(value, len(inner))
        buffer = laying.emit(BufferizeOp(source, rank=rank, first=first, last=last, inner=kept)).result
        offset -= first * beat
        if in_order:
            return Laid.carried(dims, laid.element, to, laying.emit(StreamifyOp(buffer), hint).result, hint=hint)
    read = laying.emit(StreamifyOp(buffer, kind=to, sizes=numbers, strides=strides, offset=offset), hint).result
    return Laid.carried(dims, laid.element, to, read, hint=hint)


def _leads(laid: Laid, outer: int, walk: Walk, dims: tuple[Dim, ...]) -> bool:
    innermost = len(laid.dims) == outer + 1 and (laid.vector is not None or laid.scalar is None)
    return bool(
        walk.dims
        and not innermost
        and walk.dims[0] == 0
        and walk.by[0] == 1
        and walk.start[0].number == 0
        and 0 not in walk.dims[1:]
        and laid.dims[outer] == dims[outer]
    )


def _transposes(laying: Laying, walk: Walk, inner: Sequence[int], sizes: Sequence[int]) -> bool:
    """Whether a walk reads the columns of whole matrices, and a PMU does that at full rate."""
    if len(inner) != 2 or tuple(walk.dims) != (1, 0) or walk.by != (1, 1) or any(start.number for start in walk.start):
        return False
    (rows, columns), lanes = inner, laying.spec.lanes
    if tuple(sizes) != (columns, rows):
        return False
    return columns <= lanes or (rows % lanes == 0 and columns % lanes == 0)


# -- shapes -----------------------------------------------------------------------------------------------


@lay.register
def _(operation: FlattenOp, laying: Laying) -> None:
    laid, hint = laying.given(operation.value), operation.result.name_hint
    first, last = operation.over[0], operation.over[-1]
    innermost = last == len(laid.dims) - 1
    whole = laid.sizes[-1] != DYNAMIC and laid.sizes[-1] % laying.spec.lanes == 0
    value, kind = laying.either(laid)
    if innermost and kind is Kind.VECTOR and not whole:
        if all(size == 1 for size in laid.sizes[first:last]):
            whole = True  # a single row stays one
        else:
            laying.values[operation.result] = reshaped(laying, laid, operation.result.type.dims, hint)
            return
    for number in range(last - first):
        name = hint if number == last - first - 1 else None
        value = laying.emit(MappedFlatten(value, outside=len(laid.dims) - 1 - last), name).result
    laying.values[operation.result] = Laid.carried(operation.result.type.dims, laid.element, kind, value, hint=hint)


@lay.register
def _(operation: PromoteOp, laying: Laying) -> None:
    laid, hint = laying.given(operation.value), operation.result.name_hint
    value, kind = laying.either(laid)
    made = laying.emit(MappedPromote(value), hint).result
    laying.values[operation.result] = Laid.carried(operation.result.type.dims, laid.element, kind, made, hint=hint)


@lay.register
def _(operation: ReshapeOp, laying: Laying) -> None:
    laid, hint = laying.given(operation.value), operation.result.name_hint
    laying.values[operation.result] = reshaped(laying, laid, operation.result.type.dims, hint)


def reshaped(laying: Laying, laid: Laid, dims: tuple[Dim, ...], hint: str | None) -> Laid:
    """The same elements in the same order under another shape, out of buffers of the dimensions that differ."""
    outer = 0
    while outer < min(len(laid.dims), len(dims)) and laid.dims[outer] == dims[outer]:
        outer += 1
    if laid.dims == dims:
        return laid
    units = _with_units(laying, laid, dims, hint)
    if units is not None:
        return units
    if outer == len(laid.dims) or outer == len(dims):
        outer = max(0, min(len(laid.dims), len(dims)) - 1)
    inner, sizes = laid.sizes[outer:], tuple(-1 if dim.number is None else dim.number for dim in dims[outer:])
    if DYNAMIC in inner or DYNAMIC in sizes:
        if len(sizes) > 1 or not inner:
            raise laying.refuse(
                f"a reshape must be of sizes that are known when compiling, or to one dimension, not "
                f"{dims_text(laid.dims[outer:])} to {dims_text(dims[outer:])}"
            )
        value = laying.scalar(laid)
        for _ in range(len(inner) - 1):
            value = laying.emit(MappedFlatten(value), hint).result
        return Laid(dims, laid.element, scalar=value, hint=hint)
    value, kind = laying.either(laid)
    lanes, count = laying.spec.lanes, prod(inner)
    if (
        kind is Kind.VECTOR
        and inner
        and sizes
        and (inner[-1] % lanes == 0 == sizes[-1] % lanes or inner[-1] == sizes[-1])
    ):
        laying.check_block(inner, kind)
        buffer = laying.emit(BufferizeOp(value, rank=len(inner))).result
        strides = laying.strides(sizes, kind)
        read = laying.emit(StreamifyOp(buffer, kind=kind, sizes=sizes, strides=strides), hint).result
        return Laid(dims, laid.element, vector=read, hint=hint)
    if kind is Kind.VECTOR:  # the numbers one by one, without those that fill rows up
        laying.check_block(inner, kind)
        buffer = laying.emit(BufferizeOp(value, rank=len(inner))).result
        read = StreamifyOp(buffer, kind=Kind.SCALAR, sizes=inner, strides=laying.strides(inner, kind), flat=True)
        value = laying.emit(read, hint).result
    elif len(inner) > 1:
        for _ in range(len(inner) - 1):
            value = laying.emit(MappedFlatten(value), hint).result
    if len(sizes) == 1 and inner:
        return Laid(dims, laid.element, scalar=value, hint=hint)
    laying.check_block((count,), Kind.SCALAR)
    buffer = laying.emit(BufferizeOp(value, rank=min(1, len(inner)))).result
    read = laying.emit(
        StreamifyOp(buffer, kind=Kind.SCALAR, sizes=sizes, strides=laying.strides(sizes, Kind.SCALAR) if sizes else ()),
        hint,
    ).result
    return Laid(dims, laid.element, scalar=read, hint=hint)


def _with_units(laying: Laying, laid: Laid, dims: tuple[Dim, ...], hint: str | None) -> Laid | None:
    """The same beats with other stops, where only dimensions of size 1 come or go; None where it is more than that."""
    one, now = Dim.of(1), list(laid.dims)
    if [dim for dim in now if dim != one] != [dim for dim in dims if dim != one] or (now and not dims):
        return None
    value, kind = laying.either(laid)
    if kind is Kind.VECTOR and now[-1] != dims[-1]:
        return None
    row = min(len(now), int(kind is Kind.VECTOR or all(dim == one for dim in now)))  # a dimension that stays
    for axis in reversed(range(len(now) - row)):
        if now[axis] == one:  # joined with the next one inside, or else with the one around it
            value = laying.emit(MappedFlatten(value, outside=max(0, len(now) - 2 - axis)), hint).result
            del now[axis]
    for inside, dim in enumerate(reversed(dims)):
        if inside >= row and dim == one:
            value = laying.emit(MappedPromote(value, inside=inside), hint).result
    return Laid.carried(dims, laid.element, kind, value, hint=hint)
