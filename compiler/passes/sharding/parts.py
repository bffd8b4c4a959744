"""Writes the program of shards that a plan describes, and the streams between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from xdsl.dialects.builtin import ModuleOp, SymbolRefAttr
from xdsl.ir import Attribute, Operation, SSAValue

from weft.compiler.passes.rewriting import Inserting, fresh_name
from weft.compiler.passes.sharding.demands import Access, demands, repeats
from weft.compiler.passes.sharding.placement import WHOLE, Cut, Partial, Placement
from weft.compiler.passes.sharding.plan import Plan, sizes_of_value
from weft.compiler.step.access import StoreOp
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.dims import Dim, DimsAttr
from weft.compiler.step.joining import ConcatOp, SliceOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.random_access import RandomStoreOp
from weft.compiler.step.shard import Shard
from weft.compiler.step.tensor import TensorOp
from weft.compiler.step.types import BufferType, StreamType, TokenType, buffer_of, stream_of
from weft.compiler.step.walk import WalkAttr

__all__ = ["Parts", "summed"]

_COMBINES = {Reduction.ADD: Function.ADD, Reduction.MAX: Function.MAX, Reduction.MIN: Function.MIN}


@dataclass
class Parts:
    """The program of shards as it is written: each stream of the program before, in the forms that it has by now."""

    module: ModuleOp
    plan: Plan
    forms: dict[SSAValue, dict[Placement, list[SSAValue]]] = field(default_factory=dict)
    tensors: dict[str, list[str]] = field(default_factory=dict)
    """The shards of each tensor that is cut."""
    inserting: Inserting = field(init=False)

    def write(self) -> None:
        """Replace each operation by those of its shards."""
        operations = list(self.module.ops)
        for operation in operations:
            self.inserting = Inserting(operation)
            if isinstance(operation, TensorOp):
                self._declare(operation)
            elif operation.operands or operation.results:
                self._operation(operation)
        for operation in reversed(operations):
            gone = isinstance(operation, TensorOp) and operation.label in self.tensors
            if gone or operation.operands or operation.results:
                operation.detach()
                operation.erase()

    def _declare(self, tensor: TensorOp) -> None:
        cut = self.plan.tensors.get(tensor.label)
        if cut is None:
            return
        names: list[str] = []
        for index, size in enumerate(cut.sizes):
            shape = [*tensor.sizes[: cut.dim], size, *tensor.sizes[cut.dim + 1 :]]
            start = tuple(cut.bounds[index] if dim == cut.dim else 0 for dim in range(len(shape)))
            end = tuple(begin + length for begin, length in zip(start, shape, strict=True))
            name = fresh_name(self.module, f"{tensor.label}_{index}")
            shard = Shard(tensor.label, start, end, index, cut.shards)
            each = tensor.each is not None
            self.inserting.add(TensorOp(name, tensor.element, shape, tensor.role, each=each, shard=shard))
            names.append(name)
        self.tensors[tensor.label] = names

    # -- operations -------------------------------------------------------------------------------------

    def _operation(self, operation: Operation) -> None:
        if isinstance(operation, StoreOp | RandomStoreOp):
            placement: Placement = self.plan.stores.get(operation)
        else:
            placement = self.plan.of(operation.results[0]) if operation.results else WHOLE
        if isinstance(placement, Cut):
            self._cut(operation, placement)
        elif isinstance(placement, Partial):
            self._partial(operation, placement)
        else:
            operands = [self.form(value, WHOLE)[0] for value in operation.operands]
            made = self._made(operation, operands, [value.type for value in operation.results])
            for old, new in zip(operation.results, made.results, strict=True):
                self.forms[old] = {WHOLE: [new]}

    def _cut(self, operation: Operation, cut: Cut) -> None:
        needed = demands(operation, cut)
        assert needed is not None
        of_streams = iter(needed)
        operands = [
            # Each shard orders its own part of a tensor.
            next(iter(self.forms[value].values()))
            if isinstance(value.type, TokenType)
            else self.form(value, next(of_streams))
            for value in operation.operands
        ]
        made: list[Operation] = []
        for index in range(cut.shards):
            given = [each[index % len(each)] for each in operands]
            types = [self._type(value, cut, index) for value in operation.results]
            properties = self._properties(operation, cut, index)
            alike = made and _alike(made[0], given, types, properties)
            made.append(made[0] if alike else self._made(operation, given, types, properties, index))
        for place, old in enumerate(operation.results):
            self.forms[old] = {cut: [each.results[place] for each in made]}

    def _partial(self, operation: Operation, partial: Partial) -> None:
        """The terms of a product or reduction; where it begins counts once."""
        needed = [partial.cut]
        if isinstance(operation, MatmulOp):
            needed.append(partial.cut.along(stream_of(operation.right).rank - 2))
        operands = [self.form(value, need) for value, need in zip(operation.operands, needed, strict=True)]
        terms: list[SSAValue] = []
        for index in range(partial.cut.shards):
            properties = dict(operation.properties)
            if index and isinstance(operation, AccumOp):
                properties.pop("init_attr", None)
            given = [each[index] for each in operands]
            made = self._made(operation, given, [operation.results[0].type], properties, index)
            terms.append(made.results[0])
        self.forms[operation.results[0]] = {partial: terms}

    def _made(
        self,
        operation: Operation,
        operands: Sequence[SSAValue],
        types: Sequence[Attribute],
        properties: dict[str, Attribute] | None = None,
        index: int | None = None,
    ) -> Operation:
        """An operation like another one, with other operands."""
        kept = dict(operation.properties) if properties is None else properties
        made = type(operation).create(operands=operands, result_types=types, properties=kept)
        self.inserting.add(made)
        for old, new in zip(operation.results, made.results, strict=True):
            if old.name_hint:
                new.name_hint = old.name_hint if index is None else f"{old.name_hint}_{index}"
        return made

    def _type(self, value: SSAValue, cut: Cut, index: int) -> Attribute:
        kind, size = value.type, cut.sizes[index]
        if isinstance(kind, StreamType):
            return StreamType.make(kind.element, _with(kind.dims, cut.dim, size))
        if isinstance(kind, BufferType):
            dims, outer = _with((*kind.outer, *kind.inner), cut.dim, size), len(kind.outer)
            return BufferType.make(kind.element, dims[:outer], dims[outer:])
        return kind

    def _properties(self, operation: Operation, cut: Cut, index: int) -> dict[str, Attribute]:
        """Those of an operation for a shard: its part of a tensor, and where its part of a whole begins."""
        properties = dict(operation.properties)
        if isinstance(operation, Access) and not repeats(operation, cut):
            properties["tensor"] = SymbolRefAttr(self.tensors[operation.tensor.string_value()][index])
        elif isinstance(operation, SliceOp) and demands(operation, cut) == (WHOLE,):
            start = list(operation.visits.start)
            start[cut.dim] = start[cut.dim] + cut.bounds[index]
            properties["start_attr"] = DimsAttr((*start,))
        elif isinstance(operation, StreamifyOp) and demands(operation, cut) == (WHOLE,):
            walk, at = operation.visits, cut.dim - len(buffer_of(operation.buffer).outer)
            if walk.dims[at] >= 0:
                start = list(walk.start)
                start[walk.dims[at]] = start[walk.dims[at]] + cut.bounds[index] * walk.by[at]
                properties["walk_attr"] = WalkAttr(replace(operation.walk_attr.data, start=(*start,)))
        return properties

    # -- forms of a stream ------------------------------------------------------------------------------

    def form(self, value: SSAValue, want: Cut | None) -> list[SSAValue]:
        """A stream whole, or its parts."""
        forms = self.forms[value]
        if want not in forms:
            forms[want] = self._whole(value) if want is None else self._sliced(value, want)
        return forms[want]

    def _whole(self, value: SSAValue) -> list[SSAValue]:
        """The sum of the terms, as a tree in the order of the shards; or the parts one after the other."""
        if isinstance(value.type, BufferType):
            return self._buffered(value, WHOLE)
        placement, parts = next(iter(self.forms[value].items()))
        if isinstance(placement, Partial):
            whole = summed(placement.reduction, parts, self.inserting)
            whole.name_hint = value.name_hint
            return [whole]
        assert isinstance(placement, Cut)
        return [self.inserting.add(ConcatOp(parts, placement.dim), value.name_hint).result]

    def _sliced(self, value: SSAValue, want: Cut) -> list[SSAValue]:
        if isinstance(value.type, BufferType):
            return self._buffered(value, want)
        (whole,) = self.form(value, WHOLE)
        sizes, found = sizes_of_value(value), list[SSAValue]()
        for index in range(want.shards):
            start = [Dim.of(want.bounds[index] if dim == want.dim else 0) for dim in range(len(sizes))]
            part = SliceOp(whole, start, _with(sizes, want.dim, want.sizes[index]))
            found.append(
                self.inserting.add(part, None if value.name_hint is None else f"{value.name_hint}_{index}").result
            )
        return found

    def _buffered(self, value: SSAValue, want: Cut | None) -> list[SSAValue]:
        """A buffer has no parts of its own: those of its stream are buffered."""
        write = value.owner
        assert isinstance(write, BufferizeOp)
        return [self.inserting.add(BufferizeOp(each, write.rank)).result for each in self.form(write.value, want)]


def summed(reduction: Reduction, terms: Sequence[SSAValue], inserting: Inserting) -> SSAValue:
    """Terms of all shards combined as a tree: neighbours in threes in the order of the shards, then their results.

    A PCU takes three vector streams, so it does two steps of a chain. What is left over from the threes goes up as it
    is: then the last step, where two remain, has room for one operand more, as that of a residual connection.
    """
    terms = list(terms)
    while len(terms) > 1:
        whole = len(terms) // 3 * 3 or len(terms)
        threes = [_chained(reduction, terms[place : place + 3], inserting) for place in range(0, whole, 3)]
        terms = threes + terms[whole:]
    return terms[0]


def _chained(reduction: Reduction, terms: Sequence[SSAValue], inserting: Inserting) -> SSAValue:
    found, *others = terms
    for term in others:
        found = inserting.add(MapOp(_COMBINES[reduction], found, term)).result
    return found


def _with(dims: Sequence[Dim], at: int, size: int) -> list[Dim]:
    return [Dim.of(size) if dim == at else each for dim, each in enumerate(dims)]


def _alike(
    made: Operation, operands: Sequence[SSAValue], types: Sequence[Attribute], properties: dict[str, Attribute]
) -> bool:
    """Whether a shard would do what another one does already."""
    if isinstance(made, StoreOp | RandomStoreOp):
        return False
    now = (list(made.operands), [value.type for value in made.results], made.properties)
    return now == (list(operands), list(types), properties)
