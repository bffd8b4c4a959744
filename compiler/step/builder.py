"""Programs built in Python: a method adds an operation and gives its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, TypeVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dimension import DimensionOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.joining import SliceOp
from weft.compiler.step.loop import KeepOp, LastOp, LoopOp, RecallOp, StateOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.random_access import RandomLoadOp
from weft.compiler.step.shape import FlattenOp, ReshapeOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.walk import PartialWalk

__all__ = ["ProgramBuilder", "Size"]

Size: TypeAlias = Dim | int | str
AnyOperation = TypeVar("AnyOperation", bound=Operation)


class ProgramBuilder:
    """Appends operations to ``module``. Sizes are numbers, symbols or polynomials of them.

    A ``name`` names the result as ``%name`` does in a text; ``walk``, ``by`` and ``start`` are those of a walk.
    """

    def __init__(self) -> None:
        self.module = ModuleOp([])

    def add(self, operation: AnyOperation, name: str | None = None) -> AnyOperation:
        """Append an operation."""
        self.module.body.block.add_op(operation)
        if name is not None:
            operation.results[0].name_hint = name
        return operation

    # -- declarations -----------------------------------------------------------------------------------

    def loop(self, iterations: int, *, round: str | None = None, rounds: str | None = None) -> None:
        """Iterate the program in a launch, once for each round."""
        self.add(LoopOp(iterations, round=round, rounds=rounds))

    def dimension(self, name: str, most: int) -> Dim:
        """Declare a symbol."""
        self.add(DimensionOp(name, most))
        return Dim.of(name)

    def tensor(self, name: str, element: Element, shape: Sequence[int], role: Role, *, each: bool = False) -> str:
        """Declare a tensor; its name."""
        self.add(TensorOp(name, element, shape, role, each=each))
        return name

    def state(self, name: str, element: Element, shape: Sequence[int]) -> str:
        """Declare what an iteration leaves for the next; its name."""
        self.add(StateOp(name, StreamType.make(element, shape)))
        return name

    # -- memory -----------------------------------------------------------------------------------------

    def load(
        self,
        tensor: str,
        dims: Sequence[Size] | None = None,
        *,
        walk: Sequence[int] | None = None,
        by: Sequence[int] | None = None,
        start: Sequence[Size] | None = None,
        after: SSAValue | None = None,
        name: str | None = None,
    ) -> SSAValue:
        """Load a tensor, by default all of it."""
        declared = next(op for op in self.module.ops if isinstance(op, TensorOp) and op.label == tensor)
        kind = StreamType.make(declared.element, declared.shape if dims is None else dims)
        return self.add(LoadOp(tensor, kind, _walk(walk, by, start), after=after), name).result

    def store(
        self,
        value: SSAValue,
        tensor: str,
        *,
        walk: Sequence[int] | None = None,
        start: Sequence[Size] | None = None,
        done: bool = False,
    ) -> SSAValue | None:
        """Store a stream; with ``done`` a token."""
        return self.add(StoreOp(value, tensor, _walk(walk, None, start), done=done)).done

    def random_load(self, index: SSAValue, tensor: str, name: str | None = None) -> SSAValue:
        """Entries of the first dimension."""
        declared = next(op for op in self.module.ops if isinstance(op, TensorOp) and op.label == tensor)
        result = StreamType.make(declared.element, (*stream_of(index).dims, *declared.shape[1:]))
        return self.add(RandomLoadOp(index, tensor, result), name).result

    def recall(self, state: str, initial: SSAValue, name: str | None = None) -> SSAValue:
        """What the iteration before has kept, ``initial`` in the first."""
        return self.add(RecallOp(state, initial), name).result

    def keep(self, value: SSAValue, state: str) -> None:
        """Keep a stream for the next iteration."""
        self.add(KeepOp(value, state))

    def last(self, value: SSAValue, name: str | None = None) -> SSAValue:
        """The stream of the last iteration."""
        return self.add(LastOp(value), name).result

    # -- elements ---------------------------------------------------------------------------------------

    def map(self, function: Function, *operands: SSAValue | float, name: str | None = None) -> SSAValue:
        """A function of each element."""
        return self.add(MapOp(function, *operands), name).result

    def convert(self, value: SSAValue, element: Element, name: str | None = None) -> SSAValue:
        """To another element type."""
        return self.add(ConvertOp(value, element), name).result

    def accum(
        self,
        reduction: Reduction,
        value: SSAValue,
        over: Sequence[int],
        *,
        init: float | None = None,
        name: str | None = None,
    ) -> SSAValue:
        """A reduction over some dimensions."""
        return self.add(AccumOp(reduction, value, over, init=init), name).result

    def expand(self, value: SSAValue, along: Sequence[int], like: SSAValue, name: str | None = None) -> SSAValue:
        """Repeat along new dimensions, to the sizes of another stream."""
        return self.expand_to(value, along, stream_of(like).dims, name)

    def expand_to(
        self, value: SSAValue, along: Sequence[int], dims: Sequence[Size], name: str | None = None
    ) -> SSAValue:
        """Repeat along new dimensions, to these sizes."""
        return self.add(ExpandOp(value, along, StreamType.make(stream_of(value).element, dims)), name).result

    def matmul(self, left: SSAValue, right: SSAValue, name: str | None = None) -> SSAValue:
        """A matrix product."""
        return self.add(MatmulOp(left, right), name).result

    # -- shapes -----------------------------------------------------------------------------------------

    def flatten(self, value: SSAValue, over: Sequence[int], name: str | None = None) -> SSAValue:
        """Join neighbouring dimensions."""
        return self.add(FlattenOp(value, over), name).result

    def reshape(self, value: SSAValue, dims: Sequence[Size], name: str | None = None) -> SSAValue:
        """The same elements with other sizes."""
        return self.add(ReshapeOp(value, [Dim.of(size) for size in dims]), name).result

    def slice(self, value: SSAValue, start: Sequence[Size], dims: Sequence[Size], name: str | None = None) -> SSAValue:
        """A part of a stream."""
        return self.add(SliceOp(value, tuple(map(Dim.of, start)), tuple(map(Dim.of, dims))), name).result

    def read(
        self,
        value: SSAValue,
        rank: int,
        dims: Sequence[Size],
        *,
        walk: Sequence[int] | None = None,
        by: Sequence[int] | None = None,
        start: Sequence[Size] | None = None,
        name: str | None = None,
    ) -> SSAValue:
        """Bufferize the ``rank`` innermost dimensions, and streamify them with the dimensions ``dims``."""
        given = stream_of(value)
        buffer = self.add(BufferizeOp(value, rank)).result
        result = StreamType.make(given.element, (*given.dims[: given.rank - rank], *map(Dim.of, dims)))
        return self.add(StreamifyOp(buffer, result, _walk(walk, by, start)), name).result


def _walk(walk: Sequence[int] | None, by: Sequence[int] | None, start: Sequence[Size] | None) -> PartialWalk:
    return PartialWalk(
        None if walk is None else tuple(walk),
        None if by is None else tuple(by),
        None if start is None else tuple(map(Dim.of, start)),
    )
