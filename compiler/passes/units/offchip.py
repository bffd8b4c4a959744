"""AGCU programs of off-chip accesses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from weft.compiler.backend.memory import Region, row_beats, tensor_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.loop import Loop, when_of
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp, RandomLoadOp, RandomStoreOp, SinkOp, tensor_of
from weft.compiler.mapped.tensor import Format
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.mapped.values import stream, used
from weft.hw.program import Agcu, AgcuKind, AgcuLevel, AgcuPart
from weft.hw.spec import FabricSpec

__all__ = ["bundle_program", "load_program", "random_program", "random_store_program", "sink_program", "store_program"]


def _levels(
    dims: tuple[int, ...],
    walk: tuple[int, ...],
    args: tuple[int, ...],
    region: Region,
    spec: FabricSpec,
    *,
    packed: bool,
    steps: tuple[int, ...] = (),
    grows: bool = False,
    stores: bool = False,
) -> tuple[AgcuLevel, ...]:
    """The nest for a walk, innermost first: level ``i`` ends with rank ``i + 1``."""
    levels: list[AgcuLevel] = []
    walks = zip(dims, walk, args, steps or (1,) * len(dims), strict=True)
    for rank, (size, dim, arg, step) in enumerate(reversed(list(walks)), start=1):
        bound = 1 if size == DYNAMIC else row_beats(size, spec, packed=packed) if rank == 1 else size
        along_rows = rank > 1 and dim == len(region.strides) - 1  # from beat to beat, not from element to element
        count = row_beats(step, spec, packed=packed) if along_rows else step
        levels.append(AgcuLevel(bound, arg, region.strides[dim] * count if dim >= 0 else 0, rank, grows and arg > 0))
    if len(levels) > spec.agcu_levels:
        levels = _fewer(levels, stores=stores)
    if len(levels) > spec.agcu_levels:
        raise WeftError(
            f"a walk must have at most agcu_levels = {spec.agcu_levels} dimensions of more than one element on fabric "
            f"{spec.name!r}, not {len(levels)}: set agcu_levels={len(levels)}"
        )
    return (*levels,)


def _fewer(levels: Sequence[AgcuLevel], *, stores: bool) -> list[AgcuLevel]:
    """The same nest without loops of one iteration; a store, which sends no stops, joins loops that go on evenly."""
    kept: list[AgcuLevel] = []
    for level in levels:
        inner = kept[-1] if kept else None
        if inner is not None and level.bound == 1 and not level.bound_arg:
            kept[-1] = replace(inner, rank=level.rank)
        elif (
            stores
            and inner is not None
            and not (inner.bound_arg or level.bound_arg)
            and level.stride == inner.bound * inner.stride
        ):
            kept[-1] = replace(inner, bound=inner.bound * level.bound, rank=level.rank)
        else:
            kept.append(level)
    return kept


def _first_address(op: LinearLoadOp | LinearStoreOp, region: Region, spec: FabricSpec) -> tuple[int, int]:
    """Where the first round begins, and the bytes from a round to the next."""
    *starts, column = op.started()
    base = region.base + sum(start * stride for start, stride in zip(starts, region.strides, strict=False))
    base += row_beats(column, spec, packed=tensor_of(op).format is Format.BF16X2) * spec.beat_bytes
    return base, 0 if op.moves is None else region.strides[op.moves]


def load_program(op: LinearLoadOp, region: Region, spec: FabricSpec, *, priority: int, loop: Loop) -> Agcu:
    """A LinearLoad."""
    result: StreamType = op.result.type
    packed = result.kind is Kind.PACKED
    arg_a, arg_b = op.bases()
    if result.kind.is_matrix:
        levels = (AgcuLevel(tensor_beats(tensor_of(op), spec), 0, spec.beat_bytes, result.rank),)
    else:
        levels = _levels(
            result.dims,
            op.walked(),
            op.sizes(),
            region,
            spec,
            packed=packed,
            steps=op.stepped(),
            grows=op.grows is not None,
        )
    base, round_stride = _first_address(op, region, spec)
    return Agcu(
        kind=AgcuKind.LOAD,
        base=base,
        arg_a=arg_a,
        arg_b=arg_b,
        levels=levels,
        end_rank=result.rank,
        wait_token=op.after is not None or op.follows is not None,
        wait_later=op.follows is not None,
        done_token=op.done is not None and used(op.done),
        turns=loop.turns,
        turn_stride=region.turn_stride,
        rounds_arg=loop.rounds_arg,
        round_stride=round_stride,
        works=when_of(op.when),
        tells=when_of(op.done_when),
        priority=min(priority, 15),
        segment_base=region.base,
        segment_size=region.span,
    )


def bundle_program(programs: Sequence[Agcu]) -> Agcu:
    """Loads of a bundle as one: the first, and the others as its parts. It may access what lies between them, too."""
    first, *others = programs
    begin = min(each.segment_base for each in programs)
    end = max(each.segment_base + each.segment_size for each in programs)
    parts: list[AgcuPart] = []
    for each in others:
        beats, *outer = (level.bound for level in each.levels)
        rows, tiles, *_ = (*outer, 1, 1)
        parts.append(AgcuPart(each.base - first.base, beats, rows, tiles))
        assert (each.end_rank, each.turn_stride, each.turns) == (first.end_rank, first.turn_stride, first.turns)
    return replace(first, parts=(*parts,), segment_base=begin, segment_size=end - begin)


def store_program(op: LinearStoreOp, region: Region, spec: FabricSpec, *, loop: Loop, told: bool) -> Agcu:
    """A LinearStore; vectors for a bf16 tensor are packed on the way. ``told``: the next round waits for it."""
    value = stream(op.value)
    packed = tensor_of(op).format is Format.BF16X2
    arg_a, arg_b = op.bases()
    base, round_stride = _first_address(op, region, spec)
    return Agcu(
        kind=AgcuKind.STORE,
        base=base,
        arg_a=arg_a,
        arg_b=arg_b,
        levels=_levels(
            tuple(_stored(size, arg) for size, arg in zip(value.dims, op.sizes(), strict=True)),
            op.walked(),
            op.sizes(),
            region,
            spec,
            packed=packed,
            steps=op.stepped(),
            stores=True,
        ),
        end_rank=value.rank,
        pack=packed and value.kind is Kind.VECTOR,
        done_token=told or (op.done is not None and used(op.done)),
        tells_next=told,
        turns=loop.turns,
        turn_stride=region.turn_stride,
        rounds_arg=loop.rounds_arg,
        round_stride=round_stride,
        works=when_of(op.when),
        segment_base=region.base,
        segment_size=region.span,
    )


def _stored(size: int, arg: int) -> int:
    return (1 << 24) - 1 if size == DYNAMIC and not arg else size  # the stream's end ends the walk


def random_program(op: RandomLoadOp, region: Region, spec: FabricSpec, *, priority: int, loop: Loop) -> Agcu:
    """A RandomLoad: the nest over an entry of the first dimension, once for each index."""
    sizes = tensor_of(op).sizes[1:]
    packed = op.result.type.kind is Kind.PACKED
    walk = tuple(range(1, len(sizes) + 1))
    return Agcu(
        kind=AgcuKind.LOAD,
        base=region.base,
        levels=_levels(sizes, walk, (0,) * len(sizes), region, spec, packed=packed),
        indexed=True,
        index_stride=region.strides[0],
        nest_rank=len(sizes),
        end_rank=stream(op.index).rank,
        turns=loop.turns,
        turn_stride=region.turn_stride,
        rounds_arg=loop.rounds_arg,
        works=when_of(op.when),
        priority=min(priority, 15),
        segment_base=region.base,
        segment_size=region.span,
    )


def random_store_program(op: RandomStoreOp, region: Region, spec: FabricSpec, *, loop: Loop) -> Agcu:
    """A RandomStore: the nest over an entry of the first dimension, once for each index."""
    tensor = tensor_of(op)
    sizes, packed = tensor.sizes[1:], tensor.format is Format.BF16X2
    walk = tuple(range(1, len(sizes) + 1))
    return Agcu(
        kind=AgcuKind.STORE,
        base=region.base,
        levels=_levels(sizes, walk, (0,) * len(sizes), region, spec, packed=packed, stores=True),
        indexed=True,
        index_stride=region.strides[0],
        nest_rank=len(sizes),
        end_rank=stream(op.value).rank,
        pack=packed,
        done_token=op.done is not None and used(op.done),
        turns=loop.turns,
        turn_stride=region.turn_stride,
        segment_base=region.base,
        segment_size=region.span,
    )


def sink_program(op: SinkOp, *, loop: Loop) -> Agcu:
    """Consumes a stream and discards it."""
    return Agcu(
        kind=AgcuKind.SINK,
        end_rank=stream(op.value).rank,
        turns=loop.turns,
        rounds_arg=loop.rounds_arg,
        works=when_of(op.when),
    )
