"""Loads and stores: STeP's LinearOffChipLoad and LinearOffChipStore."""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, opt_result_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.operation import (
    StepOperation,
    parse_result_type,
    parse_symbol,
    parse_value,
    print_type,
    print_value,
)
from weft.compiler.step.tensor import Role, TensorOp, tensor_named
from weft.compiler.step.types import Element, StreamType, TokenType, stream_of
from weft.compiler.step.walk import PartialWalk, Walk, WalkAttr, parse_walk, print_walk

__all__ = ["LoadOp", "StoreOp", "as_token"]


class _Access(StepOperation):
    """Base of loads and stores: a tensor and a walk over it."""

    tensor = prop_def(SymbolRefAttr)
    walk_attr = prop_def(WalkAttr)

    @property
    def declaration(self) -> TensorOp:
        """The tensor."""
        return tensor_named(self, self.tensor)

    @property
    def visits(self) -> Walk:
        """Which elements are visited."""
        return self.walk_attr.data.over(len(self.declaration.shape))

    def verify_walk(self, stream: StreamType) -> None:
        """Check that tensor, walk and stream agree."""
        tensor = self.declaration
        self.visits.verify(stream.dims, tensor.shape, f"@{tensor.label}")
        if any(step < 0 for step in self.visits.by):
            raise VerifyException(
                f"by must be at least 1 in memory, not {min(self.visits.by)}: read a buffer backwards"
            )
        whole = self.visits == Walk.whole(len(tensor.shape)) and stream.dims == tensor.shape
        if tensor.element.is_quantised and not whole:
            raise VerifyException(f"@{tensor.label} of {tensor.element.value} must move as a whole, in order")


@irdl_op_definition
class LoadOp(_Access):
    """STeP's LinearOffChipLoad: a tensor, or a walk over it, as a stream. It begins after the token ``after``.

    ``%w = step.load @w walk [_, 0, 1] from [0, 4] after %stored : !step.stream<bf16, [5, 24, 16]>``
    """

    name = "step.load"

    after = opt_operand_def(TokenType)
    result = result_def(StreamType)

    def __init__(
        self,
        tensor: str,
        result: StreamType,
        walk: Walk | PartialWalk | None = None,
        *,
        after: SSAValue | None = None,
    ) -> None:
        partial = PartialWalk.of(walk) if isinstance(walk, Walk) else walk or PartialWalk()
        super().__init__(
            operands=[after],
            properties={"tensor": SymbolRefAttr(tensor), "walk_attr": WalkAttr(partial)},
            result_types=[result],
        )

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        tensor, walk = parse_symbol(parser), parse_walk(parser)
        after = parse_value(parser) if parser.parse_optional_keyword("after") else None
        return cls(tensor.data, parse_result_type(parser), walk, after=after)

    def print(self, printer: Printer) -> None:
        """``@w walk ... after %t : type``."""
        printer.print_string(" ")
        printer.print_symbol_name(self.tensor.string_value())
        print_walk(printer, self.walk_attr.data)
        if self.after is not None:
            printer.print_string(" after")
            print_value(printer, self.after)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        tensor, result = self.declaration, self.result.type
        if result.element is not tensor.element:
            raise VerifyException(
                f"result must be {tensor.element.value}, as @{tensor.label} is, not {result.element.value}"
            )
        self.verify_walk(result)


@irdl_op_definition
class StoreOp(_Access):
    """STeP's LinearOffChipStore: a stream into a tensor. Its token says that memory has all of the stream.

    ``%stored = step.store %y in @y walk [1, 0]``
    """

    name = "step.store"

    value = operand_def(StreamType)
    done = opt_result_def(TokenType)

    def __init__(
        self, value: SSAValue, tensor: str, walk: Walk | PartialWalk | None = None, *, done: bool = False
    ) -> None:
        partial = PartialWalk.of(walk) if isinstance(walk, Walk) else walk or PartialWalk()
        super().__init__(
            operands=[value],
            properties={"tensor": SymbolRefAttr(tensor), "walk_attr": WalkAttr(partial)},
            result_types=[[TokenType()] if done else []],
        )

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("in")
        tensor, walk = parse_symbol(parser), parse_walk(parser)
        return cls(value, tensor.data, walk, done=as_token(parser))

    def print(self, printer: Printer) -> None:
        """``%y in @y walk ... -> !step.token``."""
        print_value(printer, self.value)
        printer.print_string(" in ")
        printer.print_symbol_name(self.tensor.string_value())
        print_walk(printer, self.walk_attr.data)
        printer.print_string("" if self.done is None else " -> !step.token")

    def verify_(self) -> None:
        tensor, value = self.declaration, stream_of(self.value)
        if tensor.role not in (Role.OUTPUT, Role.CACHE):
            raise VerifyException(
                f"@{tensor.label} must be an output or cache to be stored to, not {tensor.role.value}"
            )
        if value.element is not tensor.element and (value.element, tensor.element) != (Element.BF16, Element.F32):
            raise VerifyException(
                f"@{tensor.label} is {tensor.element.value}, and what is stored {value.element.value}: "
                "step.convert makes one the other"
            )
        if -1 in self.visits.dims:
            raise VerifyException(f"a store must not repeat: walk has _, and @{tensor.label} would be stored to again")
        self.verify_walk(value)
        for dim in self.visits.overlaps(value.dims):
            raise VerifyException(
                f"a store must not repeat: along dimension {dim} of @{tensor.label} its windows overlap, or may overlap"
            )


def as_token(parser: Parser) -> bool:
    """``-> !step.token``, if it is there."""
    if parser.parse_optional_punctuation("->") is None:
        return False
    begin = parser.pos
    if not isinstance(parser.parse_type(), TokenType):
        parser.raise_error("a store must give nothing or a !step.token", begin, parser.pos)
    return True
