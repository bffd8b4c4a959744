"""A parser of MLIR's text form that knows the `step` language alone."""

from __future__ import annotations

from typing import NoReturn

from xdsl.dialects.builtin import LocationAttr, ModuleOp, StringAttr
from xdsl.ir import Block, Region, TypeAttribute
from xdsl.parser import Parser, UnresolvedOperand
from xdsl.utils.lexer import Span
from xdsl.utils.mlir_lexer import MLIRTokenKind

from weft.compiler.step.operation import StepOperation
from weft.compiler.step.types import BufferType, StreamType, TokenType
from weft.compiler.step.words import end_of_code, ends_line

__all__ = ["StepParser"]

_TYPES = {f"!{each.name}" for each in (StreamType, BufferType, TokenType)}
_ELEMENTS = ("f32", "bf16", "i32")
_NO_OPERATION = "Could not parse entire input!"


class StepParser(Parser):
    """Refuses what MLIR has and the language has not, where it stands: generic forms, nested modules, other types,
    aliases, labels and locations.
    """

    def _parse_op_result_list(self) -> list[tuple[Span, int]]:
        results: list[tuple[Span, int]] = []
        if self._current_token.kind == MLIRTokenKind.PERCENT_IDENT:
            results = self.parse_comma_separated_list(self.Delimiter.NONE, self._parse_op_result)
            self.parse_punctuation("=")
        self._check_name()
        return results

    def _parse_op_result(self) -> tuple[Span, int]:
        return self._parse_token(MLIRTokenKind.PERCENT_IDENT, "name of a result expected").span, 1

    def _check_name(self) -> None:
        token = self._current_token
        begin, end, name = token.span.start, token.span.end, token.text
        if token.kind is MLIRTokenKind.STRING_LIT:
            self.raise_error(f"{name[1:-1]} must be written in its own form, not as {name}(...)", begin, end)
        if token.kind is not MLIRTokenKind.BARE_IDENT:
            self.raise_error("name of an operation expected", begin, end)
        kind = self.ctx.get_optional_op(name, dialect_stack=self._parser_state.dialect_stack)
        if kind is not None and issubclass(kind, ModuleOp):
            if end_of_code(self.lexer.input.content, begin):
                self.raise_error(f"only operations of step are allowed, not {kind.name}", begin, end)
        elif kind is None or not issubclass(kind, StepOperation):
            self.raise_error(f"{name} is not an operation of the language", begin, end)

    def parse_optional_integer(self, allow_boolean: bool = True, allow_negative: bool = True) -> int | None:
        """A whole number of no more digits than Python reads."""
        begin, token = self.pos, self._current_token
        try:
            return super().parse_optional_integer(allow_boolean, allow_negative)
        except ValueError:
            self.raise_error("a number must fit 64 bits", begin, token.span.end)

    def parse_optional_symbol_name(self) -> StringAttr | None:
        """``@name``."""
        begin, token = self.pos, self._current_token
        try:
            return super().parse_optional_symbol_name()
        except UnicodeDecodeError:
            self.raise_error("a name must be UTF-8 text", begin, token.span.end)

    def parse_optional_unresolved_operand(self) -> UnresolvedOperand | None:
        """``%x``."""
        token = self._parse_optional_token(MLIRTokenKind.PERCENT_IDENT)
        return None if token is None else UnresolvedOperand(token.span, 0)

    def parse_optional_type(self) -> TypeAttribute | None:
        """A type of the language; or an element type, of which an operation says that it is none."""
        token = self._current_token
        if token.text in _TYPES or token.text in _ELEMENTS:
            return super().parse_optional_type()
        begin, end = token.span.start, token.span.end
        named = token.kind is MLIRTokenKind.BARE_IDENT and not ends_line(self.lexer.input.content, begin)
        if named or token.kind is MLIRTokenKind.EXCLAMATION_IDENT:
            self.raise_error(
                f"{token.text} is not a type of the language: a result must be a !step.stream<...>, "
                "!step.buffer<...> or !step.token",
                begin,
                end,
            )
        return None

    def parse_region(self, arguments: object = None) -> Region:
        """The operations of a module, and nothing behind them."""
        region = self.parse_optional_region()
        if region is None:
            self.raise_error("'{' expected")
        if self._current_token.kind is not MLIRTokenKind.EOF:
            self.raise_error("nothing must follow the module")
        return region

    def parse_optional_attr_dict_with_keyword(self, reserved_attr_names: object = ()) -> None:
        """Nothing: modules have no attributes."""

    def parse_optional_location(self) -> LocationAttr | None:
        """Nothing: operations have no locations in the text."""

    def _parse_block(self) -> Block:
        self._refuse()

    def _parse_alias_def(self) -> None:
        self._refuse()

    def _parse_file_metadata_dictionary(self) -> None:
        self._refuse()

    def _refuse(self) -> NoReturn:
        self.raise_error(_NO_OPERATION)
