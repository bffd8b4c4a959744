"""An operation that only passes use: elements of a row at places of a longer row, with zeros between them."""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.operation import (
    StepOperation,
    integer,
    parse_result_type,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.types import StreamType, stream_of

__all__ = ["PlaceOp"]


@irdl_op_definition
class PlaceOp(StepOperation):
    """Rows of ``size`` elements: element ``j`` of the operand's row lies at ``start + j * step``, the others are 0.

    ``%row = step.place %y from 2 by 3 : !step.stream<f32, [5, 20]>``
    """

    name = "step.place"

    value = operand_def(StreamType)
    start_attr = prop_def(IntegerAttr)
    step_attr = prop_def(IntegerAttr)
    result = result_def(StreamType)

    def __init__(self, value: SSAValue, start: int, step: int, size: int) -> None:
        given = stream_of(value)
        super().__init__(
            operands=[value],
            properties={"start_attr": integer(start), "step_attr": integer(step)},
            result_types=[StreamType.make(given.element, (*given.dims[:-1], size))],
        )

    @property
    def places(self) -> tuple[int, ...]:
        """Where the elements of a row lie."""
        count = stream_of(self.value).dims[-1].number or 0
        start, step = self.start_attr.value.data, self.step_attr.value.data
        return (*range(start, start + count * step, step),)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("from")
        start = parser.parse_integer(allow_boolean=False)
        parser.parse_keyword("by")
        step = parser.parse_integer(allow_boolean=False)
        return cls(value, start, step, parse_result_type(parser).dims[-1].number or 0)

    def print(self, printer: Printer) -> None:
        """``%y from 2 by 3 : type``."""
        print_value(printer, self.value)
        printer.print_string(f" from {self.start_attr.value.data} by {self.step_attr.value.data}")
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        size = self.result.type.dims[-1].number
        if size is None or any(place >= size for place in self.places):
            raise VerifyException(f"places must lie in a row of known size, not up to {max(self.places)} in {size}")
