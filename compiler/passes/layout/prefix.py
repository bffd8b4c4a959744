"""Lays out running reductions in any order: over the lanes where a row is one vector, else one by one."""

from __future__ import annotations

from weft.compiler.mapped.accum import ScanOp
from weft.compiler.mapped.prefix import PrefixOp as MappedPrefix
from weft.compiler.mapped.prefix import prefix_stages
from weft.compiler.mapped.types import Kind
from weft.compiler.passes.layout.elementwise import apply
from weft.compiler.passes.layout.laid import Laid
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.step.prefix import Associative, PrefixOp
from weft.compiler.step.types import Element
from weft.hw.numerics.ops import Op

__all__: list[str] = []


@lay.register
def _(operation: PrefixOp, laying: Laying) -> None:
    laid, hint = laying.given(operation.value), operation.result.name_hint
    function, integers = operation.function, operation.result.type.element is Element.I32
    if integers and function is Associative.MIN:  # -1 - x inverts all bits, and the order with them
        inverted = apply(laying, Op.ISUB, [laid], Element.I32, const=-1, place=0)
        greatest = _prefix(laying, inverted, Op.IMAX, None)
        laying.values[operation.result] = apply(laying, Op.ISUB, [greatest], Element.I32, const=-1, place=0, hint=hint)
        return
    op = Op[f"{'I' if integers else ''}{function.name}"]
    laying.values[operation.result] = _prefix(laying, laid, op, hint)


def _prefix(laying: Laying, laid: Laid, function: Op, hint: str | None) -> Laid:
    row, spec = max(1, laying.largest(laid.dims[-1])), laying.spec
    element = Element.I32 if laid.element is Element.I32 else Element.F32
    if row <= spec.lanes and prefix_stages(row) <= spec.stages:
        made = laying.emit(MappedPrefix(function, laying.vector(laid), row=row), hint).result
        return Laid.carried(laid.dims, element, Kind.VECTOR, made, hint=hint)
    if function is Op.MUL:
        raise laying.refuse(
            f"a row of products must be at most lanes = {spec.lanes} elements and 2^stages = {1 << spec.stages} on "
            f"fabric {spec.name!r}, not {row}: no accumulator multiplies"
        )
    first_itself = -0.0 if function is Op.ADD else None
    made = laying.emit(ScanOp(function, laying.scalar(laid), init=first_itself), hint).result
    return Laid.carried(laid.dims, element, Kind.SCALAR, made, hint=hint)
