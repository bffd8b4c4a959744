"""Lays out merges and concatenations."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.compiler.mapped.beats import LaneOp, SpreadOp
from weft.compiler.mapped.launch import Unit
from weft.compiler.mapped.merge import MergeOp as MappedMerge
from weft.compiler.mapped.shape import FlattenOp
from weft.compiler.mapped.types import DYNAMIC, Kind
from weft.compiler.passes.layout.elementwise import apply
from weft.compiler.passes.layout.laid import Laid
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.passes.layout.reference import argument_stream, constants, indices, selectors
from weft.compiler.passes.placing import PlaceOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.joining import ConcatOp, MergeOp
from weft.compiler.step.types import Element
from weft.hw.numerics.ops import Op

__all__: list[str] = []

_EMPTY = "streams are not joined inside an empty dimension"


def _merge(
    laying: Laying,
    which: SSAValue,
    parts: list[Laid],
    kind: Kind,
    hint: str | None,
    *,
    block: int | None = None,
    known: list[int] | None = None,
) -> SSAValue:
    """``known`` are the selectors where the compiler makes them.

    Scalars go through a merge, which takes vectors, one in each beat.
    """
    values = [laying.vector(each) if kind is Kind.VECTOR else laying.scalar(each) for each in parts]
    if kind is Kind.SCALAR:
        values = [laying.emit(SpreadOp(each)).result for each in values]
    made = laying.emit(MappedMerge(which, *values, block=block, known=known), hint).result
    return laying.emit(LaneOp(made), hint).result if kind is Kind.SCALAR else made


@lay.register
def _(operation: MergeOp, laying: Laying) -> None:
    parts = [laying.given(each) for each in (operation.zero, operation.other)]
    for part in parts:
        laying.non_empty(part.dims[:1], "no selector takes the void beat of an empty stream")
    which = laying.scalar(laying.given(operation.which))
    hint, kind = operation.result.name_hint, Kind.SCALAR if len(parts[0].dims) == 1 else Kind.VECTOR
    made = _merge(laying, which, parts, kind, hint)
    laying.values[operation.result] = Laid.carried(operation.result.type.dims, parts[0].element, kind, made, hint=hint)


@lay.register
def _(operation: ConcatOp, laying: Laying) -> None:
    parts = [laying.given(each) for each in operation.parts]
    axis, hint = operation.axis, operation.result.name_hint
    laid = parts[0]
    for part in parts[1:]:
        laid = _joined(laying, laid, part, axis, hint)
    laying.values[operation.result] = laid


def _joined(laying: Laying, one: Laid, two: Laid, axis: int, hint: str | None) -> Laid:
    sizes = (one.sizes[axis], two.sizes[axis])
    outer, innermost = one.dims[:axis], axis == len(one.dims) - 1
    dims = (*outer, one.dims[axis] + two.dims[axis], *one.dims[axis + 1 :])
    laying.non_empty((*outer, one.dims[axis], two.dims[axis]), _EMPTY)
    if DYNAMIC in sizes:
        which = laying.scalar(_behind(laying, one.dims[axis], dims[: axis + 1]))
        kind = Kind.SCALAR if innermost else Kind.VECTOR
        made = _merge(laying, which, [one, two], kind, hint, block=len(dims) - axis - 1)
        return Laid.carried(dims, one.element, kind, made, hint=hint)
    if not innermost:
        known = [0] * sizes[0] + [1] * sizes[1]
        made = _merge(laying, selectors(laying, known, outer), [one, two], Kind.VECTOR, hint, known=known)
        return Laid(dims, one.element, vector=made, hint=hint)
    # Rows are joined: a row of one, a row of the other, and then both are one.
    whole = sizes[0] % laying.spec.lanes == 0 and one.scalar is None and two.scalar is None
    kind = Kind.VECTOR if whole else Kind.SCALAR
    which = selectors(laying, [0, 1], outer)
    made = _merge(laying, which, [one, two], kind, None, block=1, known=[0, 1])
    flat = laying.emit(FlattenOp(made, size=sum(sizes)), hint).result
    return Laid.carried(dims, one.element, kind, flat, hint=hint)


def _behind(laying: Laying, size: Dim, dims: tuple[Dim, ...]) -> Laid:
    """0.0 for the first ``size`` of the innermost dimension, then 1.0."""
    index = Laid(dims, Element.F32, vector=indices(laying, dims, laying.largest(dims[-1])))
    if size.number is not None:
        before = apply(laying, Op.LT, [index], Element.F32, const=float(size.number))
    else:
        argument = argument_stream(laying, laying.argument(size, Unit.FLOAT))
        before = apply(
            laying,
            Op.LT,
            [index, Laid(dims, Element.F32, repeats=Laid((), Element.F32, scalar=argument))],
            Element.F32,
        )
    return apply(laying, Op.EQ, [before], Element.F32, const=0.0)


@lay.register
def _(operation: PlaceOp, laying: Laying) -> None:
    """A merge element by element: of the row, or of zeros."""
    laid, result, hint = laying.given(operation.value), operation.result, operation.result.name_hint
    outer, size = laid.dims[:-1], result.type.dims[-1].number or 0
    laying.non_empty(outer, _EMPTY)
    places = set(operation.places)
    known = [int(place in places) for place in range(size)]
    which = selectors(laying, known, outer)
    zeros = constants(laying, [0] * max(1, size - len(places)), outer, "zeros")
    parts = [laying.emit(SpreadOp(each)).result for each in (zeros, laying.scalar(laid))]
    made = laying.emit(MappedMerge(which, *parts, block=0, known=known), hint).result
    scalar = laying.emit(LaneOp(made), hint).result
    laying.values[result] = Laid(result.type.dims, laid.element, scalar=scalar, hint=hint)
