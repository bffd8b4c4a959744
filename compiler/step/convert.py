"""Conversion between element types."""

from __future__ import annotations

from typing import Self

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.operation import (
    StepOperation,
    check_result,
    parse_result_type,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.types import Element, StreamType, stream_of

__all__ = ["ConvertOp"]


@irdl_op_definition
class ConvertOp(StepOperation):
    """Converts numbers to another element type, to nearest even: f32 to bf16 or i32, bf16 or i32 to f32.

    ``%y = step.convert %x : !step.stream<bf16, [6, 21]>``

    To i32 it saturates, and NaN becomes 0.
    """

    name = "step.convert"

    value = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, value: SSAValue, element: Element) -> None:
        super().__init__(operands=[value], result_types=[StreamType.make(element, stream_of(value).dims)])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        result = parse_result_type(parser)
        operation = cls(value, result.element)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%x : type``."""
        print_value(printer, self.value)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        source, target = stream_of(self.value).element, self.result.type.element
        if target.is_quantised or source.is_quantised:
            raise VerifyException(f"{source.value} cannot be converted to {target.value}")
        if (source, target) == (Element.I32, Element.BF16):
            raise VerifyException("i32 becomes bf16 in two conversions, to f32 and from there, each of which rounds")
