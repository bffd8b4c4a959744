"""Streams that the compiler adds: references to hold others against, launch arguments, selectors."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.ir import SSAValue

from weft.compiler.mapped.accum import AccumOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.launch import Unit
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.offchip import ArgumentOp, LinearLoadOp, SinkOp
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.mapped.types import Kind, StreamType
from weft.compiler.mapped.values import stream
from weft.compiler.passes.layout.laid import sizes_of
from weft.compiler.passes.layout.laying import Laying
from weft.compiler.step.dims import Dim
from weft.hw.numerics.ops import Op

__all__ = ["argument_for_each", "argument_stream", "constants", "indices", "rides_for_arguments", "selectors"]


def indices(laying: Laying, dims: Sequence[Dim], most: int) -> SSAValue:
    """A vector stream of these dimensions whose elements are their index along the innermost, at most ``most`` of them.

    The lanes behind the end of a row go on counting.
    """
    name = laying.fresh("index_of")
    whole = -(-most // laying.spec.lanes) * laying.spec.lanes
    tensor = laying.emit(TensorOp(name, (whole,), format=Format.F32, role=Role.IOTA))
    sizes = [
        0
        if dim.number is not None
        else laying.argument(dim, Unit.BEATS, laying.spec.lanes)
        if place == len(dims) - 1
        else laying.argument(dim, Unit.ELEMENTS)
        for place, dim in enumerate(dims)
    ]
    walk = (*(-1,) * (len(dims) - 1), 0)
    result = StreamType.make(Kind.VECTOR, sizes_of(dims))
    load = LinearLoadOp(tensor, result, dims=walk, size_args=sizes if any(sizes) else None)
    return laying.emit(load, name).result


def argument_stream(laying: Laying, argument: int) -> SSAValue:
    """A launch argument as a scalar stream of one beat."""
    return laying.emit(ArgumentOp(argument), f"argument_{argument}").result


def argument_for_each(laying: Laying, argument: int, value: SSAValue, inside: int) -> SSAValue:
    """A launch argument once for each element of the dimensions of a stream outside its ``inside`` innermost."""
    number = argument_stream(laying, argument)
    if stream(value).rank == inside:
        return number
    if not inside:
        raise laying.refuse("an argument is wanted for each single element")
    rows = laying.emit(AccumOp(Op.MAX, value, over=inside)).result
    held = laying.emit(ExpandOp(number, rows)).result
    return laying.emit(MapOp(Op.PASS, held), "counts").result


def rides_for_arguments(laying: Laying) -> None:
    """Add loads where launch arguments lack them: an AGCU sends an argument beside a load that waits for no token."""
    arguments = sum(isinstance(op, ArgumentOp) for op in laying.operations)
    loads = sum(isinstance(op, LinearLoadOp) and op.after is None for op in laying.operations)
    for _ in range(arguments - loads):
        name = laying.fresh("beside_argument")
        tensor = laying.emit(TensorOp(name, (1,), format=Format.F32, role=Role.IOTA))
        load = laying.emit(LinearLoadOp(tensor, StreamType.make(Kind.VECTOR, (1,))), name).result
        laying.emit(SinkOp(load))


def selectors(laying: Laying, values: Sequence[int], outer: Sequence[Dim]) -> SSAValue:
    """The same selectors for each element of some outer dimensions."""
    return constants(laying, values, outer, "selectors")


def constants(laying: Laying, values: Sequence[int], outer: Sequence[Dim], base: str) -> SSAValue:
    """The same numbers for each element of some outer dimensions, as scalars (int32)."""
    name = laying.fresh(base)
    tensor = laying.emit(TensorOp(name, (len(values),), format=Format.I32, role=Role.CONSTANT, values=values))
    sizes = [0 if dim.number is not None else laying.argument(dim, Unit.ELEMENTS) for dim in outer]
    dims = (*sizes_of(outer), len(values))
    load = LinearLoadOp(
        tensor,
        StreamType.make(Kind.VECTOR, dims),
        dims=(*(-1,) * len(outer), 0),
        size_args=(*sizes, 0) if any(sizes) else None,
    )
    buffer = laying.emit(BufferizeOp(laying.emit(load, name).result, rank=1)).result
    return laying.emit(StreamifyOp(buffer, kind=Kind.SCALAR), f"{name}.numbers").result
