"""Functions of integers that no unit has, made of those that one has."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from weft.compiler.passes.rewriting import Inserting
from weft.compiler.step.accum import AccumOp, Reduction, ScanOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.types import Element, stream_of

__all__ = ["MakeIntegers"]


@dataclass(frozen=True)
class MakeIntegers(ModulePass):
    """Units add, subtract and compare integers (``lt``, ``eq``, ``max``) and choose; the rest is made of these."""

    name = "make-integers"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite maps and reductions of integers."""
        for operation in list(op.ops):
            if not isinstance(operation, MapOp | AccumOp | ScanOp):
                continue
            inserting = Inserting(operation)
            made = _map(operation, inserting) if isinstance(operation, MapOp) else _least(operation, inserting)
            if made is not None:
                inserting.replace([made])


def _map(operation: MapOp, inserting: Inserting) -> SSAValue | None:
    if stream_of(operation.inputs[-1]).element is not Element.I32:
        return None
    function, arguments = operation.function, operation.arguments
    if function is Function.LE:  # not b < a
        less = inserting.add(MapOp(Function.LT, *reversed(arguments))).result
        return inserting.add(MapOp(Function.EQ, less, 0.0)).result
    if function is Function.MIN:
        less = inserting.add(MapOp(Function.LT, *arguments)).result
        return inserting.add(MapOp(Function.SELECT, less, *arguments, result=operation.result.type)).result
    return None


def _least(operation: AccumOp | ScanOp, inserting: Inserting) -> SSAValue | None:
    """The least of integers: -1 - x is x with all bits inverted, so that the greatest of them is that of the least."""
    if stream_of(operation.value).element is not Element.I32 or operation.reduction is not Reduction.MIN:
        return None
    inverted = inserting.add(MapOp(Function.SUB, -1, operation.value)).result
    greatest = inserting.add(type(operation)(Reduction.MAX, inverted, operation.over)).result
    return inserting.add(MapOp(Function.SUB, -1, greatest)).result
