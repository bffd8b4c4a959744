"""Bufferize and Streamify: keep blocks of a stream and read them in another order, or several times."""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import dims_text
from weft.compiler.step.operation import (
    StepOperation,
    check_result,
    integer,
    parse_result_type,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.types import BufferType, StreamType, buffer_of, stream_of
from weft.compiler.step.walk import PartialWalk, Walk, WalkAttr, parse_walk, print_walk

__all__ = ["BufferizeOp", "StreamifyOp"]


@irdl_op_definition
class BufferizeOp(StepOperation):
    """STeP's Bufferize: the ``rank`` innermost dimensions of a stream become buffers.

    ``%b = step.bufferize %x rank 1 : !step.buffer<f32, [5] of [24]>``
    """

    name = "step.bufferize"

    value = operand_def(StreamType)
    rank_attr = prop_def(IntegerAttr)
    result = result_def(BufferType)

    def __init__(self, value: SSAValue, rank: int) -> None:
        given = stream_of(value)
        if not 1 <= rank <= given.rank:
            raise VerifyException(f"rank must be 1 to {given.rank}, the stream's, not {rank}")
        split = given.rank - rank
        result = BufferType.make(given.element, given.dims[:split], given.dims[split:])
        super().__init__(operands=[value], properties={"rank_attr": integer(rank)}, result_types=[result])

    @property
    def rank(self) -> int:
        """Dimensions inside a buffer."""
        return self.rank_attr.value.data

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("rank")
        rank = parser.parse_integer(allow_boolean=False)
        parser.parse_punctuation(":")
        result = parser.parse_type()
        operation = cls(value, rank)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%x rank 1 : type``."""
        print_value(printer, self.value)
        printer.print_string(f" rank {self.rank}")
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        if stream_of(self.value).element.is_quantised:
            raise VerifyException(
                f"only step.matmul takes {stream_of(self.value).element.value} weights, not {self.name}"
            )


@irdl_op_definition
class StreamifyOp(StepOperation):
    """STeP's Streamify: each buffer is read once by a walk over its dimensions.

    ``%t = step.streamify %b walk [1, 0] : !step.stream<f32, [13, 10]>`` reads the columns of matrices;
    ``walk [0, 1, 0, 1]`` reads windows, and ``_`` repeats. The result has the dimensions of the stream of buffers and
    then those of the walk.
    """

    name = "step.streamify"

    buffer = operand_def(BufferType)
    walk_attr = prop_def(WalkAttr)
    result = result_def(StreamType)

    def __init__(self, buffer: SSAValue, result: StreamType, walk: Walk | PartialWalk | None = None) -> None:
        partial = PartialWalk.of(walk) if isinstance(walk, Walk) else walk or PartialWalk()
        super().__init__(operands=[buffer], properties={"walk_attr": WalkAttr(partial)}, result_types=[result])

    @property
    def visits(self) -> Walk:
        """Which elements of a buffer are read."""
        return self.walk_attr.data.over(len(buffer_of(self.buffer).inner))

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        buffer, walk = parse_value(parser), parse_walk(parser)
        return cls(buffer, parse_result_type(parser), walk)

    def print(self, printer: Printer) -> None:
        """``%b walk [1, 0] : type``."""
        print_value(printer, self.buffer)
        print_walk(printer, self.walk_attr.data)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        buffer, result = buffer_of(self.buffer), self.result.type
        outer = len(buffer.outer)
        if result.element is not buffer.element or result.dims[:outer] != buffer.outer:
            raise VerifyException(
                f"result must be {buffer.element.value} and begin with the dimensions of the stream of buffers, "
                f"{dims_text(buffer.outer)}, not {result}"
            )
        self.visits.verify(result.dims[outer:], buffer.inner, "the buffer")
