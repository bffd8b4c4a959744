"""Reductions and running reductions: STeP's Accum and Scan."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import Self

from xdsl.dialects.builtin import ArrayAttr, FloatAttr, IntAttr, StringAttr, f32
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_prop_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.operation import (
    StepOperation,
    check_result,
    parse_axes,
    parse_result_type,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.words import parse_number, parse_word

__all__ = ["AccumOp", "Reduction", "ScanOp"]


class Reduction(Enum):
    """The function that combines elements."""

    ADD = "add"
    MAX = "max"
    MIN = "min"

    @property
    def neutral(self) -> float:
        """The neutral element: combining with it changes nothing."""
        return {Reduction.ADD: 0.0, Reduction.MAX: float("-inf"), Reduction.MIN: float("inf")}[self]


class _Accumulating(StepOperation):
    """Base of Accum and Scan. ``over`` are the reduced dimensions, counted from the outermost."""

    reduction_attr = prop_def(StringAttr)
    value = operand_def(StreamType)
    over_attr = prop_def(ArrayAttr[IntAttr])
    init_attr = opt_prop_def(FloatAttr)
    result = result_def(StreamType)

    def __init__(
        self, reduction: Reduction, value: SSAValue, over: Sequence[int], *, init: float | None = None
    ) -> None:
        properties = {
            "reduction_attr": StringAttr(reduction.value),
            "over_attr": ArrayAttr([IntAttr(axis) for axis in over]),
            **({} if init is None else {"init_attr": FloatAttr(init, f32)}),
        }
        result = self.result_of(stream_of(value), over)
        super().__init__(operands=[value], properties=properties, result_types=[result])

    @property
    def reduction(self) -> Reduction:
        """The function that combines elements."""
        return Reduction(self.reduction_attr.data)

    @property
    def over(self) -> tuple[int, ...]:
        """The dimensions that are reduced."""
        return tuple(axis.data for axis in self.over_attr)

    @property
    def init(self) -> float:
        """Where each result begins; it counts once."""
        return self.reduction.neutral if self.init_attr is None else self.init_attr.value.data

    @staticmethod
    def result_of(given: StreamType, over: Sequence[int]) -> StreamType:
        """The type of the result."""
        raise NotImplementedError

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        name = parse_word(parser, "reduction", [each.value for each in Reduction])
        value = parse_value(parser)
        parser.parse_keyword("over")
        over = parse_axes(parser)
        init = parse_number(parser) if parser.parse_optional_keyword("from") else None
        result = parse_result_type(parser)
        operation = cls(Reduction(name), value, over, init=None if init is None else float(init))
        operation.verify_()
        check_result(operation, result)
        return operation

    def print(self, printer: Printer) -> None:
        """``add %x over [1] from 0.5 : type``."""
        printer.print_string(f" {self.reduction.value}")
        print_value(printer, self.value)
        printer.print_string(f" over {list(self.over)}")
        if self.init_attr is not None:
            printer.print_string(" from ")
            printer.print_float(self.init_attr.value.data, f32)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        given, over = stream_of(self.value), self.over
        if list(over) != sorted(set(over)) or not over or over[-1] >= given.rank:
            raise VerifyException(f"over must be different dimensions below {given.rank}, in order, not {list(over)}")
        if given.element.is_quantised:
            raise VerifyException(f"only step.matmul takes {given.element.value} weights, not {self.name}")
        if given.element is Element.I32 and self.init_attr is not None:
            raise VerifyException("a reduction of i32 begins with its first element: from is for f32")


@irdl_op_definition
class AccumOp(_Accumulating):
    """STeP's Accum: reduces dimensions to their sum, maximum or minimum. The mapping chooses the order of a sum.

    ``%m = step.accum max %s over [1] : !step.stream<f32, [8]>``

    Where there is no element to reduce, the result is its initial value: ``from``, or 0, -inf, inf.
    """

    name = "step.accum"

    @staticmethod
    def result_of(given: StreamType, over: Sequence[int]) -> StreamType:
        """The operand's, without the reduced dimensions."""
        element = Element.I32 if given.element is Element.I32 else Element.F32
        return StreamType.make(element, [dim for axis, dim in enumerate(given.dims) if axis not in over])


@irdl_op_definition
class ScanOp(_Accumulating):
    """STeP's Scan: a running reduction along one dimension, in order; each result includes its own element.

    ``%c = step.scan add %x over [0] : !step.stream<f32, [9, 14]>``
    """

    name = "step.scan"

    @staticmethod
    def result_of(given: StreamType, over: Sequence[int]) -> StreamType:
        """The operand's dimensions."""
        return StreamType.make(Element.I32 if given.element is Element.I32 else Element.F32, given.dims)

    def verify_(self) -> None:
        super().verify_()
        if len(self.over) != 1:
            raise VerifyException(f"a scan goes along one dimension, not {list(self.over)}")
