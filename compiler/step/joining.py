"""Parts of streams, and streams made of several: slices, concatenation, and STeP's Reassemble of two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import Dim, DimsAttr, dims_text, parse_dims
from weft.compiler.step.operation import (
    StepOperation,
    check_result,
    integer,
    parse_result_type,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.walk import Walk

__all__ = ["ConcatOp", "MergeOp", "SliceOp"]


@irdl_op_definition
class ConcatOp(StepOperation):
    """Streams one after the other along a dimension.

    ``%y = step.concat %a, %b over 0 : !step.stream<f32, [6, 12]>``
    """

    name = "step.concat"

    parts = var_operand_def(StreamType)
    axis_attr = prop_def(IntegerAttr)
    result = result_def(StreamType)

    def __init__(self, parts: Sequence[SSAValue], axis: int) -> None:
        types = [stream_of(part) for part in parts]
        if not types or not 0 <= axis < types[0].rank:
            raise VerifyException(f"over must be a dimension of the streams, of which there must be some, not {axis}")
        for each in types[1:]:
            others = [[dim for at, dim in enumerate(one.dims) if at != axis] for one in (types[0], each)]
            if each.rank != types[0].rank or others[0] != others[1] or each.element is not types[0].element:
                raise VerifyException(f"parts must be alike but for dimension {axis}, not {types[0]} and {each}")
        total = Dim.of(0)
        for each in types:
            total = total + each.dims[axis]
        dims = (*types[0].dims[:axis], total, *types[0].dims[axis + 1 :])
        super().__init__(
            operands=[parts],
            properties={"axis_attr": integer(axis)},
            result_types=[StreamType.make(types[0].element, dims)],
        )

    @property
    def axis(self) -> int:
        """The dimension along which they follow each other."""
        return self.axis_attr.value.data

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        parts = parser.parse_comma_separated_list(parser.Delimiter.NONE, lambda: parse_value(parser))
        parser.parse_keyword("over")
        axis, result = parser.parse_integer(allow_boolean=False), parse_result_type(parser)
        operation = cls(parts, axis)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%a, %b over 0 : type``."""
        printer.print_string(" ")
        printer.print_list(self.parts, printer.print_ssa_value)
        printer.print_string(f" over {self.axis}")
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        if self.result.type.element.is_quantised:
            raise VerifyException(f"only step.matmul takes {self.result.type.element.value} weights, not {self.name}")


@irdl_op_definition
class SliceOp(StepOperation):
    """A block of a stream: it begins at ``from`` and has the sizes of the result.

    ``%y = step.slice %x from [0, 2] : !step.stream<f32, [3, 5]>``
    """

    name = "step.slice"

    value = operand_def(StreamType)
    start_attr = prop_def(DimsAttr)
    result = result_def(StreamType)

    def __init__(self, value: SSAValue, start: Sequence[Dim | int], dims: Sequence[Dim | int]) -> None:
        super().__init__(
            operands=[value],
            properties={"start_attr": DimsAttr(tuple(Dim.of(each) for each in start))},
            result_types=[StreamType.make(stream_of(value).element, dims)],
        )

    @property
    def visits(self) -> Walk:
        """The slice as a walk over the stream."""
        rank = stream_of(self.value).rank
        return Walk(tuple(range(rank)), (1,) * rank, self.start_attr.data)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("from")
        start = parse_dims(parser)
        return cls(value, start, parse_result_type(parser).dims)

    def print(self, printer: Printer) -> None:
        """``%x from [0, 2] : type``."""
        print_value(printer, self.value)
        printer.print_string(f" from {dims_text(self.start_attr.data)}")
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        given, result = stream_of(self.value), self.result.type
        if given.element.is_quantised:
            raise VerifyException(f"only step.matmul takes {given.element.value} weights, not {self.name}")
        self.visits.verify(result.dims, given.dims, "the stream")


@irdl_op_definition
class MergeOp(StepOperation):
    """STeP's Reassemble of two streams: for each selector the next row of ``zero`` where it is 0, else of ``other``.

    ``%y = step.merge %which of %a, %b : !step.stream<f32, [10, 12]>``

    Each stream must have as many rows as selectors name it, which is checked when the program runs.
    """

    name = "step.merge"

    which = operand_def(StreamType)
    zero = operand_def(StreamType)
    other = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, which: SSAValue, zero: SSAValue, other: SSAValue) -> None:
        selector, first = stream_of(which), stream_of(zero)
        result = StreamType.make(first.element, (*selector.dims, *first.dims[1:]))
        super().__init__(operands=[which, zero, other], result_types=[result])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        which = parse_value(parser)
        parser.parse_keyword("of")
        zero = parse_value(parser)
        parser.parse_punctuation(",")
        operation = cls(which, zero, parse_value(parser))
        result = parse_result_type(parser)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%which of %a, %b : type``."""
        print_value(printer, self.which)
        printer.print_string(" of ")
        printer.print_list((self.zero, self.other), printer.print_ssa_value)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        which, zero, other = (stream_of(each) for each in (self.which, self.zero, self.other))
        if which.element is not Element.I32 or which.rank != 1:
            raise VerifyException(f"selector must be i32 of one dimension, not {which}")
        if zero.element.is_quantised:
            raise VerifyException(f"only step.matmul takes {zero.element.value} weights, not {self.name}")
        if (
            not zero.rank
            or zero.rank != other.rank
            or zero.dims[1:] != other.dims[1:]
            or zero.element is not other.element
        ):
            raise VerifyException(f"merged streams must have rows alike, not {zero} and {other}")
