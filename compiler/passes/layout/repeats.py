"""Streams that repeat blocks of another: out of a buffer, which is read several times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from xdsl.ir import SSAValue

from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.mapped.values import stream
from weft.compiler.passes.layout.buffering import outer_of
from weft.compiler.passes.layout.gathers import gathered
from weft.compiler.passes.layout.laid import Laid
from weft.compiler.passes.layout.laying import Laying
from weft.compiler.step.dims import Dim
from weft.compiler.step.walk import Walk

__all__ = ["met_by_repeats", "repeated", "repeated_by_itself"]


def repeated(laying: Laying, laid: Laid, along: list[int], dims: tuple[Dim, ...], hint: str | None) -> Laid:
    """A stream repeated along dimensions that are not its innermost ones.

    Where only a launch knows how often, what it meets may know, so it is left open (:attr:`Laid.again`).
    """
    first, times = along[0], len(along)
    inner = laid.sizes[first:]
    if DYNAMIC in inner or any(dims[axis].number is None for axis in along):
        if along == [*range(first, first + times)] and not {DYNAMIC, 0} & {*inner}:
            return Laid(dims, laid.element, again=laid, block=first, hint=hint)
        return _gathered(laying, laid, along, dims, hint)
    if laid.packed is not None and laid.vector is None and len(inner) == 1:  # a row stays packed
        value, kind, natural = laid.packed, Kind.PACKED, iter([1])
    else:
        value, kind = laying.either(laid)
        laying.check_block(inner, kind)
        natural = iter(laying.strides(inner, kind))
    strides = [0 if axis in along else next(natural) for axis in range(first, len(dims))]
    buffer = laying.buffered(value, len(inner))
    sizes = [dim.number or 0 for dim in dims[first:]]
    read = laying.emit(StreamifyOp(buffer, sizes=sizes, strides=strides), hint).result
    if kind is Kind.PACKED:
        return Laid(dims, laid.element, packed=read, hint=hint)
    return Laid.carried(dims, laid.element, kind, read, hint=hint)


def _gathered(laying: Laying, laid: Laid, along: list[int], dims: tuple[Dim, ...], hint: str | None) -> Laid:
    first = along[0]
    kept = iter(range(len(laid.dims) - first))
    entries = (*(-1 if axis in along else next(kept) for axis in range(first, len(dims))),)
    walk = Walk(entries, (1,) * len(entries), (Dim.of(0),) * (len(laid.dims) - first))
    return gathered(laying, laid, first, walk, dims, hint)


def repeated_by_itself(laying: Laying, laid: Laid) -> None:
    """Repeat blocks as often as launch arguments say."""
    base = laid.again
    assert base is not None
    times = len(laid.dims) - len(base.dims)
    found = _gathered(laying, base, [*range(laid.block, laid.block + times)], laid.dims, laid.hint)
    laid.carry(*laying.either(found))


def met_by_repeats(laying: Laying, operands: Sequence[Laid]) -> list[Laid]:
    """Operands of one function; blocks are repeated as often as another operand has some.

    That operand is read out of a buffer, block by block, and each read asks for the repeated block. What is repeated so
    is carried from then on: whoever takes it later takes the same stream.
    """
    found = [*operands]
    place = next((at for at, each in enumerate(found) if each.again is None and each.repeats is None), None)
    for each in operands:
        if each.again is None:
            continue
        block = [dim.number or 0 for dim in each.again.dims[each.block :]]
        if place is None or not laying.fits_block(block, Kind.VECTOR) or not laying.fits_block(block, Kind.SCALAR):
            repeated_by_itself(laying, each)
            continue
        outer = each.dims[: len(each.dims) - len(block)]
        laying.non_empty(outer, "an empty dimension inside others would not be seen in each of these")
        found[place], runs = _with_runs(laying, found[place], len(block))
        value, kind = laying.either(each.again)
        read = laying.emit(StreamifyOp(laying.buffered(value, len(block)), trigger=runs), each.hint).result
        each.carry(read, kind)
    return found


def _with_runs(laying: Laying, laid: Laid, rank: int) -> tuple[Laid, SSAValue]:
    """The stream, and a token for each of its blocks of ``rank`` dimensions."""
    value = laid.packed if laid.packed is not None and laid.vector is None else laying.either(laid)[0]
    read = value.owner.operands[0].owner if isinstance(value.owner, UnpackOp) else value.owner
    if not isinstance(read, StreamifyOp) or read.trigger is not None or len(outer_of(read)) != len(laid.dims) - rank:
        buffer = laying.emit(BufferizeOp(value, rank=rank)).result
        read = laying.emit(StreamifyOp(buffer, runs=True), f"{laid.hint or 'blocks'}_again")
        kind = stream(read.result).kind
        again = replace(laid, vector=None, scalar=None, packed=None)
        field = {Kind.VECTOR: "vector", Kind.SCALAR: "scalar", Kind.PACKED: "packed"}[kind]
        return replace(again, **{field: read.result}), _runs(read)
    if read.runs is None:
        control = StreamType.make(Kind.CONTROL, outer_of(read))
        read = laying.exchange(
            read,
            StreamifyOp.create(
                operands=[*read.operands], result_types=[read.result.type, control], properties={**read.properties}
            ),
        )
    return laid, _runs(read)


def _runs(read: StreamifyOp) -> SSAValue:
    assert read.runs is not None
    return read.runs
