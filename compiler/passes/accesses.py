"""Walks that memory cannot do by itself become walks over rows, and over buffers of them."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft.compiler.passes.rewriting import Inserting
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.shape import ReshapeOp
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.walk import Walk
from weft.hw.spec import FabricSpec

__all__ = ["SplitAccesses"]


@dataclass(frozen=True)
class SplitAccesses(ModulePass):
    """Off chip a stream walks whole beats of rows, the last dimension of a tensor, in steps of one.

    A load that walks rows otherwise loads them whole and reads them out of a buffer; a store whose last dimension is
    another one reads what it stores out of a buffer first.
    """

    name = "split-accesses"

    spec: FabricSpec

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite loads and stores."""
        for operation in list(op.ops):
            if isinstance(operation, LoadOp):
                self._load(operation)
            elif isinstance(operation, StoreOp):
                self._store(operation)

    def _beat(self, element: Element) -> int:
        return self.spec.lanes * (2 if element is Element.BF16 else 1)

    def _load(self, load: LoadOp) -> None:
        tensor, walk, result = load.declaration, load.visits, load.result.type
        if tensor.element.is_quantised:
            return
        last, start = len(tensor.sizes) - 1, walk.start[-1]
        of_rows = [axis for axis, dim in enumerate(walk.dims) if dim == last]
        aligned = start.number is not None and start.number % self._beat(tensor.element) == 0
        if len(walk.dims) > self.spec.agcu_levels >= len(tensor.sizes):
            self._whole(load)
            return
        if of_rows == [result.rank - 1] and walk.by[-1] == 1 and aligned:
            return
        first = min(of_rows, default=result.rank)
        kept = [axis for axis in range(result.rank) if axis not in of_rows]
        rows_dims = [result.dims[axis] for axis in kept] + [Dim.of(tensor.sizes[-1])]
        rows_walk = Walk(
            (*(walk.dims[axis] for axis in kept), last),
            (*(walk.by[axis] for axis in kept), 1),
            (*walk.start[:-1], Dim.of(0)),
        )
        inserting = Inserting(load)
        rows = LoadOp(tensor.label, StreamType.make(result.element, rows_dims), rows_walk, after=load.after)
        value = inserting.add(rows, load.result.name_hint).result
        outer = sum(axis < first for axis in kept)
        buffer = inserting.add(BufferizeOp(value, len(rows_dims) - outer)).result
        places = {axis: place - outer for place, axis in enumerate(kept)}
        rank = len(rows_dims) - outer
        inner = Walk(
            tuple(rank - 1 if axis in of_rows else places[axis] for axis in range(outer, result.rank)),
            tuple(walk.by[axis] if axis in of_rows else 1 for axis in range(outer, result.rank)),
            (*(Dim.of(0),) * (rank - 1), start),
        )
        inserting.replace([inserting.add(StreamifyOp(buffer, result, inner)).result])

    def _whole(self, load: LoadOp) -> None:
        """All of the tensor, and the walk out of a buffer, which has more levels of loops."""
        tensor, inserting = load.declaration, Inserting(load)
        rows = LoadOp(tensor.label, StreamType.make(tensor.element, tensor.shape), after=load.after)
        buffer = inserting.add(BufferizeOp(inserting.add(rows, tensor.label).result, len(tensor.sizes))).result
        inserting.replace([inserting.add(StreamifyOp(buffer, load.result.type, load.visits)).result])

    def _store(self, store: StoreOp) -> None:
        tensor, walk, given = store.declaration, store.visits, stream_of(store.value)
        last = len(tensor.sizes) - 1
        inserting = Inserting(store)
        if last not in walk.dims:
            # A single element of each row, where rows have no more.
            if tensor.sizes[-1] != 1:
                return
            wider = inserting.add(ReshapeOp(store.value, (*given.dims, 1))).result
            walk = Walk((*walk.dims, last), (*walk.by, 1), walk.start)
            self._replace(store, inserting, StoreOp(wider, tensor.label, walk, done=store.done is not None))
            return
        axis = walk.dims.index(last)
        if axis == given.rank - 1:
            return
        order = [*(each for each in range(given.rank) if each != axis), axis]
        dims = StreamType.make(given.element, [given.dims[each] for each in order])
        buffer = inserting.add(BufferizeOp(store.value, given.rank)).result
        turned = Walk(tuple(order), (1,) * given.rank, (Dim.of(0),) * given.rank)
        value = inserting.add(StreamifyOp(buffer, dims, turned)).result
        walk = Walk(tuple(walk.dims[each] for each in order), tuple(walk.by[each] for each in order), walk.start)
        self._replace(store, inserting, StoreOp(value, tensor.label, walk, done=store.done is not None))

    def _replace(self, store: StoreOp, inserting: Inserting, by: StoreOp) -> None:
        inserting.add(by)
        inserting.replace(by.results)
