"""Turns: a launch iterates the program several times (kernel looping, arXiv 2410.23668)."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, opt_prop_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import Names, attributes
from weft.compiler.mapped.types import Kind, StreamType
from weft.hw.program import When

__all__ = ["MOST_TURNS", "WHEN", "Loop", "LoopOp", "TurnOp", "loop_of", "turns_of", "when_of"]

WHEN = Names.of("when", When)
"""Turns that an operation can be limited to: ``later`` is all but the first, ``earlier`` all but the last."""

MOST_TURNS = 4095


@irdl_op_definition
class LoopOp(IRDLOperation):
    """Declares that a launch iterates the program ``turns`` times (kernel looping).

    Loads and stores run ahead independently; stream shapes are per iteration. There is at most one in a module. With
    ``rounds_arg`` a launch repeats all turns as often as that launch argument says, at least once: accesses with
    ``round_dim`` move on each round.
    """

    name = "mapped.loop"

    turns = prop_def(IntegerAttr)
    rounds_arg = opt_prop_def(IntegerAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict"

    def __init__(self, turns: int, *, rounds_arg: int | None = None) -> None:
        super().__init__(properties=attributes(turns=turns, rounds_arg=rounds_arg))

    def verify_(self) -> None:
        if not 1 <= self.turns.value.data <= MOST_TURNS:
            raise VerifyException(f"turns must be 1 to {MOST_TURNS}, not {self.turns.value.data}")
        if self.rounds_arg is not None and self.rounds_arg.value.data < 1:
            raise VerifyException(f"rounds_arg must be at least 1, not {self.rounds_arg.value.data}")


@irdl_op_definition
class TurnOp(IRDLOperation):
    """The number of the turn, from 0, as a scalar stream of one beat (int32)."""

    name = "mapped.turn"

    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict `:` type($result)"

    def __init__(self) -> None:
        super().__init__(result_types=[StreamType.make(Kind.SCALAR, ())])


@dataclass(frozen=True)
class Loop:
    """Turns of a round, and the launch argument that holds the rounds (0: there is one)."""

    turns: int = 1
    rounds_arg: int = 0


def loop_of(module: ModuleOp) -> Loop:
    """How often a launch iterates a program: once without a ``mapped.loop``."""
    for op in module.ops:
        if isinstance(op, LoopOp):
            return Loop(op.turns.value.data, 0 if op.rounds_arg is None else op.rounds_arg.value.data)
    return Loop()


def turns_of(module: ModuleOp) -> int:
    """Turns of a round."""
    return loop_of(module).turns


def when_of(attribute: StringAttr | None) -> When:
    """The turns that an attribute names, every one without it."""
    return When.EVERY if attribute is None else WHEN[attribute]
