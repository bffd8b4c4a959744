"""Splits walks that an AGCU cannot do into a walk over whole rows and one over a buffer of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from weft.compiler.errors import WeftError
from weft.compiler.passes.placing import PlaceOp
from weft.compiler.passes.rewriting import Inserting
from weft.compiler.passes.scatter import counted, last_of_each, scattered
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dimension import DimensionOp, SizeOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.operation import told_of
from weft.compiler.step.random_access import RandomStoreOp
from weft.compiler.step.shape import FlattenOp, ReshapeOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.walk import Walk
from weft.hw.spec import FabricSpec

__all__ = ["SplitAccesses", "among_zeros"]


def among_zeros(store: StoreOp | RandomStoreOp) -> bool:
    """Whether all else in its tensor is zeros: it is the only store to an output. A cache keeps what it held."""
    block = store.parent_block()
    assert block is not None
    stores = [each for each in block.ops if isinstance(each, StoreOp | RandomStoreOp)]
    return store.declaration.role is Role.OUTPUT and sum(each.tensor == store.tensor for each in stores) == 1


@dataclass(frozen=True)
class SplitAccesses(ModulePass):
    """Leaves only accesses that walk whole beats of rows, the last dimension of a tensor, in steps of one.

    A load that walks rows otherwise loads the beats that it reaches and reads them out of a buffer; a store whose last
    dimension is another one reads what it stores out of a buffer first.
    """

    name = "split-accesses"

    fabric: FabricSpec

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite loads and stores."""
        for operation in list(op.ops):
            if isinstance(operation, LoadOp):
                self._load(operation)
            elif isinstance(operation, StoreOp):
                with told_of(operation):
                    self._store(operation)
            elif isinstance(operation, RandomStoreOp):
                self._scatter(operation)

    def _beat(self, element: Element) -> int:
        return self.fabric.lanes * (2 if element is Element.BF16 else 1)

    def _load(self, load: LoadOp) -> None:
        tensor, walk, result = load.declaration, load.visits, load.result.type
        if tensor.element.is_quantised:
            return
        last, start = len(tensor.sizes) - 1, walk.start[-1]
        of_rows = [axis for axis, dim in enumerate(walk.dims) if dim == last]
        aligned = start.number is not None and start.number % self._beat(tensor.element) == 0
        if len(walk.dims) > self.fabric.agcu_levels >= len(tensor.sizes):
            self._whole(load)
            return
        if of_rows == [result.rank - 1] and walk.by[-1] == 1 and aligned:
            return
        first = min(of_rows, default=result.rank)
        kept = [axis for axis in range(result.rank) if axis not in of_rows]
        low, end = self._reached(tensor, walk, [(result.dims[axis], walk.by[axis]) for axis in of_rows])
        rows_dims = [result.dims[axis] for axis in kept] + [Dim.of(end - low)]
        rows_walk = Walk(
            (*(walk.dims[axis] for axis in kept), last),
            (*(walk.by[axis] for axis in kept), 1),
            (*walk.start[:-1], Dim.of(low)),
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
            (*(Dim.of(0),) * (rank - 1), start if start.number is None else Dim.of(start.number - low)),
        )
        inserting.replace([inserting.add(StreamifyOp(buffer, result, inner)).result])

    def _reached(self, tensor: TensorOp, walk: Walk, along: Sequence[tuple[Dim, int]]) -> tuple[int, int]:
        """From where to where a walk needs rows: whole beats, or all of a row where only a launch knows it."""
        start, size = walk.start[-1].number, tensor.sizes[-1]
        if start is None or any(not dim.number for dim, _ in along):
            return 0, size
        end = start + sum(((dim.number or 1) - 1) * step for dim, step in along) + 1
        return start - start % self._beat(tensor.element), end

    def _whole(self, load: LoadOp) -> None:
        """Load all of the tensor, and walk it in a buffer, where a loop nest has more levels."""
        tensor, inserting = load.declaration, Inserting(load)
        rows = LoadOp(tensor.label, StreamType.make(tensor.element, tensor.shape), after=load.after)
        buffer = inserting.add(BufferizeOp(inserting.add(rows, tensor.label).result, len(tensor.sizes))).result
        inserting.replace([inserting.add(StreamifyOp(buffer, load.result.type, load.visits)).result])

    def _store(self, store: StoreOp) -> None:
        tensor, walk, inserting = store.declaration, store.visits, Inserting(store)
        value, last = store.value, len(tensor.sizes) - 1
        if last not in walk.dims:  # a single element of each row
            value = inserting.add(ReshapeOp(value, (*stream_of(value).dims, 1))).result
            walk = Walk((*walk.dims, last), (*walk.by, 1), walk.start)
        value, walk = _one_along(value, walk, last, tensor, inserting)
        axis = walk.dims.index(last)
        if axis != stream_of(value).rank - 1:
            value, walk = _row_last(value, walk, axis, inserting)
        if among_zeros(store):
            value, walk = self._placed(value, walk, tensor, inserting)
        if value is not store.value or walk != store.visits:
            inserting.add(by := StoreOp(value, tensor.label, walk, done=store.done is not None))
            inserting.replace(by.results)

    def _placed(self, value: SSAValue, walk: Walk, tensor: TensorOp, inserting: Inserting) -> tuple[SSAValue, Walk]:
        """Elements that lie apart, or begin within a beat, become part of whole beats, with zeros beside them."""
        columns, start, step = stream_of(value).dims[-1].number, walk.start[-1].number, walk.by[-1]
        unit = self._beat(tensor.element)
        if start is None or (columns is None and (step > 1 or start % unit)):
            count = stream_of(value).dims[-1]
            places = counted(count, count.at(self._largest(inserting)), inserting)
            if step > 1:
                places = inserting.add(MapOp(Function.MUL, places, float(step))).result
            places = _shifted(places, walk.start[-1], inserting)
            row = scattered(value, places, tensor.sizes[-1], inserting)
            return row, Walk(walk.dims, (*walk.by[:-1], 1), (*walk.start[:-1], Dim.of(0)))
        if columns == 1 and step > 1:
            return self._placed(value, Walk(walk.dims, (*walk.by[:-1], 1), walk.start), tensor, inserting)
        if not columns or (start % unit == 0 and step == 1):
            return value, walk
        first = start - start % unit
        end = min(tensor.sizes[-1], -(-(start + (columns - 1) * step + 1) // unit) * unit)
        made = inserting.add(PlaceOp(value, start - first, step, end - first)).result
        return made, Walk(walk.dims, (*walk.by[:-1], 1), (*walk.start[:-1], Dim.of(first)))

    def _scatter(self, store: RandomStoreOp) -> None:
        """Single elements become a whole row first: a store writes whole beats."""
        tensor, index = store.declaration, store.index
        size, *entry = tensor.sizes
        if entry or not among_zeros(store):
            return
        inserting, value = Inserting(store), store.value
        given = stream_of(index)
        count = Dim.product(given.dims)
        if given.rank != 1:
            index = inserting.add(ReshapeOp(index, [count])).result
            value = inserting.add(ReshapeOp(value, [count])).result
        most = count.at(self._largest(inserting))
        places = last_of_each(index, most, size, inserting)
        row = scattered(value, places, size, inserting)
        inserting.add(by := StoreOp(row, tensor.label, done=store.done is not None))
        inserting.replace(by.results)

    def _largest(self, inserting: Inserting) -> dict[str, int]:
        module = inserting.place.parent_op()
        assert isinstance(module, ModuleOp)
        return {op.sym_name.data: op.largest for op in module.ops if isinstance(op, DimensionOp)}


def _shifted(places: SSAValue, start: Dim, inserting: Inserting) -> SSAValue:
    """Numbers moved on by a size."""
    terms: Sequence[tuple[tuple[str, ...], int]] = start.terms
    for symbols, factor in terms:
        if not symbols:
            places = inserting.add(MapOp(Function.ADD, places, float(factor))).result
            continue
        first, *others = symbols
        size = inserting.add(ConvertOp(inserting.add(SizeOp(first)).result, Element.F32)).result
        for symbol in others:
            more = inserting.add(ConvertOp(inserting.add(SizeOp(symbol)).result, Element.F32)).result
            size = inserting.add(MapOp(Function.MUL, size, more)).result
        held = inserting.add(ExpandOp(size, [0], StreamType.make(Element.F32, stream_of(places).dims))).result
        if factor != 1:
            held = inserting.add(MapOp(Function.MUL, held, float(factor))).result
        places = inserting.add(MapOp(Function.ADD, places, held)).result
    return places


def _one_along(value: SSAValue, walk: Walk, last: int, tensor: TensorOp, inserting: Inserting) -> tuple[SSAValue, Walk]:
    """Dimensions of the stream that walk a row together, one for all of them where they follow each other."""
    while walk.dims.count(last) > 1:
        given, axis = stream_of(value), walk.dims.index(last)
        columns = given.dims[axis + 1] if axis + 1 < given.rank else None
        if columns is None or walk.dims[axis + 1] != last or Dim.of(walk.by[axis]) != columns * walk.by[axis + 1]:
            raise WeftError(
                f"dimensions of the stream that walk the last of @{tensor.label} together must follow each other, the "
                f"outer one by all of the inner one; here they go by {[*walk.by]}"
            )
        value = inserting.add(FlattenOp(value, [axis, axis + 1])).result
        walk = Walk((*walk.dims[:axis], *walk.dims[axis + 1 :]), (*walk.by[:axis], *walk.by[axis + 1 :]), walk.start)
    return value, walk


def _row_last(value: SSAValue, walk: Walk, axis: int, inserting: Inserting) -> tuple[SSAValue, Walk]:
    """The stream with dimension ``axis`` as its last, read out of a buffer, and the walk of its store."""
    given = stream_of(value)
    order = [*(each for each in range(axis, given.rank) if each != axis), axis]
    rank = len(order)
    buffer = inserting.add(BufferizeOp(value, rank)).result
    dims = StreamType.make(given.element, [*given.dims[:axis], *(given.dims[each] for each in order)])
    turned = Walk(tuple(each - axis for each in order), (1,) * rank, (Dim.of(0),) * rank)
    made = inserting.add(StreamifyOp(buffer, dims, turned)).result
    order = [*range(axis), *order]
    return made, Walk(tuple(walk.dims[each] for each in order), tuple(walk.by[each] for each in order), walk.start)
