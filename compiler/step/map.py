"""Elementwise functions: STeP's Map over Zip."""

from __future__ import annotations

from enum import Enum
from typing import Self

from xdsl.dialects.builtin import FloatAttr, IntegerAttr, StringAttr, f32
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def, result_def, var_operand_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import dims_text
from weft.compiler.step.operation import StepOperation, integer, parse_result_type, parse_value, print_type
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.compiler.step.words import parse_optional_number, parse_word

__all__ = ["Function", "MapOp"]


class Function(Enum):
    """What ``step.map`` computes. The arithmetic of float32 rounds to nearest even and flushes subnormals."""

    ADD = "add"
    SUB = "sub"
    MUL = "mul"
    MAX = "max"
    MIN = "min"
    LT = "lt"
    """1.0 where a < b, else 0.0; likewise ``le`` and ``eq``"""
    LE = "le"
    EQ = "eq"
    MULADD = "muladd"
    """a * b + c, rounded after each of the two"""
    SELECT = "select"
    """b where a is not 0, else c"""
    EXP = "exp"
    RECIPROCAL = "reciprocal"
    RSQRT = "rsqrt"
    SIGMOID = "sigmoid"
    DIV_APPROX = "div_approx"
    """a * reciprocal(b), within 2 units of the last place of a / b; not the quotient that IEEE 754 rounds"""

    @property
    def operands(self) -> int:
        """How many operands it takes."""
        if self in (Function.MULADD, Function.SELECT):
            return 3
        return 1 if self in (Function.EXP, Function.RECIPROCAL, Function.RSQRT, Function.SIGMOID) else 2

    @property
    def compares(self) -> bool:
        """Whether its result is 1.0 or 0.0."""
        return self in (Function.LT, Function.LE, Function.EQ)

    @property
    def takes_integers(self) -> bool:
        """Whether operands can be i32."""
        return self.compares or self in (Function.ADD, Function.SUB, Function.MAX, Function.MIN, Function.SELECT)


@irdl_op_definition
class MapOp(StepOperation):
    """One function on each element of streams of the same sizes; one operand can be a number.

    ``%y = step.map muladd %a, %b, 0.5 : !step.stream<f32, [6, 21]>``

    bf16 operands count as f32. Integers work with integers; ``select`` chooses among them by an f32.
    """

    name = "step.map"

    function_attr = prop_def(StringAttr)
    inputs = var_operand_def(StreamType)
    constant_attr = opt_prop_def(FloatAttr | IntegerAttr)
    place_attr = opt_prop_def(IntegerAttr)
    result = result_def(StreamType)

    def __init__(self, function: Function, *operands: SSAValue | float, result: StreamType | None = None) -> None:
        values = [each for each in operands if isinstance(each, SSAValue)]
        constants = [(place, each) for place, each in enumerate(operands) if not isinstance(each, SSAValue)]
        if len(constants) > 1 or not values:
            raise VerifyException(f"operands of {function.value} must be streams, and at most one number")
        properties: dict[str, StringAttr | FloatAttr | IntegerAttr] = {"function_attr": StringAttr(function.value)}
        for place, number in constants:
            constant = integer(number) if isinstance(number, int) else FloatAttr(number, f32)
            properties |= {"constant_attr": constant, "place_attr": integer(place)}
        super().__init__(
            operands=[values],
            properties=properties,
            result_types=[map_type(function, [stream_of(each) for each in values]) if result is None else result],
        )

    @property
    def function(self) -> Function:
        """What it computes."""
        return Function(self.function_attr.data)

    @property
    def arguments(self) -> tuple[SSAValue | float, ...]:
        """Operands and the constant, in order."""
        values: list[SSAValue | float] = list(self.inputs)
        if self.constant_attr is not None and self.place_attr is not None:
            values.insert(self.place_attr.value.data, self.constant_attr.value.data)
        return (*values,)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        hints = {"div": "; div_approx is within 2 units of the last place"}
        name = parse_word(parser, "function", [each.value for each in Function], hints)

        def operand() -> SSAValue | float:
            number = parse_optional_number(parser)
            return parse_value(parser) if number is None else number

        operands = parser.parse_comma_separated_list(parser.Delimiter.NONE, operand)
        result = parse_result_type(parser)
        return cls(Function(name), *operands, result=result)

    def print(self, printer: Printer) -> None:
        """``f %a, 0.5 : type``."""
        printer.print_string(f" {self.function.value} ")

        def operand(each: SSAValue | float) -> None:
            if isinstance(each, SSAValue):
                printer.print_ssa_value(each)
            elif isinstance(each, int):
                printer.print_string(str(each))
            else:
                printer.print_float(each, f32)

        printer.print_list(self.arguments, operand)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        function = self.function
        if len(self.arguments) != function.operands:
            raise VerifyException(f"{function.value} takes {function.operands} operands, not {len(self.arguments)}")
        if (
            self.constant_attr is not None
            and self.arguments[0] == self.constant_attr.value.data
            and function is Function.SELECT
        ):
            raise VerifyException("the first operand of select must be a stream")
        types = [stream_of(value) for value in self.inputs]
        for each in types[1:]:
            if each.dims != types[0].dims:
                raise VerifyException(
                    f"operands of {function.value} must have the same sizes, not {dims_text(types[0].dims)} and "
                    f"{dims_text(each.dims)}; step.expand repeats one along a dimension"
                )
        choosing = types[1:] if function is Function.SELECT else types
        integers = [each.element is Element.I32 for each in choosing]
        if any(each.element.is_quantised for each in types):
            raise VerifyException(f"only step.matmul takes {types[0].element.value} weights, not {self.name}")
        if any(integers) and not function.takes_integers:
            raise VerifyException(f"{function.value} is not for i32; step.convert to f32 is exact below 2^24")
        if any(integers) and not all(integers):
            raise VerifyException(
                f"operands of {function.value} must be all i32 or none; step.convert makes one what the other is"
            )
        if function is Function.SELECT and not types[0].element.is_float:
            raise VerifyException(
                f"the first operand of select must be f32, as comparisons give it, not {types[0].element.value}"
            )
        if any(integers) and isinstance(self.constant_attr, FloatAttr):
            raise VerifyException(
                f"the number must be whole, as the operands are i32, not {self.constant_attr.value.data}"
            )
        if isinstance(self.constant_attr, IntegerAttr) and not -(1 << 31) <= self.constant_attr.value.data < 1 << 31:
            raise VerifyException(f"the number must fit 32 bits, not {self.constant_attr.value.data}")
        if not any(integers) and isinstance(self.constant_attr, IntegerAttr):
            raise VerifyException(
                f"the number must be written with a point, as the operands are f32: {self.constant_attr.value.data}.0"
            )
        expected = map_type(function, types)
        if self.result.type != expected:
            raise VerifyException(f"result of {function.value} must be {expected}, not {self.result.type}")


def map_type(function: Function, types: list[StreamType]) -> StreamType:
    """The type of the result."""
    integers = types[-1].element is Element.I32 and not function.compares
    return StreamType.make(Element.I32 if integers else Element.F32, types[0].dims)
