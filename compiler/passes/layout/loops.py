"""Lays out loops and the state between iterations."""

from __future__ import annotations

from xdsl.ir import Operation, SSAValue

from weft.compiler.mapped.buffers import BufferizeOp, ResidentOp, StreamifyOp
from weft.compiler.mapped.buffers import KeepOp as MappedKeep
from weft.compiler.mapped.buffers import RecallOp as MappedRecall
from weft.compiler.mapped.launch import Unit
from weft.compiler.mapped.loop import LoopOp as MappedLoop
from weft.compiler.mapped.loop import TurnOp
from weft.compiler.mapped.merge import MergeOp
from weft.compiler.mapped.offchip import LinearLoadOp, SinkOp
from weft.compiler.mapped.values import stream
from weft.compiler.passes.layout.laid import Laid, sizes_of
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.passes.layout.memory import declared
from weft.compiler.step.dims import Dim
from weft.compiler.step.loop import KeepOp, LastOp, LoopOp, RecallOp, StateOp
from weft.hw.program import When

__all__: list[str] = []


@lay.register
def _(operation: LoopOp, laying: Laying) -> None:
    if operation.rounds is None:
        laying.emit(MappedLoop(operation.iterations))
        return
    laying.round, rounds = operation.round, Dim.of(operation.rounds)
    laying.non_empty([rounds], "a launch has at least one round")
    laying.emit(MappedLoop(operation.iterations, rounds_arg=laying.argument(rounds, Unit.ELEMENTS)))


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
    laid, hint = laying.given(operation.initial), operation.result.name_hint
    value = laying.vector(laid)
    load = value.owner
    while not isinstance(load, LinearLoadOp) and isinstance(load, Operation) and load.operands:
        load = load.operands[0].owner
    if not isinstance(load, LinearLoadOp) or load.after is not None:
        raise laying.refuse("initial must come from a load, after nothing")
    load = _only_first(laying, load)
    turn = laying.emit(TurnOp(), "iteration").result
    assert load.done is not None
    resident = _resident(laying, operation.state.string_value())
    before = laying.emit(MappedRecall(resident, load.done), f"{operation.state.string_value()}_before").result
    value = laying.vector(laid)
    merged = laying.emit(MergeOp(turn, value, before), hint).result
    laying.values[operation.result] = Laid(laid.dims, laid.element, vector=merged, hint=hint)


def _only_first(laying: Laying, load: LinearLoadOp) -> LinearLoadOp:
    """The same load in the first iteration, with a token in the others."""
    first = LinearLoadOp(
        declared(laying, load.tensor.string_value()),
        load.result.type,
        when=When.FIRST,
        done=True,
        done_when=When.LATER,
    )
    for name, value in load.properties.items():
        first.properties.setdefault(name, value)
    return laying.exchange(load, first)


@lay.register
def _(operation: KeepOp, laying: Laying) -> None:
    """Kept in all iterations but the last, where it must still be awaited if nothing else takes it."""
    laid = laying.given(operation.value)
    value = laying.vector(laid)
    laying.emit(MappedKeep(value, _resident(laying, operation.state.string_value()), when=When.EARLIER))
    if operation.value.has_one_use():
        laying.emit(SinkOp(_of_last(laying, value, laid.hint), when=When.LAST))


@lay.register
def _(operation: LastOp, laying: Laying) -> None:
    laid, hint = laying.given(operation.value), operation.result.name_hint
    value = _of_last(laying, laying.vector(laid), hint)
    laying.values[operation.result] = Laid(laid.dims, laid.element, vector=value, hint=hint)


def _of_last(laying: Laying, value: SSAValue, hint: str | None) -> SSAValue:
    """A stream in the last iteration only, out of a buffer that is filled in no other."""
    buffer = laying.emit(BufferizeOp(value, rank=stream(value).rank, when=When.LAST)).result
    return laying.emit(StreamifyOp(buffer), hint).result
