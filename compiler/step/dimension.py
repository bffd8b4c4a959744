"""Symbols: sizes that each launch is given."""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import IntegerAttr, StringAttr, SymbolNameConstraint
from xdsl.irdl import irdl_op_definition, prop_def, result_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.operation import (
    StepOperation,
    check_result,
    integer,
    parse_result_type,
    parse_symbol,
    print_type,
)
from weft.compiler.step.types import Element, StreamType

__all__ = ["DimensionOp", "SizeOp"]


@irdl_op_definition
class DimensionOp(StepOperation):
    """Declares a symbol: a size from 0 to ``most`` that each launch is given (``weft run --arg n=5``).

    ``step.dimension @n <= 4096``
    """

    name = "step.dimension"

    sym_name = prop_def(SymbolNameConstraint())
    most = prop_def(IntegerAttr)
    traits = traits_def(SymbolOpInterface())

    def __init__(self, name: str, most: int) -> None:
        super().__init__(properties={"sym_name": StringAttr(name), "most": integer(most)})

    @property
    def largest(self) -> int:
        """The largest size."""
        return self.most.value.data

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        name = parse_symbol(parser)
        parser.parse_punctuation("<")
        parser.parse_punctuation("=")
        return cls(name.data, parser.parse_integer(allow_boolean=False))

    def print(self, printer: Printer) -> None:
        """``@n <= 4096``."""
        printer.print_string(" ")
        printer.print_symbol_name(self.sym_name.data)
        printer.print_string(f" <= {self.largest}")

    def verify_(self) -> None:
        if not 1 <= self.largest < 1 << 24:
            raise VerifyException(
                f"@{self.sym_name.data} must be at most something from 1 to 16777215, not {self.largest}"
            )


@irdl_op_definition
class SizeOp(StepOperation):
    """The value of a symbol as a stream of one number.

    ``%n = step.size @n : !step.stream<i32, []>``
    """

    name = "step.size"

    symbol = prop_def(SymbolNameConstraint())
    result = result_def(StreamType)

    def __init__(self, symbol: str) -> None:
        super().__init__(properties={"symbol": StringAttr(symbol)}, result_types=[StreamType.make(Element.I32, ())])

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        operation = cls(parse_symbol(parser).data)
        check_result(operation, parse_result_type(parser))
        return operation

    def print(self, printer: Printer) -> None:
        """``@n : type``."""
        printer.print_string(" ")
        printer.print_symbol_name(self.symbol.data)
        print_type(printer, self.result.type)
