"""Buffers that are read by walks whose sizes or beginnings a launch brings."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod

from xdsl.ir import SSAValue

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.launch import Unit
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.offchip import LinearLoadOp
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.passes.layout.laid import Laid, sizes_of
from weft.compiler.passes.layout.laying import Laying
from weft.compiler.passes.layout.reference import argument_for_each, argument_stream
from weft.compiler.step.dims import Dim, dims_text
from weft.compiler.step.types import Element
from weft.compiler.step.walk import Walk
from weft.hw.numerics.ops import Op

__all__ = ["gathered"]

_MOST_ADDRESSES = 4096
"""Of a table of addresses."""


def gathered(laying: Laying, laid: Laid, outer: int, walk: Walk, dims: tuple[Dim, ...], hint: str | None) -> Laid:
    """What a walk over the inner dimensions of a stream gives, some of its sizes being symbols.

    A dynamic innermost dimension is read as far as a launch argument says. For dynamic dimensions further out, the
    loops of which no unit can end, and for more dimensions than a PMU has loops, each run of the nest inside them is
    started by its address.
    """
    inner, sizes = laid.dims[outer:], dims[outer:]
    if any(dim.number is None for dim in inner[1:]):
        raise laying.refuse(
            f"of what is read out of a buffer only the outermost dimension can have a size that is not known when "
            f"compiling, not {dims_text(inner)}"
        )
    value, kind = laying.either(laid)
    laying.check_block([laying.largest(dim) for dim in inner], kind)
    natural = laying.strides([laying.largest(dim) for dim in inner], kind)
    strides = [0 if dim < 0 else natural[dim] * step for dim, step in zip(walk.dims, walk.by, strict=True)]
    offset = sum((start.number or 0) * stride for start, stride in zip(walk.start, natural, strict=True))
    moving = [(start, stride) for start, stride in zip(walk.start, natural, strict=True) if start.number is None]
    lanes = laying.spec.lanes
    words = (*strides[:-1], offset, *(stride for _, stride in moving))
    last = len(inner) - 1
    as_rows = bool(strides) and strides[-1] == 1 and walk.dims[-1] == last and not any(each % lanes for each in words)
    dynamic = [axis for axis, size in enumerate(sizes) if size.number is None]
    by_length = dynamic == [len(sizes) - 1] and not moving and len(sizes) <= laying.spec.pmu_levels
    to = (
        Kind.VECTOR if kind is Kind.VECTOR and as_rows and (by_length or len(sizes) - 1 not in dynamic) else Kind.SCALAR
    )
    buffer = laying.emit(BufferizeOp(value, rank=len(inner))).result
    if by_length:
        if any(size.number != 1 for size in sizes[:-1]):
            laying.non_empty(sizes[-1:], "an empty dimension inside others would not be seen in each of these")
        rows = to is Kind.VECTOR
        count = laying.argument(sizes[-1], Unit.BEATS if rows else Unit.ELEMENTS, lanes if rows else 1)
        trigger = argument_for_each(laying, count, value, len(inner))
        loops = [size.number or DYNAMIC for size in sizes]
    else:
        split = max(max(dynamic, default=-1) + 1, len(sizes) - laying.spec.pmu_levels)
        trigger = _addresses(
            laying, laid, outer, sizes[:split], strides[:split], moving, lanes if to is Kind.VECTOR else 1
        )
        loops, strides = [size.number or 0 for size in sizes[split:]], strides[split:]
    read = StreamifyOp(buffer, kind=to, trigger=trigger, sizes=loops, strides=strides, offset=offset, length=by_length)
    return Laid.carried(dims, laid.element, to, laying.emit(read, hint).result, hint=hint)


def _addresses(
    laying: Laying,
    laid: Laid,
    outer: int,
    sizes: Sequence[Dim],
    strides: Sequence[int],
    moving: Sequence[tuple[Dim, int]],
    unit: int,
) -> SSAValue:
    """Where each run begins, in lines or words: a table in memory, and what a launch adds."""
    most = [max(1, laying.largest(size)) for size in sizes]
    if prod(most) > _MOST_ADDRESSES:
        raise laying.refuse(
            f"dimensions {dims_text(sizes)} of a walk must have at most {_MOST_ADDRESSES} elements together, "
            f"not {prod(most)}"
        )
    before = laid.dims[:outer]
    if not sizes:
        number = laying.argument(moving[0][0], Unit.MULTIPLE, moving[0][1] // unit)
        if len(moving) > 1:
            raise laying.refuse("at most one dimension of a walk over a buffer can begin at a size of the launch")
        return argument_for_each(laying, number, laying.either(laid)[0], len(laid.dims) - outer)
    values = [
        sum(at * stride // unit for at, stride in zip(place, strides, strict=True))
        for place in product(*(range(size) for size in most))
    ]
    name = laying.fresh("addresses")
    tensor = laying.emit(TensorOp(name, most, format=Format.I32, role=Role.CONSTANT, values=values))
    dims = (*before, *sizes)
    if len(dims) > laying.spec.agcu_levels:
        raise laying.refuse(
            f"addresses of a walk must have at most agcu_levels = {laying.spec.agcu_levels} dimensions, not {len(dims)}"
        )
    counts = [(size, Unit.ELEMENTS, 1) for size in dims[:-1]] + [(dims[-1], Unit.BEATS, laying.spec.lanes)]
    size_args = [0 if each[0].number is not None else laying.argument(*each) for each in counts]
    load = LinearLoadOp(
        tensor,
        StreamType.make(Kind.VECTOR, sizes_of(dims)),
        dims=(*(-1,) * outer, *range(len(sizes))),
        size_args=size_args if any(size_args) else None,
    )
    table = Laid(dims, Element.I32, vector=laying.emit(load, name).result, hint=name)
    addresses = laying.scalar(table)
    for start, stride in moving:
        argument = argument_stream(laying, laying.argument(start, Unit.MULTIPLE, stride // unit))
        held = laying.emit(ExpandOp(argument, addresses)).result
        addresses = laying.emit(MapOp(Op.IADD, addresses, held), name).result
    return addresses
