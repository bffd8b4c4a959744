"""Bundles: loads of weights that take turns at one AGCU, where a fabric has fewer than there are loads and stores."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp, RandomLoadOp, RandomStoreOp, SinkOp, tensor_of
from weft.compiler.mapped.tensor import Role
from weft.compiler.mapped.values import used
from weft.hw.spec import FabricSpec

__all__ = ["ACCESSES", "Bundle", "bundles_of"]

ACCESSES = LinearLoadOp | LinearStoreOp | RandomLoadOp | RandomStoreOp
"""What takes an AGCU of the channel of its tensor."""

Bundle = tuple[LinearLoadOp, ...]

_MOST_DIMENSIONS = 3
"""Levels whose bounds the part of an AGCU's program gives."""


def bundles_of(module: ModuleOp, spec: FabricSpec) -> list[Bundle]:
    """Loads of a mapped program that share an AGCU, each after those whose products it waits for; none while all fit.

    All are of one channel, which is sure for shards that are no fewer than channels, and goes through FIFOs: a matrix
    waits in its own for its product, so that no product waits for a matrix that comes after its own. Products that are
    there at once, as those of gate and up, take theirs from two AGCUs, for what one of them does not take keeps the
    other waiting.
    """
    needed = sum(isinstance(op, ACCESSES | SinkOp) for op in module.ops)
    if needed <= 2 * spec.rows or spec.agcu_parts == 1:
        return []
    found: dict[tuple[object, ...], list[list[LinearLoadOp]]] = {}
    for load in module.ops:
        if not isinstance(load, LinearLoadOp) or not _shares(load, spec):
            continue
        tensor = tensor_of(load)
        shard = None if tensor.shard is None else (tensor.shard.index, tensor.shard.count)
        alike = (shard, tensor.each is None, load.result.type.rank, tensor.format.kind.is_matrix)
        bundles = found.setdefault(alike, [])
        open_ones = (each for each in bundles if len(each) < spec.agcu_parts and _waits(_product(load), each[-1]))
        bundle = next(open_ones, None)
        if bundle is None:
            bundles.append([load])
        else:
            bundle.append(load)
    return [(*each,) for bundles in found.values() for each in bundles if len(each) > 1]


def _shares(load: LinearLoadOp, spec: FabricSpec) -> bool:
    """Whether it is one of whole matrices of weights, in every turn, through a FIFO of beats."""
    tensor, result = tensor_of(load), load.result.type
    sure = spec.channels == 1 or (tensor.shard is not None and tensor.shard.count >= spec.channels)
    plain = all(each is None for each in (load.after, load.when, load.follows, load.grows, load.moves))
    told = load.done is not None and used(load.done)
    whole = result.dims == tensor.sizes and load.walked() == (*range(len(tensor.sizes)),)
    return (
        sure
        and plain
        and not told
        and whole
        and tensor.role is Role.WEIGHT
        and not any(load.bases())
        and set(load.stepped()) <= {1}
        and 2 <= result.rank <= _MOST_DIMENSIONS
        and all(result.dims)
        and _fifo(load) is not None
    )


def _fifo(load: LinearLoadOp) -> StreamifyOp | None:
    """The FIFO of beats that a load fills, if it fills nothing else."""
    writes = [use.operation for use in load.result.uses]
    if len(writes) != 1 or not isinstance(write := writes[0], BufferizeOp) or write.rank.value.data:
        return None
    if write.first is not None or write.last is not None or write.when is not None:
        return None
    reads = [use.operation for use in write.result.uses]
    if len(reads) != 1 or not isinstance(read := reads[0], StreamifyOp):
        return None
    return None if read.trigger is not None or read.sizes is not None else read


def _product(load: LinearLoadOp) -> list[Operation]:
    """Where a matrix meets other streams."""
    fifo = _fifo(load)
    found: list[SSAValue] = [] if fifo is None else [fifo.result]
    met: list[Operation] = []
    for value in found:  # grows
        for use in value.uses:
            if len(use.operation.operands) > 1:
                met.append(use.operation)
            else:
                found += use.operation.results
    return met


def _waits(operations: list[Operation], load: LinearLoadOp) -> bool:
    """Whether all of these take something that the products of a load have made."""
    seen: set[Operation] = set()
    values: list[SSAValue] = [result for product in _product(load) for result in product.results]
    while values:
        for use in values.pop().uses:
            if use.operation not in seen:
                seen.add(use.operation)
                values += use.operation.results
    return bool(operations) and all(each in seen for each in operations)
