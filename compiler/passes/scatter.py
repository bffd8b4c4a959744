"""Elements that go to places of a row that only a launch knows: each place looks for the element that goes there."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.passes.bits import BitsOp
from weft.compiler.passes.rewriting import Inserting, fresh_name
from weft.compiler.step.access import LoadOp
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.convert import ConvertOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import Element, StreamType, stream_of

__all__ = ["counted", "last_of_each", "scattered"]


def counted(count: Dim, most: int, inserting: Inserting) -> SSAValue:
    """The numbers 0, 1, 2, ... as f32."""
    module = inserting.place.parent_op()
    assert isinstance(module, ModuleOp)
    name = fresh_name(module, "count")
    inserting.add(TensorOp(name, Element.F32, [most], Role.IOTA))
    return inserting.add(LoadOp(name, StreamType.make(Element.F32, [count])), name).result


def _held(value: SSAValue, along: list[int], dims: list[Dim], inserting: Inserting) -> SSAValue:
    if not along:
        return value
    kind = StreamType.make(stream_of(value).element, dims)
    return inserting.add(ExpandOp(value, along, kind)).result


def scattered(value: SSAValue, places: SSAValue, size: int, inserting: Inserting) -> SSAValue:
    """Rows of ``size``: element ``j`` of each row at ``places[j]``, zeros elsewhere; no place comes twice."""
    given = stream_of(value)
    outer = list(range(given.rank - 1))
    dims, last = [*given.dims, Dim.of(size)], given.rank
    index = counted(Dim.of(size), size, inserting)
    here = _held(index, [*outer, last - 1], dims, inserting)
    wanted = _held(places, [*outer, last], dims, inserting)
    hit = inserting.add(MapOp(Function.EQ, here, wanted)).result
    held = _held(value, [last], dims, inserting)
    zero = 0 if given.element is Element.I32 else 0.0
    terms = inserting.add(MapOp(Function.SELECT, hit, held, zero)).result
    if given.element is Element.I32:
        return inserting.add(AccumOp(Reduction.ADD, terms, [last - 1])).result
    # Of each place one word is not 0 at most: as integers they add up bit for bit, subnormals, too.
    words = inserting.add(BitsOp(terms, Element.I32)).result
    made = inserting.add(AccumOp(Reduction.ADD, words, [last - 1])).result
    return inserting.add(BitsOp(made, given.element)).result


def last_of_each(index: SSAValue, most: int, size: int, inserting: Inserting) -> SSAValue:
    """Of elements with the indices ``index`` [k], all below ``size``, the places of the last ones; others are -1."""
    (count,) = stream_of(index).dims
    places = inserting.add(ConvertOp(index, Element.F32)).result
    dims = [count, Dim.of(size)]
    number = counted(count, most, inserting)
    here = _held(counted(Dim.of(size), size, inserting), [0], dims, inserting)
    wanted = _held(places, [1], dims, inserting)
    hit = inserting.add(MapOp(Function.EQ, here, wanted)).result
    order = inserting.add(MapOp(Function.SELECT, hit, _held(number, [1], dims, inserting), -1.0)).result
    latest = inserting.add(AccumOp(Reduction.MAX, order, [0])).result
    mine = inserting.add(MapOp(Function.EQ, order, _held(latest, [0], dims, inserting))).result
    kept = inserting.add(MapOp(Function.MUL, hit, mine)).result
    chosen = inserting.add(AccumOp(Reduction.MAX, kept, [1])).result
    return inserting.add(MapOp(Function.SELECT, chosen, places, -1.0)).result
