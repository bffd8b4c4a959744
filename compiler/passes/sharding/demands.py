"""What a shard of an operation's result needs of its operands: the rules of sharding, one for each operation.

They are those of GSPMD (arXiv 2105.04663), read backwards: from the cut of a result to the cuts of the operands.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import TypeAlias

from xdsl.ir import Operation

from weft.compiler.passes.sharding.placement import WHOLE, Cut
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.accum import AccumOp, ScanOp
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.joining import ConcatOp, MergeOp, SliceOp
from weft.compiler.step.loop import LastOp
from weft.compiler.step.map import MapOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.prefix import PrefixOp
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.shape import FlattenOp, PromoteOp, ReshapeOp
from weft.compiler.step.types import Element, buffer_of, stream_of
from weft.compiler.step.walk import Walk
from weft.hw.program import BLOCK

__all__ = ["Access", "Demand", "demands", "repeats", "stream_cut", "tensor_cut", "walked_cut"]

Access: TypeAlias = LoadOp | StoreOp | RandomLoadOp | RandomStoreOp

Demand = tuple[Cut | None, ...] | None
"""For each operand its cut, or WHOLE; None where the result cannot be cut in this way."""


@singledispatch
def demands(operation: Operation, cut: Cut) -> Demand:
    """What each shard needs of the operands so that it has its part of the result. Of no result: None."""
    return None


@demands.register(MapOp)
@demands.register(ConvertOp)
@demands.register(LastOp)
@demands.register(BufferizeOp)  # of a buffer the dimensions count from the outermost of the stream of buffers
def _(operation: Operation, cut: Cut) -> Demand:
    return (cut,) * len(operation.operands)


@demands.register
def _(operation: AccumOp, cut: Cut) -> Demand:
    kept = [dim for dim in range(stream_of(operation.value).rank) if dim not in operation.over]
    return (cut.along(kept[cut.dim]),)


@demands.register
def _(operation: ScanOp, cut: Cut) -> Demand:
    return None if cut.dim in operation.over else (cut,)


@demands.register
def _(operation: PrefixOp, cut: Cut) -> Demand:
    return None if cut.dim == operation.result.type.rank - 1 else (cut,)


@demands.register
def _(operation: ExpandOp, cut: Cut) -> Demand:
    if cut.dim in operation.along:
        return (WHOLE,)
    return (cut.along(cut.dim - sum(dim < cut.dim for dim in operation.along)),)


@demands.register
def _(operation: MatmulOp, cut: Cut) -> Demand:
    rank, matrix = operation.result.type.rank, stream_of(operation.right).rank
    if cut.dim == rank - 1:
        return (WHOLE, cut.along(matrix - 1))
    return (cut, WHOLE) if cut.dim == matrix - 2 else (cut, cut)


@demands.register
def _(operation: ConcatOp, cut: Cut) -> Demand:
    return None if cut.dim == operation.axis else (cut,) * len(operation.operands)


@demands.register
def _(operation: MergeOp, cut: Cut) -> Demand:
    return None if cut.dim == 0 else (WHOLE, cut, cut)


@demands.register
def _(operation: SliceOp, cut: Cut) -> Demand:
    """Where the dimension is sliced each shard slices the whole."""
    given, result, start = stream_of(operation.value), operation.result.type, operation.visits.start
    whole = start[cut.dim].number == 0 and given.dims[cut.dim] == result.dims[cut.dim]
    return (cut if whole else WHOLE,)


@demands.register(FlattenOp)
@demands.register(PromoteOp)
@demands.register(ReshapeOp)
def _(operation: FlattenOp | PromoteOp | ReshapeOp, cut: Cut) -> Demand:
    """The elements of a shard must be those of some indices of one dimension before, too."""
    given, result = stream_of(operation.value).dims, operation.result.type.dims
    outer, inner = Dim.product(result[: cut.dim]), Dim.product(result[cut.dim + 1 :])
    for dim, size in enumerate(given):
        if Dim.product(given[:dim]) != outer:
            continue
        scaled = _scaled(cut.bounds, inner, Dim.product(given[dim + 1 :]))
        if scaled is not None and size.number == scaled[-1]:
            return (Cut(dim, scaled),)
    return None


def _scaled(bounds: Sequence[int], inner: Dim, others: Dim) -> tuple[int, ...] | None:
    """``bounds * inner / others``, if these are whole numbers."""
    if inner == others:
        return (*bounds,)
    if inner.number is None or not others.number or any(bound * inner.number % others.number for bound in bounds):
        return None
    return tuple(bound * inner.number // others.number for bound in bounds)


@demands.register
def _(operation: StreamifyOp, cut: Cut) -> Demand:
    """Each shard has its part of the buffer, if its walk stays within; else it reads its part of the whole buffer."""
    buffer, outer = buffer_of(operation.buffer), len(buffer_of(operation.buffer).outer)
    if cut.dim < outer:
        return (cut,)
    inner = walked_cut(operation.visits, operation.result.type.dims[outer:], buffer.inner, cut.along(cut.dim - outer))
    return (WHOLE if inner is None else inner.along(inner.dim + outer),)


@demands.register
def _(operation: LoadOp, cut: Cut) -> Demand:
    return ()


@demands.register
def _(operation: RandomLoadOp, cut: Cut) -> Demand:
    """All indices, of each entry a part."""
    return None if cut.dim < stream_of(operation.index).rank else (WHOLE,)


@demands.register
def _(operation: StoreOp, cut: Cut) -> Demand:
    return (cut,)


@demands.register
def _(operation: RandomStoreOp, cut: Cut) -> Demand:
    return None if cut.dim < stream_of(operation.index).rank else (cut, WHOLE)


def walked_cut(walk: Walk, sizes: Sequence[Dim], shape: Sequence[Dim], cut: Cut) -> Cut | None:
    """The cut of what a walk goes over, so that each part of the walk stays within its own part; None if there is none.

    The parts of the walk begin where those of the dimension do, so they are the same walk over each part.
    """
    dim, step = walk.dims[cut.dim], walk.by[cut.dim]
    if dim < 0 or walk.start[dim].number is None or shape[dim].number != cut.bounds[-1] * step:
        return None
    if sizes[cut.dim].number != cut.bounds[-1]:
        return None
    first = last = walk.start[dim].number or 0
    for at, (size, way) in enumerate(zip(sizes, walk.by, strict=True)):
        if walk.dims[at] != dim or at == cut.dim:
            continue
        if size.number is None:
            return None
        first, last = first + min(0, (size.number - 1) * way), last + max(0, (size.number - 1) * way)
    return cut.along(dim, step) if first >= 0 and last < step else None


def repeats(access: Access, cut: Cut) -> bool:
    """Whether a load goes along the dimension by repeating: then each shard has the same, as often as its part says."""
    return isinstance(access, LoadOp) and access.visits.dims[cut.dim] < 0


def tensor_cut(access: Access, cut: Cut) -> Cut | None:
    """The cut of the tensor, so that each shard loads or stores its part of the stream in a part of its own."""
    if isinstance(access, RandomLoadOp | RandomStoreOp):
        dim = cut.dim - stream_of(access.index).rank + 1
        return cut.along(dim) if dim > 0 and access.declaration.sizes[dim] == cut.bounds[-1] else None
    stream, tensor = access.result.type if isinstance(access, LoadOp) else stream_of(access.value), access.declaration
    found = walked_cut(access.visits, stream.dims, tensor.shape, cut)
    if found is None or tensor.element is not Element.MXFP4 or found.dim < len(tensor.shape) - 2:
        return found
    rows = found.dim == len(tensor.shape) - 2
    return None if rows and any(bound % BLOCK for bound in found.bounds[:-1]) else found


def stream_cut(access: Access, of_tensor: Cut) -> Cut | None:
    """The cut of an access's stream that makes this one of its tensor."""
    if isinstance(access, RandomLoadOp | RandomStoreOp):
        return of_tensor.along(of_tensor.dim - 1 + stream_of(access.index).rank) if of_tensor.dim else None
    for dim, (at, step) in enumerate(zip(access.visits.dims, access.visits.by, strict=True)):
        if at != of_tensor.dim or any(bound % step for bound in of_tensor.bounds):
            continue
        cut = Cut(dim, tuple(bound // step for bound in of_tensor.bounds))
        if tensor_cut(access, cut) == of_tensor:
            return cut
    return None
