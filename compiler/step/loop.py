"""Turns of a launch: how a program is gone through more than once (kernel looping, arXiv 2410.23668)."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from compiler.step.attributes import attributes
from compiler.step.types import Kind, StreamType

__all__ = ["MOST_TURNS", "WHEN", "LoopOp", "TurnOp", "turns_of", "verify_when", "when_of"]

WHEN = ("every", "first", "later", "last", "earlier")
"""Turns that an operation can be limited to: ``later`` is all but the first, ``earlier`` all but the last."""

MOST_TURNS = 4095


@irdl_op_definition
class LoopOp(IRDLOperation):
    """Declares that a launch goes ``turns`` times through the program, every access at its own pace.

    Streams, buffers and shapes are those of a turn. There is at most one in a module.
    """

    name = "step.loop"

    turns = prop_def(IntegerAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict"

    def __init__(self, turns: int) -> None:
        super().__init__(properties=attributes(turns=turns))

    def verify_(self) -> None:
        if not 1 <= self.turns.value.data <= MOST_TURNS:
            raise VerifyException(f"turns must be 1 to {MOST_TURNS}, not {self.turns.value.data}")


@irdl_op_definition
class TurnOp(IRDLOperation):
    """The number of the turn, from 0, as a scalar stream of one beat (int32)."""

    name = "step.turn"

    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict `:` type($result)"

    def __init__(self) -> None:
        super().__init__(result_types=[StreamType.make(Kind.SCALAR, ())])


def turns_of(module: ModuleOp) -> int:
    """Turns of a launch, 1 without a ``step.loop``."""
    return next((op.turns.value.data for op in module.ops if isinstance(op, LoopOp)), 1)


def when_of(attribute: StringAttr | None) -> str:
    """The turns that an attribute names, every one without it."""
    return WHEN[0] if attribute is None else attribute.data


def verify_when(attribute: StringAttr | None, field: str) -> None:
    """That it names turns."""
    if when_of(attribute) not in WHEN:
        raise VerifyException(f"{field} must be one of {', '.join(WHEN)}, not {when_of(attribute)!r}")
