"""Helpers of passes on logical programs: insert, replace, erase."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Operation, SSAValue

from weft.compiler.step.access import StoreOp
from weft.compiler.step.loop import LoopOp
from weft.compiler.step.operation import inherit_line
from weft.compiler.step.random_access import RandomStoreOp

__all__ = ["Inserting", "erase_unused", "fresh_name", "iterates"]

AnyOperation = TypeVar("AnyOperation", bound=Operation)


@dataclass
class Inserting:
    """Inserts operations before another one, and gives them its line of the text."""

    place: Operation
    made: list[Operation] = field(default_factory=list)

    def add(self, operation: AnyOperation, hint: str | None = None) -> AnyOperation:
        """Insert an operation; ``hint`` names its result."""
        block = self.place.parent_block()
        assert block is not None
        block.insert_op_before(operation, self.place)
        inherit_line(operation, self.place)
        if hint is not None:
            operation.results[0].name_hint = hint
        self.made.append(operation)
        return operation

    def replace(self, values: Sequence[SSAValue]) -> None:
        """Replace the operation's results, and remove it."""
        for old, new in zip(self.place.results, values, strict=True):
            if new.name_hint is None or (isinstance(new.owner, Operation) and new.owner in self.made):
                new.name_hint = old.name_hint or new.name_hint
            old.replace_all_uses_with(new)
        self.place.detach()
        self.place.erase()


def erase_unused(module: ModuleOp) -> None:
    """Remove operations whose results nothing takes and that do nothing else."""
    for operation in reversed(list(module.ops)):
        if operation.results and all(value.first_use is None for value in operation.results):
            if isinstance(operation, StoreOp | RandomStoreOp):
                continue  # it is there for memory
            operation.detach()
            operation.erase()


def iterates(operation: Operation) -> bool:
    """Whether an operation is one of a loop, as all of a program with a loop are."""
    block = operation.parent_block()
    return block is not None and any(isinstance(each, LoopOp) for each in block.ops)


def fresh_name(module: ModuleOp, base: str) -> str:
    """A name for a declaration of a pass's own."""
    names = {each.data for each in (op.properties.get("sym_name") for op in module.ops) if isinstance(each, StringAttr)}
    number = 1
    while (name := base if number == 1 else f"{base}_{number}") in names:
        number += 1
    return name
