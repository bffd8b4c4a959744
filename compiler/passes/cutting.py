"""Cuts a dimension of a stream into tiles, back through what is computed element by element to loads and buffers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from xdsl.ir import SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.passes.bits import BitsOp
from weft.compiler.passes.rewriting import Inserting
from weft.compiler.step.access import LoadOp
from weft.compiler.step.buffers import BufferizeOp, StreamifyOp
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.map import MapOp
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.walk import Walk
from weft.hw.spec import FabricSpec

__all__ = ["cut_evenly", "cut_unevenly"]


@dataclass(frozen=True)
class _Tiles:
    """``count`` tiles of ``size`` along dimension ``axis``, the first at ``begin``, as a new dimension at ``at``."""

    axis: int
    at: int
    size: int
    count: int
    begin: int = 0


def cut_evenly(
    value: SSAValue, axis: int, at: int, room: int, unit: int, inserting: Inserting, spec: FabricSpec, *, least: int = 1
) -> SSAValue | None:
    """The cut into the largest equal tiles, ``least`` to ``room`` whole units, that all operations can walk."""
    size = stream_of(value).dims[axis].number or 0
    for units in range(min(room, size // unit), least - 1, -1):
        if size % (units * unit) == 0:
            cut = _cut(value, _Tiles(axis, at, units * unit, size // (units * unit)), inserting, spec)
            if cut is not None:
                return cut
    return None


def cut_unevenly(
    value: SSAValue, axis: int, at: int, room: int, unit: int, inserting: Inserting, spec: FabricSpec
) -> list[SSAValue]:
    """The cut into equal tiles and a smaller one behind them; nothing where not all operations can walk them."""
    size = stream_of(value).dims[axis].number or 0
    for units in range(min(room, (size - 1) // unit), 0, -1):
        tile = units * unit
        count = size // tile
        tiles = [_Tiles(axis, at, tile, count), _Tiles(axis, at, size - count * tile, 1, count * tile)]
        if 2 * tile < min(room * unit, size) or not tiles[1].size:
            continue
        parts = [_cut(value, each, inserting, spec) for each in tiles]
        cut = [part for part in parts if part is not None]
        if len(cut) == len(parts):
            return cut
    return []


def _cut(value: SSAValue, tiles: _Tiles, inserting: Inserting, spec: FabricSpec) -> SSAValue | None:
    """A stream cut into tiles; None where none can be."""
    given, owner, axis, at = stream_of(value), value.owner, tiles.axis, tiles.at
    dims = list(given.dims)
    dims[axis] = Dim.of(tiles.size)
    dims.insert(at, Dim.of(tiles.count))
    kind = StreamType.make(given.element, dims)
    entries = [(each, 1) for each in range(given.rank)]
    entries.insert(at, (axis, tiles.begin or tiles.size))  # to a single tile, which begins somewhere, nothing steps
    start = tuple(Dim.of(tiles.begin if each == axis else 0) for each in range(given.rank))
    walk = Walk(tuple(dim for dim, _ in entries), tuple(step for _, step in entries), start)
    if isinstance(owner, LoadOp):
        through = _tiled_load(owner, walk, tiles, spec)
        if through is None:
            return None
        return inserting.add(
            LoadOp(owner.tensor.string_value(), kind, through, after=owner.after), value.name_hint
        ).result
    if isinstance(owner, MapOp):
        parts = {each: _cut(each, tiles, inserting, spec) for each in owner.inputs}
        if None in parts.values():
            return None
        operands = [parts[each] if isinstance(each, SSAValue) else each for each in owner.arguments]
        made = MapOp(owner.function, *(each for each in operands if each is not None), result=kind)
        return inserting.add(made, value.name_hint).result
    if isinstance(owner, ConvertOp | BitsOp):
        part = _cut(owner.value, tiles, inserting, spec)
        return None if part is None else inserting.add(type(owner)(part, given.element), value.name_hint).result
    if isinstance(owner, ExpandOp):
        return _cut_expand(owner, tiles, kind, inserting, spec)
    inner = given.dims[at:]
    if any(dim.number is None for dim in inner):
        return None
    words = prod(dim.number or 0 for dim in inner[:-1]) * row_beats(inner[-1].number or 0, spec, packed=False)
    if words > spec.pmu_lines:
        return None
    buffer = inserting.add(BufferizeOp(value, given.rank - at)).result
    local = Walk(tuple(dim - at for dim in walk.dims[at:]), walk.by[at:], walk.start[at:])
    return inserting.add(StreamifyOp(buffer, kind, local), value.name_hint).result


def _tiled_load(load: LoadOp, walk: Walk, tiles: _Tiles, spec: FabricSpec) -> Walk | None:
    """The walk over a load's tensor, where an outer dimension may also step along rows by whole beats of memory."""
    inner, last = load.visits, len(load.visits.start) - 1
    dims = tuple(-1 if axis < 0 else inner.dims[axis] for axis in walk.dims)
    by = tuple(step * inner.by[axis] for axis, step in zip(walk.dims, walk.by, strict=True))
    if len(dims) > spec.agcu_levels or not dims or dims[-1] != last or by[-1] != 1:
        return None
    beat = spec.lanes * (2 if load.declaration.element is Element.BF16 else 1)
    cut, step = inner.dims[tiles.axis], inner.by[tiles.axis]
    if cut == last and (tiles.begin * step % beat or (tiles.count > 1 and tiles.size * step % beat)):
        return None
    others = [
        (axis, each) for place, (axis, each) in enumerate(zip(dims[:-1], by[:-1], strict=True)) if place != tiles.at
    ]
    if any(axis == last and each % beat for axis, each in others):
        return None
    start = tuple(each + tiles.begin * step if axis == cut else each for axis, each in enumerate(inner.start))
    return Walk(dims, by, start)


def _cut_expand(
    owner: ExpandOp, tiles: _Tiles, kind: StreamType, inserting: Inserting, spec: FabricSpec
) -> SSAValue | None:
    axis, at = tiles.axis, tiles.at
    shifted = [each + (each >= at) for each in owner.along]
    if axis in owner.along:  # the tiles are repetitions, too
        return inserting.add(ExpandOp(owner.value, sorted([*shifted, at]), kind), owner.result.name_hint).result
    before = [each for each in range(owner.result.type.rank) if each not in owner.along]
    inside = replace(tiles, axis=before.index(axis), at=sum(each < at for each in before))
    part = _cut(owner.value, inside, inserting, spec)
    return None if part is None else inserting.add(ExpandOp(part, shifted, kind), owner.result.name_hint).result
