"""Base of all operations of the `step` language: reads and prints their text, and remembers their line."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self
from weakref import WeakKeyDictionary

from xdsl.dialects.builtin import IntegerAttr, IntegerType, StringAttr, i64
from xdsl.ir import Attribute, Operation, SSAValue
from xdsl.irdl import IRDLOperation
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.step.types import BufferType, StreamType

__all__ = [
    "StepOperation",
    "check_result",
    "inherit_line",
    "integer",
    "line_of",
    "name_of",
    "origin_of",
    "parse_axes",
    "parse_result_type",
    "parse_symbol",
    "parse_value",
    "print_type",
    "print_value",
    "told_of",
]


_LINES: WeakKeyDictionary[Operation, int] = WeakKeyDictionary()
"""The line of the text that each parsed operation comes from."""
_ORIGINS: WeakKeyDictionary[Operation, str] = WeakKeyDictionary()
"""The operation of the text that one of a pass's own was made from, in words."""


class StepOperation(IRDLOperation):
    """An operation that reads and prints its own text, after its name."""

    @classmethod
    @abstractmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""

    @classmethod
    def parse(cls, parser: Parser) -> Self:
        """Parse the operation and note its line; xDSL calls this."""
        begin = parser.pos
        try:
            operation = cls.read(parser)
        except VerifyException as error:
            parser.raise_error(str(error), begin, parser.pos)
        _LINES[operation] = parser.lexer.input.content.count("\n", 0, begin) + 1
        return operation


def line_of(operation: Operation) -> int | None:
    """The line of the text that an operation was parsed from, from 1."""
    return _LINES.get(operation)


def origin_of(operation: Operation) -> str:
    """The operation of the text that it is, or was made from, as a sentence calls it: ``step.load (%x)``."""
    name = next((f" ({name_of(value)})" for value in operation.results if value.name_hint), "")
    return _ORIGINS.get(operation, f"{operation.name}{name}")


def inherit_line(operation: Operation, origin: Operation) -> None:
    """Give an operation the line of the one that it was made from."""
    line = _LINES.get(origin)
    if line is not None:
        _LINES[operation] = line
        _ORIGINS[operation] = origin_of(origin)


@contextmanager
def told_of(operation: Operation) -> Iterator[None]:
    """Errors inside say which operation of the text they are about."""
    try:
        yield
    except WeftError as error:
        line = line_of(operation)
        if line is None or str(error).startswith("line "):
            raise
        raise WeftError(f"line {line}: {origin_of(operation)}: {error}") from None


def name_of(value: SSAValue) -> str:
    """A value as a sentence calls it: ``%x``, or the operation that gives it."""
    if value.name_hint:
        return f"%{value.name_hint}"
    return f"the result of {value.owner.name}" if isinstance(value.owner, Operation) else "a value"


def parse_value(parser: Parser) -> SSAValue:
    """An operand that was defined before."""
    begin = parser.pos
    operand = parser.parse_unresolved_operand()
    values = parser.ssa_values.get(operand.operand_name)
    if values is None or operand.index >= len(values):
        parser.raise_error(f"%{operand.operand_name} must be defined before it is used", begin, parser.pos)
    return values[operand.index]


def parse_symbol(parser: Parser) -> StringAttr:
    """``@name``."""
    return parser.parse_symbol_name()


def parse_result_type(parser: Parser) -> StreamType:
    """``: !step.stream<...>``."""
    parser.parse_punctuation(":")
    begin = parser.pos
    result = parser.parse_type()
    if not isinstance(result, StreamType):
        parser.raise_error(f"result must be a stream, not {result}", begin, parser.pos)
    return result


def check_result(operation: Operation, written: Attribute) -> None:
    """Check that the type in the text follows from the operands."""
    (result,) = operation.results
    if result.type != written:
        raise VerifyException(f"result must be {result.type}, not {written}")


def parse_axes(parser: Parser) -> tuple[int, ...]:
    """``[0, 2]``."""

    def axis() -> int:
        begin = parser.pos
        number = parser.parse_integer(allow_boolean=False, allow_negative=True)
        if number < 0:
            parser.raise_error(f"dimensions count from 0, and {number} is below", begin, parser.pos)
        return number

    return (*parser.parse_comma_separated_list(parser.Delimiter.SQUARE, axis),)


def integer(value: int) -> IntegerAttr[IntegerType]:
    """A number as an attribute."""
    return IntegerAttr(value, i64)


def print_value(printer: Printer, value: SSAValue) -> None:
    """An operand."""
    printer.print_string(" ")
    printer.print_ssa_value(value)


def print_type(printer: Printer, kind: StreamType | BufferType) -> None:
    """``: type``."""
    printer.print_string(" : ")
    printer.print_attribute(kind)
