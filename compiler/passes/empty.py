"""Streams that are known to be empty when compiling: nothing of them is stored, a reduction over them is a number."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from weft.compiler.passes.rewriting import Inserting, erase_unused, fresh_name
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.joining import ConcatOp, MergeOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import Element, StreamType, stream_of

__all__ = ["FoldEmpty"]

_INTEGERS = {Reduction.ADD: 0, Reduction.MAX: -(1 << 31), Reduction.MIN: (1 << 31) - 1}
"""What a reduction of no integers is."""


@dataclass(frozen=True)
class FoldEmpty(ModulePass):
    """Removes what is done with streams of a size 0, and replaces what does not depend on them."""

    name = "fold-empty"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite operations that take empty streams."""
        for operation in list(op.ops):
            if isinstance(operation, StoreOp | RandomStoreOp):
                if is_empty(operation.value):
                    _forget(operation)
                continue
            inserting = Inserting(operation)
            made = _replacement(operation, inserting)
            if made is not None:
                inserting.replace([made])
        erase_unused(op)


def is_empty(value: SSAValue) -> bool:
    """Whether a stream has no elements, whatever the launch."""
    return any(dim.number == 0 for dim in stream_of(value).dims)


def _forget(store: StoreOp | RandomStoreOp) -> None:
    """Remove a store of nothing; loads wait for it no more."""
    for use in list(store.done.uses) if store.done is not None else ():
        load = use.operation
        assert isinstance(load, LoadOp | RandomLoadOp)
        name, kind, inserting = load.tensor.string_value(), load.result.type, Inserting(load)
        at_once = isinstance(load, LoadOp)
        now = LoadOp(name, kind, load.walk_attr.data) if at_once else RandomLoadOp(load.index, name, kind)
        inserting.replace([inserting.add(now).result])
    store.detach()
    store.erase()


def _replacement(operation: Operation, inserting: Inserting) -> SSAValue | None:
    if len(operation.results) != 1 or not isinstance(operation.results[0].type, StreamType):
        return None
    if is_empty(operation.results[0]):
        return None
    if isinstance(operation, AccumOp) and is_empty(operation.value):
        result = operation.result.type
        integers = result.element is Element.I32
        return filled(_INTEGERS[operation.reduction] if integers else operation.init, result, inserting)
    if isinstance(operation, MatmulOp) and is_empty(operation.left):
        return filled(0.0, operation.result.type, inserting)
    if isinstance(operation, MergeOp) and (is_empty(operation.zero) or is_empty(operation.other)):
        return operation.other if is_empty(operation.zero) else operation.zero
    if isinstance(operation, ConcatOp):
        parts = [part for part in operation.parts if not is_empty(part)]
        if len(parts) == 1:
            return parts[0]
        if len(parts) < len(operation.parts):
            return inserting.add(ConcatOp(parts, operation.axis)).result
    return None


def filled(number: float, kind: StreamType, inserting: Inserting) -> SSAValue:
    """A stream whose elements are all the same number."""
    module = inserting.place.parent_op()
    assert isinstance(module, ModuleOp)
    name = fresh_name(module, "zero")
    element = Element.I32 if kind.element is Element.I32 else Element.F32
    inserting.add(TensorOp(name, element, [1], Role.IOTA))
    zero = inserting.add(LoadOp(name, StreamType.make(element, [1])), name).result
    value = inserting.add(AccumOp(Reduction.ADD, zero, [0])).result
    if number:
        value = inserting.add(MapOp(Function.ADD, value, number)).result
    if kind.rank:
        value = inserting.add(ExpandOp(value, range(kind.rank), StreamType.make(element, kind.dims))).result
    return value
