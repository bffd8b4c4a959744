"""Lays out loops and the state between iterations."""

from __future__ import annotations

from weft.compiler.mapped.buffers import KeepOp as MappedKeep
from weft.compiler.mapped.buffers import RecallOp as MappedRecall
from weft.compiler.mapped.buffers import ResidentOp
from weft.compiler.mapped.loop import LoopOp as MappedLoop
from weft.compiler.mapped.loop import TurnOp
from weft.compiler.mapped.offchip import LinearLoadOp
from weft.compiler.mapped.onchip import MergeOp, UnpackOp
from weft.compiler.passes.layout.laying import Laid, Laying, lay, sizes_of
from weft.compiler.passes.layout.memory import declared
from weft.compiler.step.loop import KeepOp, LoopOp, RecallOp, StateOp

__all__: list[str] = []


@lay.register
def _(operation: LoopOp, laying: Laying) -> None:
    laying.emit(MappedLoop(operation.iterations))


@lay.register
def _(operation: StateOp, laying: Laying) -> None:
    laying.emit(ResidentOp(operation.sym_name.data, sizes_of(operation.kind.dims)))


def _resident(laying: Laying, name: str) -> ResidentOp:
    return next(op for op in laying.operations if isinstance(op, ResidentOp) and op.sym_name.data == name)


@lay.register
def _(operation: RecallOp, laying: Laying) -> None:
    """A merge by the number of the iteration: the first takes what memory gave, the others what the previous one kept.

    The load of the first iteration tells in the others that what was kept is wanted.
    """
    laid, hint = laying.values[operation.initial], operation.result.name_hint
    value = laid.vector
    assert value is not None
    owner = value.owner
    load = owner.value.owner if isinstance(owner, UnpackOp) else owner
    if not isinstance(load, LinearLoadOp) or load.after is not None:
        raise laying.refuse("initial must come straight from memory, after nothing")
    load = _only_first(laying, load)
    turn = laying.emit(TurnOp(), "iteration").result
    assert load.done is not None
    resident = _resident(laying, operation.state.string_value())
    before = laying.emit(MappedRecall(resident, load.done), f"{operation.state.string_value()}_before").result
    value = laying.values[operation.initial].vector
    assert value is not None
    merged = laying.emit(MergeOp(turn, value, before), hint).result
    laying.values[operation.result] = Laid(laid.dims, laid.element, vector=merged, hint=hint)


def _only_first(laying: Laying, load: LinearLoadOp) -> LinearLoadOp:
    """The same load in the first iteration only, with a token in the others."""
    first = LinearLoadOp(
        declared(laying, load.tensor.string_value()),
        load.result.type,
        when="first",
        done=True,
        done_when="later",
    )
    for name, value in load.properties.items():
        first.properties.setdefault(name, value)
    first.result.name_hint = load.result.name_hint
    load.result.replace_all_uses_with(first.result)
    for laid in laying.values.values():
        if laid.vector is load.result:
            laid.vector = first.result
    laying.operations[laying.operations.index(load)] = first
    return first


@lay.register
def _(operation: KeepOp, laying: Laying) -> None:
    value = laying.vector(laying.values[operation.value])
    laying.emit(MappedKeep(value, _resident(laying, operation.state.string_value()), when="earlier"))
