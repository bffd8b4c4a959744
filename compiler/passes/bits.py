"""An operation that only passes use: words under another element type."""

from __future__ import annotations

from typing import Self

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer

from weft.compiler.step.operation import StepOperation, parse_result_type, parse_value, print_type, print_value
from weft.compiler.step.types import Element, StreamType, stream_of

__all__ = ["BitsOp"]


@irdl_op_definition
class BitsOp(StepOperation):
    """The same words as numbers of another type, bit for bit.

    ``%words = step.bits %x : !step.stream<i32, [5, 20]>``
    """

    name = "step.bits"

    value = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, value: SSAValue, element: Element) -> None:
        super().__init__(operands=[value], result_types=[StreamType.make(element, stream_of(value).dims)])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        return cls(value, parse_result_type(parser).element)

    def print(self, printer: Printer) -> None:
        """``%x : type``."""
        print_value(printer, self.value)
        print_type(printer, self.result.type)
