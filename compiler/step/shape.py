"""Other shapes for the same elements in the same order: STeP's Flatten, Promote and Reshape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from xdsl.dialects.builtin import ArrayAttr, IntAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import Dim, dims_text
from weft.compiler.step.operation import (
    StepOperation,
    check_result,
    parse_axes,
    parse_result_type,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.types import StreamType, stream_of

__all__ = ["FlattenOp", "PromoteOp", "ReshapeOp"]


def _check_element(operation: FlattenOp | PromoteOp | ReshapeOp) -> None:
    element = stream_of(operation.value).element
    if element.is_quantised:
        raise VerifyException(f"only step.matmul takes {element.value} weights, not {operation.name}")


@irdl_op_definition
class FlattenOp(StepOperation):
    """STeP's Flatten: joins neighbouring dimensions to one.

    ``%y = step.flatten %x over [1, 2] : !step.stream<f32, [2, 39]>``
    """

    name = "step.flatten"

    value = operand_def(StreamType)
    over_attr = prop_def(ArrayAttr[IntAttr])
    result = result_def(StreamType)

    def __init__(self, value: SSAValue, over: Sequence[int]) -> None:
        properties = {"over_attr": ArrayAttr([IntAttr(axis) for axis in over])}
        super().__init__(operands=[value], properties=properties, result_types=[_flattened(stream_of(value), over)])

    @property
    def over(self) -> tuple[int, ...]:
        """The dimensions that are joined."""
        return tuple(axis.data for axis in self.over_attr)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("over")
        over = parse_axes(parser)
        result = parse_result_type(parser)
        operation = cls(value, over)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%x over [1, 2] : type``."""
        print_value(printer, self.value)
        printer.print_string(f" over {list(self.over)}")
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        _check_element(self)
        _flattened(stream_of(self.value), self.over)


def _flattened(given: StreamType, over: Sequence[int]) -> StreamType:
    if len(over) < 2 or list(over) != list(range(over[0], over[0] + len(over))) or over[-1] >= given.rank:
        raise VerifyException(
            f"over must be neighbouring dimensions below {given.rank}, at least two, not {list(over)}"
        )
    merged = Dim.product(given.dims[axis] for axis in over)
    return StreamType.make(given.element, (*given.dims[: over[0]], merged, *given.dims[over[-1] + 1 :]))


@irdl_op_definition
class PromoteOp(StepOperation):
    """STeP's Promote: adds an outermost dimension of size 1.

    ``%y = step.promote %x : !step.stream<f32, [1, 21]>``
    """

    name = "step.promote"

    value = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, value: SSAValue) -> None:
        given = stream_of(value)
        super().__init__(operands=[value], result_types=[StreamType.make(given.element, (1, *given.dims))])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        operation, result = cls(value), parse_result_type(parser)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%x : type``."""
        print_value(printer, self.value)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        _check_element(self)


@irdl_op_definition
class ReshapeOp(StepOperation):
    """STeP's Reshape, without padding: the same elements in the same order under another shape.

    ``%y = step.reshape %x : !step.stream<f32, [2, 3, 7]>``
    """

    name = "step.reshape"

    value = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, value: SSAValue, dims: Sequence[Dim | int]) -> None:
        super().__init__(operands=[value], result_types=[StreamType.make(stream_of(value).element, dims)])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value, result = parse_value(parser), parse_result_type(parser)
        operation = cls(value, result.dims)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%x : type``."""
        print_value(printer, self.value)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        _check_element(self)
        given, result = stream_of(self.value), self.result.type
        if Dim.product(given.dims) != Dim.product(result.dims):
            raise VerifyException(
                f"a reshape keeps the number of elements: {dims_text(given.dims)} has {Dim.product(given.dims)}, "
                f"{dims_text(result.dims)} {Dim.product(result.dims)}"
            )
