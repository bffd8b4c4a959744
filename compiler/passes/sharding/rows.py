"""Products with fewer shards than there are channels: their weights are cut along the rows, too."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.passes.rewriting import Inserting, fresh_name
from weft.compiler.passes.sharding.parts import summed
from weft.compiler.passes.sharding.spread import Spread
from weft.compiler.step.access import LoadOp
from weft.compiler.step.accum import Reduction
from weft.compiler.step.dims import Dim
from weft.compiler.step.joining import SliceOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.shard import Shard
from weft.compiler.step.tensor import TensorOp
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.walk import Walk
from weft.hw.program import BLOCK

__all__ = ["cut_rows"]


def cut_rows(module: ModuleOp, spread: Spread) -> None:
    """Make each product of a matrix of weights, of which there are fewer than can be, a sum of several.

    Where heads are fewer than channels, so that columns cannot be cut further, each channel brings some rows.
    """
    loads = Counter(op.tensor.string_value() for op in module.ops if isinstance(op, LoadOp))
    slices: dict[tuple[SSAValue, int], list[SSAValue]] = {}
    for operation in list(module.ops):
        if not isinstance(operation, MatmulOp):
            continue
        load = operation.right.owner
        if not isinstance(load, LoadOp) or not load.result.has_one_use() or load.after is not None:
            continue
        tensor, kind = load.declaration, load.result.type
        whole = load.visits == Walk.whole(len(tensor.shape)) and kind.dims == tensor.shape
        if kind.rank != 2 or not whole or loads[tensor.label] != 1:
            continue
        name, count = (tensor.label, 1) if tensor.shard is None else (tensor.shard.of, tensor.shard.count)
        times = spread.of(name) // count
        bounds = _bounds(tensor.sizes[0], times, BLOCK if tensor.element is Element.MXFP4 else 1)
        if len(bounds) > 2:
            _cut(operation, load, bounds, slices)


def _bounds(rows: int, times: int, block: int) -> tuple[int, ...]:
    """Where each part begins, and the end: as even as blocks of rows can be."""
    blocks = -(-rows // block)
    parts = max(1, min(times, blocks))
    return tuple(min(rows, block * (blocks * part // parts)) for part in range(parts + 1))


def _cut(
    operation: MatmulOp, load: LoadOp, bounds: tuple[int, ...], slices: dict[tuple[SSAValue, int], list[SSAValue]]
) -> None:
    inserting, hint = Inserting(operation), operation.result.name_hint
    rows, matrices = _sliced(operation.left, bounds, inserting, slices), _loaded(load, bounds, inserting)
    terms = [
        inserting.add(MatmulOp(row, matrix), hint and f"{hint}_{part}").result
        for part, (row, matrix) in enumerate(zip(rows, matrices, strict=True))
    ]
    inserting.replace([summed(Reduction.ADD, terms, inserting)])


def _sliced(
    left: SSAValue,
    bounds: tuple[int, ...],
    inserting: Inserting,
    slices: dict[tuple[SSAValue, int], list[SSAValue]],
) -> list[SSAValue]:
    """The parts of the rows, which all products of them share."""
    key = (left, len(bounds))
    if key not in slices:
        *outer, _ = stream_of(left).dims
        slices[key] = [
            inserting.add(SliceOp(left, [*(0 for _ in outer), begin], [*outer, Dim.of(end - begin)])).result
            for begin, end in pairwise(bounds)
        ]
    return slices[key]


def _loaded(load: LoadOp, bounds: tuple[int, ...], inserting: Inserting) -> list[SSAValue]:
    """The parts of the matrix, each a tensor of its own."""
    tensor, parts = load.declaration, len(bounds) - 1
    module = tensor.parent_op()
    assert isinstance(module, ModuleOp)
    rows, columns = tensor.sizes
    own = tensor.shard or Shard(tensor.label, (0, 0), (rows, columns), 0, 1)
    declaring, loads = Inserting(tensor), list[SSAValue]()
    for part, (begin, end) in enumerate(pairwise(bounds)):
        first = own.start[0]
        start, stop = (first + begin, own.start[1]), (first + end, own.end[1])
        shard = Shard(own.of, start, stop, own.index * parts + part, own.count * parts)
        name = fresh_name(module, f"{tensor.label}_{part}")
        shape = (end - begin, columns)
        declaring.add(TensorOp(name, tensor.element, shape, tensor.role, each=tensor.each is not None, shard=shard))
        hint = load.result.name_hint
        made = LoadOp(name, StreamType.make(tensor.element, shape))
        loads.append(inserting.add(made, hint and f"{hint}_{part}").result)
    tensor.detach()
    tensor.erase()
    return loads
