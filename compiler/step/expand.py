"""Repetition along dimensions: STeP's Expand, and NumPy's broadcasting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import ArrayAttr, IntAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import dims_text
from weft.compiler.step.operation import (
    StepOperation,
    parse_axes,
    parse_result_type,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.types import StreamType, stream_of

__all__ = ["ExpandOp"]


@irdl_op_definition
class ExpandOp(StepOperation):
    """STeP's Expand: repeats elements along new dimensions; ``along`` are their places in the result.

    ``%held = step.expand %m along [1] : !step.stream<f32, [8, n]>`` repeats each of eight numbers n times.
    """

    name = "step.expand"

    value = operand_def(StreamType)
    along_attr = prop_def(ArrayAttr[IntAttr])
    result = result_def(StreamType)

    def __init__(self, value: SSAValue, along: Sequence[int], result: StreamType) -> None:
        properties = {"along_attr": ArrayAttr([IntAttr(axis) for axis in along])}
        super().__init__(operands=[value], properties=properties, result_types=[result])

    @property
    def along(self) -> tuple[int, ...]:
        """Places of the new dimensions in the result."""
        return tuple(axis.data for axis in self.along_attr)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("along")
        along = parse_axes(parser)
        return cls(value, along, parse_result_type(parser))

    def print(self, printer: Printer) -> None:
        """``%m along [1] : type``."""
        print_value(printer, self.value)
        printer.print_string(f" along {list(self.along)}")
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        given, result, along = stream_of(self.value), self.result.type, self.along
        if list(along) != sorted(set(along)) or not along or along[-1] >= result.rank:
            raise VerifyException(
                f"along must be different dimensions below {result.rank}, in order, not {list(along)}"
            )
        kept = tuple(dim for axis, dim in enumerate(result.dims) if axis not in along)
        if kept != given.dims or given.element is not result.element:
            raise VerifyException(
                f"the dimensions of the result that are not new must be {given.element.value} {dims_text(given.dims)}, "
                f"not {result.element.value} {dims_text(kept)}"
            )
        if given.element.is_quantised:
            raise VerifyException(f"only step.matmul takes {given.element.value} weights, not {self.name}")
