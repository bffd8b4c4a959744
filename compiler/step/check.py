"""Checks a whole program; an error names the line and the operation that breaks a rule."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.buffers import StreamifyOp
from weft.compiler.step.dimension import DimensionOp, SizeOp
from weft.compiler.step.dims import Dim
from weft.compiler.step.hazards import hazards
from weft.compiler.step.iterations import Iterations, iterations_of
from weft.compiler.step.joining import SliceOp
from weft.compiler.step.loop import KeepOp, LastOp, LoopOp, RecallOp, StateOp
from weft.compiler.step.operation import StepOperation, line_of, name_of
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.tensor import TensorOp
from weft.compiler.step.types import BufferType, StreamType, TokenType

__all__ = ["check_program"]


def check_program(module: ModuleOp, name: str = "program") -> None:
    """Verify each operation, names, and the order of accesses to memory.

    Raises
    ------
    WeftError
        The first rule that is broken: ``name line 4: step.map (%y): ...``.
    """
    try:
        _check(module)
    except _Broken as broken:
        raise WeftError(f"{name}{broken.where}: {' '.join(broken.rule.split())}") from None


class _Broken(Exception):
    def __init__(self, operation: Operation, rule: str) -> None:
        line = line_of(operation)
        result = next((name_of(value) for value in operation.results if value.name_hint), "")
        what = f"{operation.name}{f' ({result})' if result else ''}: " if isinstance(operation, StepOperation) else ""
        self.where = f" line {line}" if line is not None else ""
        self.rule = what + rule
        super().__init__(self.rule)


def _check(module: ModuleOp) -> None:
    operations = list(module.ops)
    for operation in operations:
        if not isinstance(operation, StepOperation):
            raise _Broken(operation, f"only operations of step are allowed, not {operation.name}")
    _names(operations)
    symbols = {each.sym_name.data for each in operations if isinstance(each, DimensionOp)}
    symbols |= _rounds(operations, symbols)
    for operation in operations:
        _kinds(operation)
        try:
            operation.verify()
        except VerifyException as error:
            raise _Broken(operation, _last_sentence(error)) from None
        for dim in _dims(operation):
            if missing := sorted(dim.symbols - symbols):
                raise _Broken(operation, f"size {missing[0]!r} must be declared: step.dimension @{missing[0]} <= ...")
        if isinstance(operation, SizeOp) and operation.symbol.data not in symbols:
            raise _Broken(operation, f"@{operation.symbol.data} must be declared by a step.dimension")
    _loops(operations)
    for operation, rule in hazards(operations):
        raise _Broken(operation, rule)
    for operation in operations:
        for value in operation.results:
            if not isinstance(value.type, TokenType) and value.first_use is None:
                raise _Broken(operation, f"nothing takes {name_of(value)}: store it, or leave it out")
    if not any(isinstance(operation, StoreOp | RandomStoreOp) for operation in operations):
        raise _Broken(module, "the program must store something, and has no step.store")


def _kinds(operation: Operation) -> None:
    """Check that each operand is a stream, buffer or token, as the operation takes it."""
    kind, word = (
        (BufferType, "buffer")
        if isinstance(operation, StreamifyOp)
        else (TokenType, "token")
        if isinstance(operation, LoadOp)
        else (StreamType, "stream")
    )
    for operand in operation.operands:
        token = isinstance(operation, RandomLoadOp) and operand is operation.after
        if not isinstance(operand.type, TokenType if token else kind):
            raise _Broken(operation, f"{name_of(operand)} must be a {'token' if token else word}, not {operand.type}")


def _last_sentence(error: VerifyException) -> str:
    """The rule, without the module that xDSL prints around it."""
    return str(error).strip().rsplit("\n\n", 1)[-1].removeprefix("Operation does not verify: ")


def _dims(operation: Operation) -> Iterable[Dim]:
    for value in (*operation.results, *operation.operands):
        if isinstance(value.type, StreamType):
            yield from value.type.dims
        elif isinstance(value.type, BufferType):
            yield from (*value.type.outer, *value.type.inner)
    if isinstance(operation, LoadOp | StoreOp | SliceOp | StreamifyOp):
        yield from operation.visits.start


def _rounds(operations: list[Operation], symbols: set[str]) -> set[str]:
    """The symbol that counts rounds."""
    for operation in operations:
        if isinstance(operation, LoopOp) and operation.round is not None:
            name = operation.rounds
            if name not in symbols:
                raise _Broken(operation, f"size {name!r} must be declared: step.dimension @{name} <= ...")
            if operation.round in symbols:
                raise _Broken(operation, f"{operation.round!r} is declared twice")
            return {operation.round}
    return set()


def _names(operations: list[Operation]) -> None:
    seen: dict[str, Operation] = {}
    for operation in operations:
        if isinstance(operation, TensorOp | DimensionOp | StateOp):
            name = operation.sym_name.data
            if name in seen:
                raise _Broken(operation, f"@{name} is declared twice")
            seen[name] = operation


def _loops(operations: list[Operation]) -> None:
    loops = [op for op in operations if isinstance(op, LoopOp)]
    if len(loops) > 1:
        raise _Broken(loops[1], "a program has at most one step.loop")
    for operation in operations:
        if isinstance(operation, StateOp):
            name = operation.sym_name.data
            kept = [op for op in operations if isinstance(op, KeepOp) and op.state.string_value() == name]
            recalled = [op for op in operations if isinstance(op, RecallOp) and op.state.string_value() == name]
            if len(kept) != 1 or len(recalled) != 1:
                raise _Broken(
                    operation, f"@{name} must be kept once and recalled once, not {len(kept)} and {len(recalled)} times"
                )
        if isinstance(operation, TensorOp) and operation.each is not None and not loops:
            raise _Broken(operation, f"@{operation.label} is one of each iteration, and there is no step.loop")
        if isinstance(operation, LastOp) and not loops:
            raise _Broken(operation, "without a step.loop there is no last iteration")
    _iterations(operations)


def _iterations(operations: list[Operation]) -> None:
    """Check that what meets takes place in the same iterations."""
    found = iterations_of(operations)
    for operation in operations:
        if isinstance(operation, LastOp | RecallOp):
            continue
        for operand in operation.operands:
            owner = operand.owner
            if isinstance(owner, Operation) and found[owner] is not found[operation]:
                raise _Broken(
                    operation,
                    f"{name_of(operand)} is there in {_WHEN[found[owner]]}, and what it meets in "
                    f"{_WHEN[found[operation]]}: step.last gives the stream of the last one",
                )
        if isinstance(operation, KeepOp) and found[operation] is Iterations.LAST:
            raise _Broken(operation, f"{name_of(operation.value)} is there in the last iteration, and none follows it")


_WHEN = {
    Iterations.EVERY: "every iteration",
    Iterations.FIRST: "the first iteration",
    Iterations.LAST: "the last iteration",
}
