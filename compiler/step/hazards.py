"""Order of accesses to memory: which of them could overtake each other within, and across, iterations and rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, permutations

from xdsl.ir import Operation

from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.iterations import Iterations, iterations_of
from weft.compiler.step.loop import LoopOp
from weft.compiler.step.operation import line_of
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.types import StreamType, TokenType, stream_of

__all__ = ["hazards", "waits_for_the_round_before"]

_Access = LoadOp | StoreOp | RandomLoadOp | RandomStoreOp
_Spans = list[tuple[Dim, Dim]]

_LATER = Dim.of("rounds later") + 1
"""How many rounds come between two: at least one."""


def hazards(operations: Sequence[Operation]) -> Iterator[tuple[Operation, str]]:
    """Pairs of accesses to one tensor, of which one is a store, that nothing orders: one of them, and the rule.

    The accesses of one operation are in order, over iterations and rounds, and those of two operations in none. A token
    orders a store before a load of the same iteration, so that of any two the load is also behind the stores of earlier
    ones; but a load gives no token, so the next store need not wait for it.
    """
    after: dict[Operation, set[Operation]] = {}
    for operation in operations:
        owners = [value.owner for value in operation.operands if isinstance(value.owner, Operation)]
        after[operation] = set(owners).union(*(after[owner] for owner in owners))
    loop = next((each for each in operations if isinstance(each, LoopOp)), LoopOp(1))
    whens = iterations_of(operations)
    by_tensor: dict[str, list[_Access]] = {}
    for operation in operations:
        if isinstance(operation, _Access):
            by_tensor.setdefault(operation.tensor.string_value(), []).append(operation)
    for accesses in by_tensor.values():
        for first, second in combinations(accesses, 2):
            if not (_stores(first) or _stores(second)):
                continue
            pair = _Pair(first, second, ordered=_ordered(first, second, after))
            yield from pair.within()
            if whens[second] is Iterations.EVERY and loop.iterations > 1 and first.declaration.each is None:
                yield from pair.across_iterations()
            if loop.round is not None:
                yield from pair.across_rounds(loop, whens)


def waits_for_the_round_before(load: LoadOp, round: str | None) -> bool:
    """Whether a load begins, in each round but the first, only after the round before has stored the same tensor."""
    block = load.parent_block()
    assert block is not None
    stored = any(isinstance(each, StoreOp) and each.tensor == load.tensor for each in block.ops)
    return stored and load.after is None and any(round in start.symbols for start in load.visits.start)


@dataclass(frozen=True)
class _Pair:
    """Two accesses of one tensor, in the order of the program; ``ordered`` if the second begins after the first."""

    first: _Access
    second: _Access
    ordered: bool

    @property
    def name(self) -> str:
        """The tensor, and the lines of the accesses."""
        lines = [line_of(each) for each in (self.first, self.second)]
        where = "" if None in lines else f" (lines {lines[0]} and {lines[1]})"
        return f"@{self.first.tensor.string_value()}{where}"

    def within(self) -> Iterator[tuple[Operation, str]]:
        """In one iteration, in any order."""
        if self.ordered or _apart(_spans(self.first), _spans(self.second)):
            return
        if _stores(self.first) and _stores(self.second):
            kinds, advice = "two stores", "store to two tensors, or to parts of it that are apart"
        else:
            kinds = "a store and a load" if _stores(self.first) else "a load and a store"
            advice = "store to another tensor, or store first and give the token of the store to the load (after)"
        yield self.second, f"{kinds} of {self.name} in one launch have no order: {advice}"

    def across_iterations(self) -> Iterator[tuple[Operation, str]]:
        """The first in a later iteration, and the second in an earlier one: a token is of one iteration."""
        if not _apart(_spans(self.first), _spans(self.second)):
            yield self.first, self._overtakes(self.second, "iteration", "mark the tensor each")

    def across_rounds(self, loop: LoopOp, whens: Mapping[Operation, Iterations]) -> Iterator[tuple[Operation, str]]:
        """Each of the two in an earlier round, and the other in a later one."""
        assert loop.round is not None
        for earlier, later in permutations((self.first, self.second)):
            if _apart(_spans(earlier), _later_by(_spans(later), loop.round)):
                continue
            if _stores(later):
                yield later, self._overtakes(earlier, "round", "store to another tensor")
            elif not self.ordered and not self._follows(later, loop, whens[later]):
                yield (
                    later,
                    f"a later round could load {self.name} before an earlier one has stored the same part: only a load "
                    f"of the first iteration whose walk begins at {loop.round} waits, for the only store of its tensor "
                    f"in the round before, which gives no token",
                )

    def _overtakes(self, earlier: _Access, step: str, advice: str) -> str:
        done = "stored" if _stores(earlier) else "loaded"
        return f"a later {step} could store to {self.name} before an earlier one has {done} the same part: {advice}"

    def _follows(self, load: _Access, loop: LoopOp, when: Iterations) -> bool:
        """Whether the load waits for the store of the round before."""
        block = load.parent_block()
        assert block is not None
        same = [each for each in block.ops if isinstance(each, _Access) and each.tensor == load.tensor]
        stores = [each for each in same if _stores(each)]
        waiting = [each for each in same if isinstance(each, LoadOp) and waits_for_the_round_before(each, loop.round)]
        alone = len(stores) == 1 and isinstance(stores[0], StoreOp) and stores[0].done is None and waiting == [load]
        return alone and (loop.iterations == 1 or when is Iterations.FIRST)


def _stores(access: _Access) -> bool:
    return isinstance(access, StoreOp | RandomStoreOp)


def _ordered(first: Operation, second: Operation, after: dict[Operation, set[Operation]]) -> bool:
    """Whether the second access begins after the token of the first. A load gives no token, so nothing follows it."""
    tokens = [value for value in first.results if isinstance(value.type, TokenType)]
    users = {use.operation for token in tokens for use in token.uses}
    return bool(users) and (second in users or bool(users & after[second]))


def _apart(one: _Spans, two: _Spans) -> bool:
    """Whether two accesses reach different indices along some dimension, whatever the sizes."""
    return any(_below(a[1], b[0]) or _below(b[1], a[0]) for a, b in zip(one, two, strict=False))


def _below(one: Dim, two: Dim) -> bool:
    """Whether an index is below another, whatever the sizes: none is negative."""
    distance = dict((two + one * -1).terms)
    return distance.get((), 0) > 0 and min(distance.values()) > 0


def _spans(access: _Access) -> _Spans:
    """First and last index along each dimension of the tensor; nothing where data decide."""
    if not isinstance(access, LoadOp | StoreOp):
        return []
    stream: StreamType = access.result.type if isinstance(access, LoadOp) else stream_of(access.value)
    walk, spans = access.visits, _Spans()
    for dim, start in enumerate(walk.start):
        last = start
        for size, at, step in zip(stream.dims, walk.dims, walk.by, strict=True):
            if at == dim:
                last += (size + -1) * step
        spans.append((start, last))
    return spans


def _later_by(spans: _Spans, round: str) -> _Spans:
    """The same in a later round."""
    later = {round: Dim.of(round) + _LATER}
    return [(first.with_sizes(later), last.with_sizes(later)) for first, last in spans]
