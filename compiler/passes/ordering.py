"""Parts of products that are put in order once, behind what is computed element by element."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TypeAlias

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.passes.rewriting import Inserting
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.map import MapOp
from weft.compiler.step.shape import FlattenOp
from weft.compiler.step.types import StreamType, stream_of
from weft.compiler.step.walk import Walk

__all__ = ["order_later"]

_Elementwise: TypeAlias = MapOp | ConvertOp


@dataclass(frozen=True)
class _Order:
    """How a buffer of the inner ``rank`` dimensions of ``came`` is read, and which of those that result are joined."""

    came: tuple[Dim, ...]
    rank: int
    walk: Walk
    read: tuple[Dim, ...]
    over: tuple[int, ...]


@dataclass
class _Group:
    """Values that come out of buffers in one order, as they were before, and what is computed of them alone."""

    before: dict[SSAValue, SSAValue] = field(default_factory=dict[SSAValue, SSAValue])
    operations: list[_Elementwise] = field(default_factory=list[_Elementwise])


def order_later(module: ModuleOp) -> None:
    """Elementwise operations take streams as they came, where a single buffer then orders what several did before.

    As gate and up of a decoder, products of several rows in tiles of columns: their parts meet each other as they come.
    """
    groups: defaultdict[_Order, _Group] = defaultdict(_Group)
    orders: dict[SSAValue, _Order] = {}
    for operation in module.ops:
        if isinstance(operation, FlattenOp) and (found := _ordered(operation)) is not None:
            orders[operation.result], groups[found[0]].before[operation.result] = found
        elif isinstance(operation, _Elementwise):
            order = {orders.get(each) for each in operation.operands}
            if len(order) == 1 and (only := order.pop()) is not None:
                orders[operation.results[0]] = only
                groups[only].operations.append(operation)
    for order, group in groups.items():
        _order_later(order, group)


def _ordered(flatten: FlattenOp) -> tuple[_Order, SSAValue] | None:
    """How a buffer orders a value that nothing else takes; None if none does."""
    read = flatten.value.owner
    if not isinstance(read, StreamifyOp) or not read.result.has_one_use() or not read.buffer.has_one_use():
        return None
    write = read.buffer.owner
    assert isinstance(write, BufferizeOp)
    came = stream_of(write.value).dims
    return _Order(came, write.rank, read.visits, read.result.type.dims, flatten.over), write.value


def _order_later(order: _Order, group: _Group) -> None:
    inside = set(group.operations)
    taken = [op.results[0] for op in group.operations if any(use.operation not in inside for use in op.results[0].uses)]
    kept = [each for each in group.before if any(use.operation not in inside for use in each.uses)]
    if len(taken) + len(kept) >= len(group.before):
        return
    now = dict(group.before)
    for operation in group.operations:
        inserting, result = Inserting(operation), operation.results[0]
        element = stream_of(result).element
        if isinstance(operation, ConvertOp):
            made: _Elementwise = ConvertOp(now[operation.value], element)
        else:
            arguments = [now[each] if isinstance(each, SSAValue) else each for each in operation.arguments]
            made = MapOp(operation.function, *arguments, result=StreamType.make(element, order.came))
        now[result] = inserting.add(made, result.name_hint).results[0]
    for result in taken:
        inserting, element = Inserting(result.owner), stream_of(result).element
        buffer = inserting.add(BufferizeOp(now[result], order.rank)).result
        read = StreamifyOp(buffer, StreamType.make(element, order.read), order.walk)
        inserting.replace([inserting.add(FlattenOp(inserting.add(read).result, order.over)).result])
