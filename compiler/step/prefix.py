"""Running reductions along rows, in any order of operations: parallel prefixes."""

from __future__ import annotations

from enum import Enum
from typing import Self

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
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
from weft.compiler.step.words import parse_word

__all__ = ["Associative", "PrefixOp"]


class Associative(Enum):
    """The function that combines elements."""

    ADD = "add"
    MUL = "mul"
    MAX = "max"
    MIN = "min"


@irdl_op_definition
class PrefixOp(StepOperation):
    """A running reduction along the innermost dimension; each result includes its own element.

    ``%c = step.prefix mul %x : !step.stream<f32, [9, 8]>``

    Unlike ``step.scan`` it leaves the order to the mapping, as ``step.accum`` does: lanes can work at the same time. It
    begins with the first element itself, so that a sum of negative zeros is one.
    """

    name = "step.prefix"

    function_attr = prop_def(StringAttr)
    value = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, function: Associative, value: SSAValue) -> None:
        given = stream_of(value)
        element = Element.I32 if given.element is Element.I32 else Element.F32
        super().__init__(
            operands=[value],
            properties={"function_attr": StringAttr(function.value)},
            result_types=[StreamType.make(element, given.dims)],
        )

    @property
    def function(self) -> Associative:
        """The function that combines elements."""
        return Associative(self.function_attr.data)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        name = parse_word(parser, "function", [each.value for each in Associative])
        value = parse_value(parser)
        result = parse_result_type(parser)
        operation = cls(Associative(name), value)
        operation.verify_()
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``mul %x : type``."""
        printer.print_string(f" {self.function.value}")
        print_value(printer, self.value)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        given = stream_of(self.value)
        if not given.rank:
            raise VerifyException("a prefix goes along the innermost dimension, and a single number has none")
        if given.element.is_quantised:
            raise VerifyException(f"only step.matmul takes {given.element.value} weights, not {self.name}")
        if given.element is Element.I32 and self.function is Associative.MUL:
            raise VerifyException("mul is not for i32; step.convert to f32 is exact below 2^24")
