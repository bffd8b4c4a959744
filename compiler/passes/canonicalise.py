"""Rewrites that keep the meaning: fewer buffers, and walks of loads in place of buffers behind them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass

from weft.compiler.backend.memory import row_beats
from weft.compiler.passes.rewriting import Inserting, erase_unused
from weft.compiler.step.access import LoadOp
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.joining import SliceOp
from weft.compiler.step.types import stream_of
from weft.compiler.step.walk import Walk
from weft.hw.spec import FabricSpec

__all__ = ["Canonicalise", "walked_load"]


@dataclass(frozen=True)
class Canonicalise(ModulePass):
    """Applies the rules below, each operation in order, and removes what nothing takes."""

    name = "canonicalise"

    fabric: FabricSpec

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite until nothing changes."""
        changed = True
        while changed:
            changed = any([_rewrite(each, self.fabric) for each in list(op.ops)])
            erase_unused(op)


def _rewrite(operation: Operation, spec: FabricSpec) -> bool:
    """Apply a rule to one operation, and say whether one applied."""
    value: SSAValue | None = None
    inserting = Inserting(operation)
    if isinstance(operation, SliceOp):
        value = _slice(operation, inserting)
    elif isinstance(operation, StreamifyOp):
        value = _streamify(operation, inserting, spec)
    elif isinstance(operation, ExpandOp):
        value = _expand(operation, inserting, spec)
    elif isinstance(operation, ConvertOp) and operation.result.type == operation.value.type:
        value = operation.value
    if value is None:
        return False
    inserting.replace([value])
    return True


def _slice(operation: SliceOp, inserting: Inserting) -> SSAValue:
    """A slice is a walk over a buffer of all dimensions from the first that is cut."""
    given, result, walk = stream_of(operation.value), operation.result.type, operation.visits
    whole = [walk.start[axis].number == 0 and result.dims[axis] == given.dims[axis] for axis in range(given.rank)]
    if all(whole):
        return operation.value
    first = whole.index(False)
    buffer = inserting.add(BufferizeOp(operation.value, given.rank - first)).result
    rank = given.rank - first
    inner = Walk(tuple(range(rank)), (1,) * rank, walk.start[first:])
    return inserting.add(StreamifyOp(buffer, result, inner)).result


def _streamify(operation: StreamifyOp, inserting: Inserting, spec: FabricSpec) -> SSAValue | None:
    """A buffer that is read as it was written is none; one behind a load is a walk of the load."""
    write = operation.buffer.owner
    assert isinstance(write, BufferizeOp)
    value, walk = write.value, operation.visits
    given = stream_of(value)
    if operation.result.type == given and walk == Walk.whole(write.rank):
        return value
    load = value.owner
    if not isinstance(load, LoadOp) or any(use.operation is not write for use in value.uses):
        return None
    outer = given.rank - write.rank
    if -1 in walk.dims and _fits(given.dims[outer:], spec):
        return None  # memory is read once
    shifted = Walk(
        (*range(outer), *(-1 if dim < 0 else dim + outer for dim in walk.dims)),
        (*(1,) * outer, *walk.by),
        (*(Dim.of(0),) * outer, *walk.start),
    )
    through = walked_load(load, shifted)
    if through is None or len(through.dims) > spec.agcu_levels:
        return None
    return inserting.add(LoadOp(load.tensor.string_value(), operation.result.type, through, after=load.after)).result


def walked_load(load: LoadOp, walk: Walk) -> Walk | None:
    """A walk over what a load gives as one walk over its tensor, or None where a load cannot do it by itself.

    Its last dimension stays the one that lies in rows of memory, and it never goes back.
    """
    inner = load.visits
    rank = len(inner.start)
    start = list(inner.start)
    for axis, begin in enumerate(walk.start):
        if inner.dims[axis] >= 0:
            start[inner.dims[axis]] = start[inner.dims[axis]] + begin * inner.by[axis]
    dims = tuple(-1 if axis < 0 else inner.dims[axis] for axis in walk.dims)
    by = tuple(1 if axis < 0 else step * inner.by[axis] for axis, step in zip(walk.dims, walk.by, strict=True))
    direct = dims and dims[-1] == rank - 1 and by[-1] == 1 and rank - 1 not in dims[:-1] and start[-1].number == 0
    return Walk(dims, by, tuple(start)) if direct and min(by) > 0 else None


def _fits(dims: Sequence[Dim], spec: FabricSpec) -> bool:
    """Whether a PMU holds a block of these dimensions."""
    numbers = [dim.number for dim in dims]
    if not numbers or None in numbers:
        return False
    *outer, last = (number or 0 for number in numbers)
    return prod(outer) * row_beats(last, spec, packed=False) <= spec.pmu_lines


def _expand(operation: ExpandOp, inserting: Inserting, spec: FabricSpec) -> SSAValue | None:
    """A load repeats by itself what is repeated outside its rows, where that is little, or no PMU holds it."""
    load, along, result = operation.value.owner, operation.along, operation.result.type
    suffix = result.rank
    while suffix - 1 in along:
        suffix -= 1
    inner = [axis for axis in along if axis < suffix]
    if not inner or not isinstance(load, LoadOp) or not operation.value.has_one_use() or not load.visits.dims:
        return None
    little = _fits(result.dims[:suffix], spec)
    if suffix > spec.agcu_levels or (not little and _fits(stream_of(operation.value).dims[inner[0] :], spec)):
        return None
    walked = iter(zip(load.visits.dims, load.visits.by, strict=True))
    entries = [(-1, 1) if axis in inner else next(walked) for axis in range(suffix)]
    walk = Walk(tuple(dim for dim, _ in entries), tuple(step for _, step in entries), load.visits.start)
    kind = type(result).make(result.element, result.dims[:suffix])
    value = inserting.add(
        LoadOp(load.tensor.string_value(), kind, walk, after=load.after), load.result.name_hint
    ).result
    if suffix == result.rank:
        return value
    return inserting.add(ExpandOp(value, [axis for axis in along if axis >= suffix], result)).result
