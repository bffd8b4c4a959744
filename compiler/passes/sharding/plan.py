"""Which streams of a program are cut, and how: marks where work begins and ends, spread to all that they imply.

Decisions are made in the order of the program, where a choice comes up: a store, a product, a reduction. Each takes the
cut with the least work for the busiest shard, and settles the operands that it needs. Two products in a row so become
those of Megatron-LM (arXiv 1909.08053): the first by columns, the second by rows, with a sum behind it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import prod

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from weft.compiler.passes.sharding.demands import Access, demands, repeats, stream_cut, tensor_cut
from weft.compiler.passes.sharding.placement import WHOLE, Cut, Partial, Placement, cuts_of
from weft.compiler.passes.sharding.spread import Spread
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.loop import KeepOp, LoopOp, RecallOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.types import BufferType, StreamType, TokenType, stream_of

__all__ = ["Plan", "planned", "sizes_of_value", "stream_operands"]


def stream_operands(operation: Operation) -> list[SSAValue]:
    """The operands that are streams or buffers."""
    return [value for value in operation.operands if not isinstance(value.type, TokenType)]


def sizes_of_value(value: SSAValue) -> tuple[Dim, ...]:
    """Sizes of a stream; of a stream of buffers its own and then those of a buffer."""
    kind = value.type
    assert isinstance(kind, StreamType | BufferType)
    return kind.dims if isinstance(kind, StreamType) else (*kind.outer, *kind.inner)


@dataclass
class Plan:
    """The placement of each stream; what is not listed is whole. ``tensors`` are those that are cut."""

    placed: dict[SSAValue, Placement] = field(default_factory=dict)
    stores: dict[Operation, Cut] = field(default_factory=dict)
    tensors: dict[str, Cut] = field(default_factory=dict)

    def of(self, value: SSAValue) -> Placement:
        """The placement of a stream."""
        return self.placed.get(value, WHOLE)


def planned(module: ModuleOp, spread: Spread) -> Plan:
    """A plan for at most so many shards."""
    planner = _Planner(module, spread)
    for operation in module.ops:
        planner.decide(operation)
    return planner.plan


class _Planner:
    """A plan as it grows."""

    def __init__(self, module: ModuleOp, spread: Spread) -> None:
        self.spread, self.plan = spread, Plan()
        self.most = {op.sym_name.data: op.largest for op in module.ops if isinstance(op, DimensionOp)}
        for operation in module.ops:
            if isinstance(operation, LoopOp) and operation.round is not None and operation.rounds is not None:
                self.most[operation.round] = self.most[operation.rounds]
        self.accesses: dict[str, list[Access]] = {}
        for operation in module.ops:
            if isinstance(operation, Access):
                self.accesses.setdefault(operation.tensor.string_value(), []).append(operation)
        self._costs: dict[tuple[SSAValue, Cut | None], int] = {}

    # -- decisions --------------------------------------------------------------------------------------

    def decide(self, operation: Operation) -> None:
        """Make the choice that comes up with an operation, if one does."""
        if isinstance(operation, RecallOp | KeepOp):
            for value in (*operation.operands, *operation.results):
                self.settle(value, WHOLE)
        elif isinstance(operation, MatmulOp):
            self._product(operation)
        elif isinstance(operation, AccumOp):
            self._reduction(operation)
        elif isinstance(operation, StoreOp | RandomStoreOp):
            self._store(operation)

    def _store(self, operation: StoreOp | RandomStoreOp) -> None:
        best: Cut | None = None
        least = self._cost(operation.value, WHOLE)
        for cut in self._cuts(operation.value, self.spread.of(operation.tensor.string_value())):
            if self._tensor_cut(operation, cut) is None:
                continue
            cost = self._cost(operation.value, cut)
            if cost < least:
                best, least = cut, cost
        if best is None:
            return
        self.settle(operation.value, best)
        if isinstance(operation, RandomStoreOp):
            self.settle(operation.index, WHOLE)
        self.plan.stores[operation] = best
        self._settle_tensor(operation, best)

    def _product(self, operation: MatmulOp) -> None:
        """By rows of the matrix, if the operand comes out of a product that can be cut so that it brings them."""
        left, right = operation.left, operation.right
        last, rows = stream_of(left).rank - 1, stream_of(right).rank - 2
        given = self.plan.of(left)
        if isinstance(given, Cut) and given.dim == last and self._cost(right, given.along(rows)) < _NEVER:
            self._partial(operation, given, (given, given.along(rows)))
            return
        if left in self.plan.placed or right in self.plan.placed or not self._of_product(left):
            return
        if rows:  # products side by side, as heads are: what is done with them says how they are cut
            return
        best: Cut | None = None
        least = self._cost(left, WHOLE)
        for cut in self._cuts(left, self._most(right), [last]):
            # Of the matrix the shards may be more: its rows are cut further (see rows.py).
            cost = self._cost(left, cut)
            if cost < least and self._cost(right, cut.along(rows)) < _NEVER:
                best, least = cut, cost
        if best is not None:
            self._partial(operation, best, (best, best.along(rows)))

    def _reduction(self, operation: AccumOp) -> None:
        """A term from each shard: over a dimension that is cut already; or of all that memory brings to one number."""
        given = self.plan.of(operation.value)
        if isinstance(given, Cut) and given.dim in operation.over:
            self._partial(operation, given, (given,))
        elif operation.result.type.dims == () and self._open(operation.value):
            cuts = self._cuts(operation.value, self.spread.shards)
            best = min(cuts, key=lambda cut: self._cost(operation.value, cut), default=None)
            if best is not None and self._cost(operation.value, best) < self._cost(operation.value, WHOLE):
                self._partial(operation, best, (best,))

    def _open(self, value: SSAValue, seen: set[SSAValue] | None = None) -> bool:
        """Whether nothing that leads to a stream is decided yet."""
        seen = set() if seen is None else seen
        if value in seen:
            return True
        seen.add(value)
        if value in self.plan.placed or not isinstance(value.owner, Operation):
            return False
        return all(self._open(each, seen) for each in stream_operands(value.owner))

    def _partial(self, operation: MatmulOp | AccumOp, cut: Cut, needed: Sequence[Cut]) -> None:
        reduction = operation.reduction if isinstance(operation, AccumOp) else Reduction.ADD
        self.plan.placed[operation.result] = Partial(reduction, cut)
        self._costs.clear()
        for value, need in zip(operation.operands, needed, strict=True):
            self.settle(value, need)

    def _of_product(self, value: SSAValue, seen: set[SSAValue] | None = None) -> bool:
        """Whether a product that can still be cut leads to a stream."""
        seen = set() if seen is None else seen
        if value in seen or isinstance(self.plan.of(value), Partial) or not isinstance(value.owner, Operation):
            return False
        seen.add(value)
        if isinstance(value.owner, MatmulOp):
            return True
        if value in self.plan.placed and self.plan.placed[value] is None:
            return False
        return any(self._of_product(each, seen) for each in stream_operands(value.owner))

    def _most(self, matrix: SSAValue) -> int:
        load = matrix.owner
        return self.spread.of(load.tensor.string_value()) if isinstance(load, LoadOp) else self.spread.shards

    def _cuts(self, value: SSAValue, most: int, dims: Iterable[int] | None = None) -> list[Cut]:
        sizes = sizes_of_value(value)
        found: list[Cut] = []
        for dim in range(len(sizes)) if dims is None else dims:
            number = sizes[dim].number
            found += cuts_of(dim, number, most) if number is not None and number > 1 else []
        return found

    # -- what follows -----------------------------------------------------------------------------------

    def settle(self, value: SSAValue, want: Cut | None) -> None:
        """Place a stream, and what leads to it, if that is still open."""
        if value in self.plan.placed:
            return
        self._costs.clear()
        operation = value.owner
        assert isinstance(operation, Operation)
        operands = stream_operands(operation)
        needed = None if want is None else demands(operation, want)
        if isinstance(operation, LoadOp | RandomLoadOp):
            if want is not None and not repeats(operation, want):
                if self._tensor_cut(operation, want) is None:
                    want = WHOLE
                else:
                    self._settle_tensor(operation, want)
        elif needed is None:
            want = WHOLE
        self.plan.placed[value] = want
        for each, need in zip(operands, needed or (WHOLE,) * len(operands), strict=True):
            self.settle(each, need)

    def _settle_tensor(self, access: Access, cut: Cut) -> None:
        of_tensor = tensor_cut(access, cut)
        assert of_tensor is not None
        self.plan.tensors[access.tensor.string_value()] = of_tensor
        self._costs.clear()
        for other in self.accesses[access.tensor.string_value()]:
            own = stream_cut(other, of_tensor)
            if isinstance(other, LoadOp | RandomLoadOp):
                self.plan.placed.setdefault(other.result, own)
            elif other not in self.plan.stores and own is not None:
                self.plan.stores[other] = own
                self.settle(other.value, own)
            if isinstance(other, RandomLoadOp | RandomStoreOp):
                self.settle(other.index, WHOLE)

    def _tensor_cut(self, access: Access, cut: Cut) -> Cut | None:
        """The cut of the tensor, if all accesses to it can follow."""
        name = access.tensor.string_value()
        of_tensor = tensor_cut(access, cut)
        if of_tensor is None or self.plan.tensors.get(name, of_tensor) != of_tensor:
            return None
        if of_tensor.shards > self.spread.of(name):
            return None
        if access.declaration.element.is_quantised and not self._taken_once(access):
            return None
        for other in self.accesses[name]:
            if stream_cut(other, of_tensor) is None or not _ordered_within(other):
                return None
            loads = isinstance(other, LoadOp | RandomLoadOp)
            if name not in self.plan.tensors and loads and other.result in self.plan.placed:
                return None
        return of_tensor

    def _taken_once(self, access: Access) -> bool:
        """Whether one operation takes all of the tensor: quantised weights cannot be put together again, nor sliced."""
        alone = len(self.accesses[access.tensor.string_value()]) == 1
        return alone and isinstance(access, LoadOp) and access.result.has_one_use()

    # -- costs ------------------------------------------------------------------------------------------

    def _cost(self, value: SSAValue, want: Cut | None) -> int:
        """The elements that the busiest shard, and what all share, handle on the way to a stream."""
        key = (value, want)
        if key not in self._costs:
            self._costs[key] = self._cost_of(value, want)
        return self._costs[key]

    def _cost_of(self, value: SSAValue, want: Cut | None) -> int:
        size = prod(dim.at(self.most) for dim in sizes_of_value(value))
        if value in self.plan.placed:
            return 0 if self.plan.placed[value] == want else _changed(value, size)
        operation = value.owner
        assert isinstance(operation, Operation)
        work = size
        if isinstance(operation, MatmulOp):
            work = prod(dim.at(self.most) for dim in stream_of(operation.right).dims)
        operands = stream_operands(operation)
        needed = None if want is None else demands(operation, want)
        loads = isinstance(operation, LoadOp | RandomLoadOp)
        if loads and want is not None and not repeats(operation, want) and self._tensor_cut(operation, want) is None:
            needed = None
        if want is None or needed is None:
            change = 0 if want is None else _changed(value, size)
            return work + sum(self._cost(each, WHOLE) for each in operands) + change
        whole = want.bounds[-1]
        share = -(-work * max(want.sizes) // whole) if whole else work
        return share + sum(self._cost(each, need) for each, need in zip(operands, needed, strict=True))


_NEVER = 1 << 60


def _changed(value: SSAValue, size: int) -> int:
    """What it costs to put parts together, or to slice the whole.

    Quantised weights cannot be, and blocks of a size that a launch brings no buffer can slice.
    """
    quantised = isinstance(value.type, StreamType) and value.type.element.is_quantised
    unknown = any(dim.number is None for dim in sizes_of_value(value))
    return _NEVER if quantised or unknown else size


def _ordered_within(access: Access) -> bool:
    """Whether the tokens of an access are of its own tensor, so that each shard orders its own part."""
    if isinstance(access, LoadOp | RandomLoadOp):
        others = [] if access.after is None else [access.after.owner]
    else:
        others = [] if access.done is None else [use.operation for use in access.done.uses]
    return all(isinstance(other, Access) and other.tensor == access.tensor for other in others)
