"""Lays out reductions, running reductions and matrix products."""

from __future__ import annotations

from math import prod

from xdsl.ir import SSAValue

from weft.compiler.mapped.accum import AccumOp as MappedAccum
from weft.compiler.mapped.accum import ScanOp as MappedScan
from weft.compiler.mapped.buffers import StreamifyOp
from weft.compiler.mapped.function import neutral_of
from weft.compiler.mapped.matmul import MatmulOp as MappedMatmul
from weft.compiler.mapped.product import ProductOp
from weft.compiler.mapped.types import DYNAMIC, Kind
from weft.compiler.passes.layout.laid import Laid, hint_of
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.passes.layout.masking import masked
from weft.compiler.step.access import StoreOp
from weft.compiler.step.accum import AccumOp, Reduction, ScanOp
from weft.compiler.step.dims import dims_text
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.types import Element
from weft.hw.numerics.ops import Op

__all__: list[str] = []


def _groups(over: tuple[int, ...]) -> list[tuple[int, int]]:
    """Neighbouring dimensions among those reduced, the innermost first: first one and how many."""
    groups: list[tuple[int, int]] = []
    for axis in reversed(over):
        if groups and groups[-1][0] == axis + 1:
            groups[-1] = (axis, groups[-1][1] + 1)
        else:
            groups.append((axis, 1))
    return groups


@lay.register
def _(operation: AccumOp, laying: Laying) -> None:
    laid, hint = laying.given(operation.value), operation.result.name_hint
    function = _function(operation, laying)
    if not _stored_at_once(operation, laying):
        outer = [dim for axis, dim in enumerate(laid.dims) if axis < operation.over[-1] and axis not in operation.over]
        laying.non_empty(outer, "a reduction inside an empty dimension would be taken for an element of it")
    groups = _groups(operation.over)
    for number, (first, count) in enumerate(groups):
        last = number == len(groups) - 1
        init = None if function.is_integer else operation.init if last else operation.reduction.neutral
        laid = _reduce(laying, laid, function, first, count, init, hint if last else None)
    laying.values[operation.result] = laid


def _reduce(
    laying: Laying, laid: Laid, function: Op, first: int, count: int, init: float | None, hint: str | None
) -> Laid:
    keep = len(laid.dims) - first - count
    value, kind = laying.either(laid)
    if keep:
        row = laid.sizes[first + count :]
        one_beat = prod(row[:-1]) == 1 and 0 < row[-1] <= (1 if kind is Kind.SCALAR else laying.spec.lanes)
        if not one_beat:
            reduced = laid.dims[first : first + count]
            laying.non_empty(reduced, "a reduction of no rows would give one beat in place of a row of them")
        value, kind = _in_accumulators(laying, laid, keep)
    if function.is_integer and not keep:  # no tree over the lanes takes integers
        value, kind = laying.scalar(laid), Kind.SCALAR
    if not keep and kind is Kind.VECTOR and laid.sizes[-1] == DYNAMIC:
        value = laying.vector(masked(laying, laid, neutral_of(function)))
    made = laying.emit(MappedAccum(function, value, over=count, keep=keep, init=init), hint).result
    dims = (*laid.dims[:first], *laid.dims[first + count :])
    form = Kind.VECTOR if keep and kind is Kind.VECTOR else Kind.SCALAR
    return Laid.carried(dims, laid.element if function.is_integer else Element.F32, form, made, hint=hint)


def _stored_at_once(operation: AccumOp, laying: Laying) -> bool:
    """Whether a result goes to memory alone, without a buffer of rows: the store knows the sizes itself."""
    if any(not isinstance(use.operation, StoreOp) for use in operation.result.uses):
        return False
    laid, dims = laying.given(operation.value), operation.result.type.dims
    rows = operation.over[-1] < len(laid.dims) - 1 and laying.either(laid)[1] is Kind.VECTOR
    return rows or (bool(dims) and dims[-1].number is None)


def _in_accumulators(laying: Laying, laid: Laid, keep: int) -> tuple[SSAValue, Kind]:
    """A stream as it is, or as vectors where a row has too many numbers for an accumulator each."""
    value, kind = laying.either(laid)
    *outer, last = (laying.largest(dim) for dim in laid.dims[-keep:])
    room, beats = laying.spec.acc_depth, prod(outer) * -(-last // laying.spec.lanes)
    if kind is Kind.SCALAR and prod(outer) * last > room:
        value, kind = laying.vector(laid), Kind.VECTOR
    if kind is Kind.VECTOR and beats > room:
        raise laying.refuse(
            f"a row {dims_text(laid.dims[-keep:])} must be at most acc_depth = {room} beats on fabric "
            f"{laying.spec.name!r}, not {beats}: set acc_depth={1 << (beats - 1).bit_length()}"
        )
    return value, kind


def _function(operation: AccumOp | ScanOp, laying: Laying) -> Op:
    """What a reduction is on mapped streams."""
    reduction = operation.reduction
    if operation.result.type.element is not Element.I32:
        return Op[reduction.name]
    function = {Reduction.ADD: Op.IADD, Reduction.MAX: Op.IMAX}.get(reduction)
    if function is None:
        raise laying.refuse(f"{reduction.value} of i32 must have been made of others")
    return function


@lay.register
def _(operation: ScanOp, laying: Laying) -> None:
    laid, hint = laying.given(operation.value), operation.result.name_hint
    function = _function(operation, laying)
    (axis,) = operation.over
    keep = len(laid.dims) - axis - 1
    value, kind = _in_accumulators(laying, laid, keep) if keep else (laying.scalar(laid), Kind.SCALAR)
    init = None if function.is_integer else operation.init
    made = laying.emit(MappedScan(function, value, over=1, keep=keep, init=init), hint).result
    laying.values[operation.result] = Laid.carried(laid.dims, operation.result.type.element, kind, made, hint=hint)


@lay.register
def _(operation: MatmulOp, laying: Laying) -> None:
    left, right = laying.given(operation.left), laying.given(operation.right)
    result, hint = operation.result, operation.result.name_hint
    if right.element.is_quantised:
        if len(left.dims) == len(right.dims):
            raise laying.refuse(
                f"rows of a product with {right.element.value} weights must be as many as is known when compiling, "
                f"not {left.dims[-2]}"
            )
        rows = len(right.dims) > 2
        made = laying.emit(ProductOp(laying.scalar(left), laying.vector(right), rows=rows), hint).result
    else:
        laying.check_block(left.sizes, Kind.VECTOR)
        columns = _columns(operation, laying, left)
        made = laying.emit(MappedMatmul(columns, laying.vector(right)), hint).result
    laying.values[result] = Laid(result.type.dims, Element.F32, vector=made, hint=hint)


def _columns(operation: MatmulOp, laying: Laying, left: Laid) -> SSAValue:
    """The columns of the left side, which products of the same rows share; all of them again for each tile."""
    repeat, given = None, operation.left.owner
    if isinstance(given, ExpandOp) and given.along == (0,) and len(laying.given(given.value).dims) > 1:
        left, repeat = laying.given(given.value), given.result.type.dims[0].number
    if repeat not in left.columns:
        buffer = laying.buffered(laying.vector(left), 2)
        read = StreamifyOp(buffer, transposed=True, repeat=repeat)
        left.columns[repeat] = laying.emit(read, hint_of(left, "columns")).result
    return left.columns[repeat]
