"""Lays out elementwise functions, conversions and expansions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from xdsl.ir import SSAValue

from weft.compiler.mapped.beats import SpreadOp, UnpackOp
from weft.compiler.mapped.expand import ExpandOp as MappedExpand
from weft.compiler.mapped.function import FUNCTIONS
from weft.compiler.mapped.function import Function as MappedFunction
from weft.compiler.mapped.map import MapOp as MappedMap
from weft.compiler.mapped.types import Kind
from weft.compiler.mapped.values import stream
from weft.compiler.passes.bits import BitsOp
from weft.compiler.passes.layout.laid import Laid
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.passes.layout.reference import indices
from weft.compiler.passes.layout.repeats import met_by_repeats, repeated
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dims import Dim, dims_text
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.types import Element
from weft.hw.numerics.ops import Conversion, Op, Special

__all__ = ["apply", "held_by_itself"]


def apply(
    laying: Laying,
    function: MappedFunction,
    operands: Sequence[Laid],
    element: Element,
    *,
    const: float | None = None,
    place: int | None = None,
    hint: str | None = None,
) -> Laid:
    """A mapped function of streams of the same dimensions.

    Streams that something carries give the rate; what only repeats is held against them.
    """
    dims = operands[0].dims
    if all(each.repeats is not None for each in operands):
        common = max((each.repeats.dims for each in operands if each.repeats is not None), key=len)
        below = [_up_to(each, common) for each in operands]
        if all(each is not None for each in below) and len(common) < len(dims):
            result = apply(
                laying,
                function,
                [each for each in below if each is not None],
                element,
                const=const,
                place=place,
                hint=hint,
            )
            return Laid(dims, element, repeats=result, hint=hint)
    operands = met_by_repeats(laying, operands)
    carried = [each for each in operands if each.repeats is None]
    if not carried:
        held_by_itself(laying, operands[0])
        carried = [operands[0]]
    vectors = any(each.vector is not None or each.packed is not None for each in carried)
    reference = laying.vector(carried[0]) if vectors else laying.scalar(carried[0])
    values: list[SSAValue] = []
    for each in operands:
        if each.repeats is not None:
            values.append(laying.emit(MappedExpand(laying.scalar(each.repeats), reference)).result)
        else:
            values.append(laying.vector(each) if vectors else laying.scalar(each))
    if len(values) == 3 and _exceed_inputs(laying, values):
        return _in_steps(laying, function, operands, element, hint)
    packed = [value for value in dict.fromkeys(values) if isinstance(value.owner, UnpackOp)]
    for value in packed[1:]:  # a PCU unpacks one of its inputs
        passed = laying.emit(MappedMap(Op.PASS, value), value.name_hint).result
        values = [passed if each is value else each for each in values]
    made = laying.emit(MappedMap(function, *values, const=const, place=place), hint).result
    return Laid.carried(dims, element, Kind.VECTOR if vectors else Kind.SCALAR, made, hint=hint)


def _exceed_inputs(laying: Laying, values: Sequence[SSAValue]) -> bool:
    """Whether a PCU has too few inputs for these operands."""
    kinds = [stream(value).kind for value in dict.fromkeys(values)]
    spec = laying.spec
    return kinds.count(Kind.VECTOR) > spec.vector_inputs or kinds.count(Kind.SCALAR) > spec.scalar_inputs


def _in_steps(
    laying: Laying, function: MappedFunction, operands: Sequence[Laid], element: Element, hint: str | None
) -> Laid:
    """A function of three operands as functions of two, bit for bit the same."""
    first, second, third = operands
    if function is Op.MULADD:
        return apply(laying, Op.ADD, [apply(laying, Op.MUL, [first, second], element), third], element, hint=hint)
    ones = apply(laying, Op.SELECT, [first, second], element, const=0.0, place=2)
    others = apply(laying, Op.SELECT, [first, third], element, const=0.0, place=1)
    return apply(laying, Op.IADD, [ones, others], element, hint=hint)  # one of both is nothing but zero bits


def _up_to(laid: Laid, dims: tuple[Dim, ...]) -> Laid | None:
    """A stream that is repeated, with fewer dimensions of repetition."""
    base = laid.repeats
    if base is None or base.dims != dims[: len(base.dims)]:
        return None
    return base if base.dims == dims else Laid(dims, base.element, repeats=base, hint=base.hint)


def held_by_itself(laying: Laying, laid: Laid) -> None:
    """Give a stream that only repeats another beats of its own: a PCU holds each element against indices."""
    base = laid.repeats
    assert base is not None
    most = laid.dims[-1].number
    if most is None:
        raise laying.refuse(
            f"nothing gives the rate of {dims_text(laid.dims)}, whose innermost size is not known when compiling: use "
            "it together with a stream that has this size"
        )
    reference = indices(laying, laid.dims, max(1, most))
    held = laying.emit(MappedExpand(laying.scalar(base), reference)).result
    laid.carry(laying.emit(SpreadOp(held), laid.hint).result, Kind.VECTOR)


_INTEGERS = {
    Function.ADD: Op.IADD,
    Function.SUB: Op.ISUB,
    Function.MAX: Op.IMAX,
    Function.LT: Op.ILT,
    Function.EQ: Op.IEQ,
}


@lay.register
def _(operation: MapOp, laying: Laying) -> None:
    hint, function = operation.result.name_hint, operation.function
    result = operation.result.type
    operands = [laying.values[value] for value in operation.inputs]
    constant = None if operation.constant_attr is None else operation.constant_attr.value.data
    place = None if operation.place_attr is None else operation.place_attr.value.data
    if function is Function.DIV_APPROX:
        _divide(operation, laying, operands)
        return
    integers = operands[-1].element is Element.I32 and function is not Function.SELECT
    mapped = _INTEGERS.get(function) if integers else FUNCTIONS.members[function.value]
    if mapped is None:
        raise laying.refuse(f"{function.value} of i32 must have been made of others")
    laying.values[operation.result] = apply(
        laying, mapped, operands, result.element, const=constant, place=place, hint=hint
    )


def _divide(operation: MapOp, laying: Laying, operands: list[Laid]) -> None:
    hint = operation.result.name_hint
    arguments = operation.arguments
    if not isinstance(arguments[1], SSAValue):
        with np.errstate(divide="ignore"):
            inverted = float(np.float32(1) / np.float32(arguments[1]))
        laying.values[operation.result] = apply(laying, Op.MUL, operands, Element.F32, const=inverted, hint=hint)
        return
    inverse = apply(laying, Special.RECIPROCAL, [operands[-1]], Element.F32)
    if isinstance(arguments[0], SSAValue):
        laying.values[operation.result] = apply(laying, Op.MUL, [operands[0], inverse], Element.F32, hint=hint)
    else:
        laying.values[operation.result] = apply(
            laying, Op.MUL, [inverse], Element.F32, const=float(arguments[0]), hint=hint
        )


@lay.register
def _(operation: ConvertOp, laying: Laying) -> None:
    laid, target, hint = laying.values[operation.value], operation.result.type.element, operation.result.name_hint
    if laid.element is Element.I32 and target is not Element.I32:
        laid = apply(laying, Conversion.FROM_INT32, [laid], Element.F32, hint=hint)
    if target is Element.BF16 and laid.element is not Element.BF16:
        laid = apply(laying, Conversion.TO_BF16, [laid], target, hint=hint)
    elif target is Element.I32 and laid.element is not Element.I32:
        laid = apply(laying, Conversion.TO_INT32, [laid], target, hint=hint)
    laying.values[operation.result] = replace(laid, element=target, hint=hint)


@lay.register
def _(operation: BitsOp, laying: Laying) -> None:
    element, hint = operation.result.type.element, operation.result.name_hint
    laying.values[operation.result] = replace(laying.values[operation.value], element=element, hint=hint)


@lay.register
def _(operation: ExpandOp, laying: Laying) -> None:
    laid, dims, hint = laying.given(operation.value), operation.result.type.dims, operation.result.name_hint
    suffix = len(dims)
    while suffix - 1 in operation.along:
        suffix -= 1
    inner = [axis for axis in operation.along if axis < suffix]
    if inner:
        laid = repeated(laying, laid, inner, dims[:suffix], hint)
    if suffix < len(dims):
        laid = Laid(dims, laid.element, repeats=laid, hint=hint)
    laying.values[operation.result] = laid
