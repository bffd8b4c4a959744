"""Matrix products."""

from __future__ import annotations

from typing import Self

from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import dims_text
from weft.compiler.step.operation import StepOperation, check_result, parse_result_type, parse_value, print_type
from weft.compiler.step.types import Element, StreamType, stream_of

__all__ = ["MatmulOp"]


@irdl_op_definition
class MatmulOp(StepOperation):
    """Rows times a matrix, [..., rows, k] times [..., k, columns]; or one row, [k] times [k, columns].

    ``%y = step.matmul %x, %w : !step.stream<f32, [5, 20]>``

    Weights are f32, bf16, int8 or mxfp4; sums are float32, in an order that is the mapping's. Dimensions before the
    last two are the same on both sides.
    """

    name = "step.matmul"

    left = operand_def(StreamType)
    right = operand_def(StreamType)
    result = result_def(StreamType)

    def __init__(self, left: SSAValue, right: SSAValue) -> None:
        super().__init__(operands=[left, right], result_types=[_product(stream_of(left), stream_of(right))])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        left = parse_value(parser)
        parser.parse_punctuation(",")
        right, result = parse_value(parser), parse_result_type(parser)
        operation = cls(left, right)
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``%x, %w : type``."""
        printer.print_string(" ")
        printer.print_list((self.left, self.right), printer.print_ssa_value)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        left = stream_of(self.left)
        if not left.element.is_float:
            raise VerifyException(f"rows must be f32 or bf16, not {left.element.value}")
        if stream_of(self.right).element is Element.I32:
            raise VerifyException("weights must be f32, bf16, int8 or mxfp4, not i32")
        _product(left, stream_of(self.right))


def _product(left: StreamType, right: StreamType) -> StreamType:
    if right.rank < 2 or left.rank < 1 or left.rank not in (right.rank, right.rank - 1):
        raise VerifyException(
            f"operands must be [..., rows, k] and [..., k, columns], or [k] and [k, columns], not "
            f"{dims_text(left.dims)} and {dims_text(right.dims)}"
        )
    *outer, k, columns = right.dims
    if left.dims[: len(outer)] != tuple(outer) or left.dims[-1] != k:
        raise VerifyException(
            f"operands must agree in k and in what comes before, not {dims_text(left.dims)} and {dims_text(right.dims)}"
        )
    return StreamType.make(Element.F32, (*left.dims[:-1], columns))
