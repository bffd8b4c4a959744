"""Functions of integers that no unit has, made of those that one has."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from weft.compiler.passes.rewriting import Inserting
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.types import Element, StreamType, stream_of

__all__ = ["MakeIntegers"]

_HALF = 65536.0
"""Two to the power of half the bits of an integer."""
_LEAST, _GREATEST = -(1 << 31), (1 << 31) - 1

Argument = SSAValue | float


@dataclass(frozen=True)
class MakeIntegers(ModulePass):
    """Units add, subtract and compare integers (``lt``, ``eq``) and choose among them; the rest is made of these.

    The greatest of many integers is found in two halves, which float32 holds exactly: the greatest upper half, then the
    greatest lower half among those that have it.
    """

    name = "make-integers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite maps and reductions of integers."""
        for operation in list(op.ops):
            if not isinstance(operation, MapOp | AccumOp):
                continue
            inserting = Inserting(operation)
            made = (_map if isinstance(operation, MapOp) else _accumulation)(operation, inserting)
            if made is not None:
                inserting.replace([made])


def _map(operation: Operation, inserting: Inserting) -> SSAValue | None:
    assert isinstance(operation, MapOp)
    if stream_of(operation.inputs[-1]).element is not Element.I32:
        return None
    function, arguments = operation.function, operation.arguments
    if function is Function.LE:  # not b < a
        less = inserting.add(MapOp(Function.LT, *reversed(arguments))).result
        return inserting.add(MapOp(Function.EQ, less, 0.0)).result
    if function in (Function.MAX, Function.MIN):
        less = inserting.add(MapOp(Function.LT, *arguments)).result
        chosen = reversed(arguments) if function is Function.MAX else arguments
        return inserting.add(MapOp(Function.SELECT, less, *chosen, result=operation.result.type)).result
    return None


def _accumulation(operation: Operation, inserting: Inserting) -> SSAValue | None:
    assert isinstance(operation, AccumOp)
    value, over, reduction = operation.value, operation.over, operation.reduction
    if stream_of(value).element is not Element.I32 or reduction is Reduction.ADD:
        return None

    def add(made: Operation) -> SSAValue:
        return inserting.add(made).results[0]

    def upper_part(half: SSAValue) -> SSAValue:
        return add(ConvertOp(add(MapOp(Function.MUL, half, _HALF)), Element.I32))

    number = add(MapOp(Function.MUL, add(ConvertOp(value, Element.F32)), 1 / _HALF))
    upper = add(ConvertOp(add(ConvertOp(number, Element.I32)), Element.F32))
    lower = add(ConvertOp(add(MapOp(Function.SUB, value, upper_part(upper))), Element.F32))
    best = add(AccumOp(reduction, upper, over))
    dims = stream_of(value).dims
    held = add(ExpandOp(best, over, StreamType.make(Element.F32, dims)))
    candidates = add(MapOp(Function.SELECT, add(MapOp(Function.EQ, upper, held)), lower, reduction.neutral))
    rest = add(ConvertOp(add(AccumOp(reduction, candidates, over)), Element.I32))
    whole = add(MapOp(Function.ADD, upper_part(best), rest))
    if all(dims[axis].number for axis in over):
        return whole
    nothing = add(MapOp(Function.EQ, best, reduction.neutral))
    neutral = _LEAST if reduction is Reduction.MAX else _GREATEST
    return add(MapOp(Function.SELECT, nothing, neutral, whole))
