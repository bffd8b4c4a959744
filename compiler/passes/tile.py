"""Tiling: rows that are longer than a PCU has accumulators, and blocks that are larger than a PMU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from weft.compiler.backend.memory import row_beats
from weft.compiler.passes.cutting import cut_evenly, cut_unevenly
from weft.compiler.passes.ordering import order_later
from weft.compiler.passes.products import multiplied_and_summed
from weft.compiler.passes.rewriting import Inserting, erase_unused, iterates
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.accum import AccumOp, ScanOp
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.joining import ConcatOp, SliceOp
from weft.compiler.step.map import MapOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.shape import FlattenOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import BufferType, StreamType, stream_of
from weft.compiler.step.walk import Walk
from weft.hw.spec import FabricSpec

__all__ = ["Tile"]


@dataclass(frozen=True)
class Tile(ModulePass):
    """Cuts a dimension into tiles where a unit cannot hold all of it, and walks the tiles one after the other.

    The cut goes back through elementwise operations to loads and buffers, which then walk in another order. The results
    of the tiles follow each other and are flattened to the whole.
    """

    name = "tile"

    fabric: FabricSpec

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Tile sums over rows that are too long, and transposed blocks that are too large."""
        for operation in list(op.ops):
            if operation.parent is None:  # rewritten with the weights that it takes
                continue
            if isinstance(operation, AccumOp):
                for part in _groups(operation):
                    if not self._accumulation(part) and not self._turned_accumulation(part):
                        self._accumulation(part, unevenly=True)
            elif isinstance(operation, ScanOp):
                self._turned_scan(operation)
            elif isinstance(operation, StreamifyOp):
                self._transposition(operation)
            elif isinstance(operation, MatmulOp):
                self._product(operation)
            elif isinstance(operation, LoadOp) and operation.declaration.element.is_quantised:
                self._quantised_matrix(operation)
        erase_unused(op)
        order_later(op)
        erase_unused(op)

    # -- sums -------------------------------------------------------------------------------------------

    def _beats(self, kept: Sequence[Dim]) -> list[int] | None:
        """Accumulators that rows of these dimensions take, dimension by dimension; None if it is not known."""
        numbers = [dim.number for dim in kept]
        if not numbers or None in numbers:
            return None
        sizes = [number or 0 for number in numbers]
        return [*sizes[:-1], row_beats(sizes[-1], self.fabric, packed=False)]

    def _accumulation(self, operation: AccumOp, *, unevenly: bool = False) -> bool:
        """[..., reduced, kept]: the kept dimensions must have an accumulator for each beat.

        Tiles of different sizes are told ``unevenly``: their sums are joined in units of their own.
        """
        given, over = stream_of(operation.value), operation.over
        last = over[-1]
        kept = given.dims[last + 1 :]
        beats = self._beats(kept)
        room = self._room(operation)
        if beats is None or prod(beats) <= room:
            return True
        fits = prod(beats) <= self.fabric.acc_depth
        # The outermost kept dimension whose inner ones alone have room is cut.
        numbers = [dim.number or 0 for dim in kept]
        place = next(axis for axis in range(len(beats)) if prod(beats[axis + 1 :]) <= room)
        inside = prod(beats[place + 1 :])
        if place and prod(numbers[:place]) > 1:
            return fits
        inserting = Inserting(operation)
        axis, at = last + 1 + place, over[0]
        unit = self.fabric.lanes if place == len(beats) - 1 else 1
        burst = -(-self.fabric.longest_burst // inside)
        cut = cut_evenly(operation.value, axis, at, room // inside, unit, inserting, self.fabric, least=burst)
        most = self.fabric.acc_depth // inside
        if cut is None and not fits:
            cut = cut_evenly(operation.value, axis, at, most, unit, inserting, self.fabric)
        cuts = [cut] if cut is not None else []
        if not cuts and not fits and unevenly:
            cuts = cut_unevenly(operation.value, axis, at, most, unit, inserting, self.fabric)
        if not cuts:
            return fits
        parts, merged = list[SSAValue](), axis - len(over)
        for each in cuts:
            summed = AccumOp(operation.reduction, each, [dim + 1 for dim in over], init=_given(operation))
            value = inserting.add(summed).result
            parts.append(inserting.add(FlattenOp(value, [merged, merged + 1])).result)
        inserting.replace([_side_by_side(parts, inserting, merged)])
        return True

    def _room(self, operation: AccumOp) -> int:
        """Accumulators for a row: all; in a loop a quarter, but 16, for products with weights that only memory takes.

        So memory has the first results before the last are made. With fewer, bursts of weights would be short; where no
        equal tiles are as long as a burst, a row that fits stays whole. Without a loop weights do not run ahead, and
        the channel would wait while a tile is drained.
        """
        depth = self.fabric.acc_depth
        if not iterates(operation) or not all(isinstance(use.operation, StoreOp) for use in operation.result.uses):
            return depth
        value = operation.value
        factors = list(value.owner.inputs) if isinstance(value.owner, MapOp) else []
        loads = [each.owner.value.owner if isinstance(each.owner, ConvertOp) else each.owner for each in factors]
        for load in loads:
            if isinstance(load, LoadOp) and load.declaration.role is Role.WEIGHT:
                return min(depth, max(16, depth // 4))
        return depth

    def _turned_accumulation(self, operation: AccumOp) -> bool:
        """What is reduced becomes the innermost dimensions, out of a buffer: one accumulator is enough."""
        given, first, count = stream_of(operation.value), operation.over[0], len(operation.over)
        if not self._fits(given.dims[first:]):
            return False
        inserting = Inserting(operation)
        turned = _turned(operation.value, first, count, inserting)
        rank = given.rank
        over = range(rank - count, rank)
        inserting.replace([inserting.add(AccumOp(operation.reduction, turned, over, init=_given(operation))).result])
        return True

    def _turned_scan(self, operation: ScanOp) -> None:
        """The same for a running reduction, which is turned back after it."""
        given, (axis,) = stream_of(operation.value), operation.over
        beats = self._beats(given.dims[axis + 1 :])
        if beats is None or prod(beats) <= self.fabric.acc_depth or not self._fits(given.dims[axis:]):
            return
        inserting = Inserting(operation)
        turned = _turned(operation.value, axis, 1, inserting)
        made = inserting.add(ScanOp(operation.reduction, turned, [given.rank - 1], init=_given(operation))).result
        inserting.replace([_turned(made, axis, given.rank - axis - 1, inserting)])

    def _fits(self, dims: Sequence[Dim]) -> bool:
        """Whether a PMU holds a block of these dimensions."""
        beats = self._beats(dims)
        return beats is not None and prod(beats) <= self.fabric.pmu_lines

    # -- products ---------------------------------------------------------------------------------------

    def _product(self, operation: MatmulOp) -> None:
        """[..., rows, k] times [..., k, columns]: tiles of columns, and then side by side out of a buffer."""
        left, right = stream_of(operation.left), stream_of(operation.right)
        beats = self._beats(right.dims[-1:])
        if right.element.is_quantised or left.rank != right.rank or beats is None or beats[0] <= self.fabric.acc_depth:
            return
        inserting = Inserting(operation)
        lanes, room = self.fabric.lanes, self.fabric.acc_depth
        *outer, rows, k = left.dims
        at = len(outer)
        cut = cut_evenly(operation.right, at + 1, at, room, lanes, inserting, self.fabric)
        cuts = [cut] if cut is not None else []
        cuts = cuts or cut_unevenly(operation.right, at + 1, at, room, lanes, inserting, self.fabric)
        if not cuts:
            self._accumulation(multiplied_and_summed(operation))
            return
        parts: list[SSAValue] = []
        for each in cuts:
            *_, tiles, _, part = stream_of(each).dims
            again = StreamType.make(left.element, (*outer, tiles, rows, k))
            left_again = inserting.add(ExpandOp(operation.left, [at], again)).result
            products = inserting.add(MatmulOp(left_again, each), operation.result.name_hint).result
            buffer = inserting.add(BufferizeOp(products, 3)).result
            walk = Walk((1, 0, 2), (1, 1, 1), (Dim.of(0),) * 3)
            beside = StreamType.make(operation.result.type.element, (*outer, rows, tiles, part))
            value = inserting.add(StreamifyOp(buffer, beside, walk)).result
            parts.append(inserting.add(FlattenOp(value, [at + 1, at + 2])).result)
        inserting.replace([_side_by_side(parts, inserting, at + 1)])

    def _quantised_matrix(self, load: LoadOp) -> None:
        """[k, columns], which moves as a whole: memory holds tiles of columns [tiles, k, part], which products take.

        The tensor keeps its name; what it is given is cut when it is written, and filled up with zeros where no equal
        tiles are (:func:`weft.compiler.backend.memory.encode`).
        """
        given, tensor, (module, lanes) = load.result.type, load.declaration, (load.parent_op(), self.fabric.lanes)
        products = [use.operation for use in load.result.uses if isinstance(use.operation, MatmulOp)]
        assert isinstance(module, ModuleOp)
        alone = sum(isinstance(each, LoadOp) and each.tensor == load.tensor for each in module.ops) == 1
        beats = self._beats(given.dims[-1:])
        if given.rank != 2 or beats is None or beats[0] <= self.fabric.acc_depth or not alone:
            return
        if any(stream_of(each.left).rank != 1 for each in products):
            return
        (k, columns), depth = tensor.sizes, self.fabric.acc_depth
        filled = -(-beats[0] // -(-beats[0] // depth)) * lanes
        part = next((each for each in range(depth * lanes, 0, -lanes) if columns % each == 0), filled)
        shape = (-(-columns // part), k, part)
        each = tensor.each is not None
        Inserting(tensor).add(TensorOp(tensor.label, tensor.element, shape, tensor.role, each=each, shard=tensor.shard))
        tensor.detach()
        tensor.erase()
        made = LoadOp(load.tensor.string_value(), StreamType.make(given.element, shape), after=load.after)
        tiles = Inserting(load).add(made, load.result.name_hint).result
        for each in products:
            inserting = Inserting(each)
            again = StreamType.make(stream_of(each.left).element, shape[:2])
            left = inserting.add(ExpandOp(each.left, [0], again)).result
            product = inserting.add(MatmulOp(left, tiles), each.result.name_hint).result
            row = inserting.add(FlattenOp(product, [0, 1])).result
            inserting.replace([inserting.add(SliceOp(row, (Dim.of(0),), (Dim.of(columns),))).result])

    # -- transpositions ---------------------------------------------------------------------------------

    def _transposition(self, operation: StreamifyOp) -> None:
        """A matrix that is larger than a PMU is transposed some columns at a time."""
        write = operation.buffer.owner
        assert isinstance(write, BufferizeOp)
        given = stream_of(write.value)
        walk, spec = operation.visits, self.fabric
        inner = [dim.number for dim in given.dims[given.rank - write.rank :]]
        if walk.dims != (1, 0) or walk != Walk((1, 0), (1, 1), (Dim.of(0),) * 2) or None in inner or 0 in inner:
            return
        rows, columns = (size or 0 for size in inner)
        if operation.result.type.dims[given.rank - 2 :] != (Dim.of(columns), Dim.of(rows)):
            return
        if rows * row_beats(columns, spec, packed=False) <= spec.pmu_lines:
            return
        inserting = Inserting(operation)
        axis, at = given.rank - 1, given.rank - 2
        cut = cut_evenly(write.value, axis, at, spec.pmu_lines // rows, spec.lanes, inserting, spec)
        if cut is None:
            return
        buffer = inserting.add(BufferizeOp(cut, 2)).result
        kind = buffer.type
        assert isinstance(kind, BufferType)
        turned = StreamType.make(kind.element, (*kind.outer, kind.inner[1], kind.inner[0]))
        value = inserting.add(StreamifyOp(buffer, turned, walk)).result
        inserting.replace([inserting.add(FlattenOp(value, [at, at + 1])).result])


def _groups(operation: AccumOp) -> list[AccumOp]:
    """A reduction of neighbouring dimensions after the other, the innermost first."""
    over, groups = operation.over, list[list[int]]()
    for axis in over:
        if groups and groups[-1][-1] == axis - 1:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    if len(groups) == 1:
        return [operation]
    inserting, made, value = Inserting(operation), list[AccumOp](), operation.value
    for group in reversed(groups):
        init = _given(operation) if group is groups[0] else None
        made.append(inserting.add(AccumOp(operation.reduction, value, group, init=init)))
        value = made[-1].result
    inserting.replace([value])
    return made


def _side_by_side(parts: list[SSAValue], inserting: Inserting, axis: int) -> SSAValue:
    return parts[0] if len(parts) == 1 else inserting.add(ConcatOp(parts, axis)).result


def _turned(value: SSAValue, first: int, count: int, inserting: Inserting) -> SSAValue:
    """``count`` dimensions from ``first`` on become the innermost, in a buffer of all dimensions from there on."""
    given = stream_of(value)
    rank = given.rank - first
    order = (*range(count, rank), *range(count))
    buffer = inserting.add(BufferizeOp(value, rank)).result
    dims = (*given.dims[:first], *(given.dims[first + axis] for axis in order))
    walk = Walk(order, (1,) * rank, (Dim.of(0),) * rank)
    return inserting.add(StreamifyOp(buffer, StreamType.make(given.element, dims), walk)).result


def _given(operation: AccumOp | ScanOp) -> float | None:
    return None if operation.init_attr is None else operation.init
