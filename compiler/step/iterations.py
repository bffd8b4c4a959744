"""In which iterations of a program's loop its operations take place."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from xdsl.ir import Operation

from weft.compiler.step.loop import LastOp, RecallOp

__all__ = ["Iterations", "iterations_of"]


class Iterations(Enum):
    """Iterations in which an operation takes place."""

    EVERY = "every"
    FIRST = "first"
    LAST = "last"


def iterations_of(operations: Sequence[Operation]) -> dict[Operation, Iterations]:
    """For each operation of a program, in order, when it takes place.

    A ``step.last`` and all that takes its result: in the last iteration. The initial value of a state: in the first.
    What only these take takes place with them; everything else in every iteration.
    """
    found: dict[Operation, Iterations] = {}
    for operation in operations:
        owners = [operand.owner for operand in operation.operands]
        last = any(found.get(owner) is Iterations.LAST for owner in owners if isinstance(owner, Operation))
        found[operation] = Iterations.LAST if last or isinstance(operation, LastOp) else Iterations.EVERY
    for operation in reversed(operations):
        users = {use for value in operation.results for use in value.uses}
        if found[operation] is not Iterations.EVERY or not users:
            continue
        whens = {
            Iterations.EVERY
            if isinstance(use.operation, LastOp)
            else Iterations.FIRST
            if isinstance(use.operation, RecallOp)
            else found[use.operation]
            for use in users
        }
        if len(whens) == 1:
            (found[operation],) = whens
    return found
