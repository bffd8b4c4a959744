"""Access by index: STeP's RandomOffChipLoad and RandomOffChipStore."""

from __future__ import annotations

from typing import Self

from xdsl.dialects.builtin import SymbolRefAttr
from xdsl.ir import SSAValue
from xdsl.irdl import irdl_op_definition, operand_def, opt_operand_def, opt_result_def, prop_def, result_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.access import as_token
from weft.compiler.step.dims import dims_text
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

__all__ = ["RandomLoadOp", "RandomStoreOp"]


class _RandomAccess(StepOperation):
    """Base of both: a tensor and a stream of indices."""

    tensor = prop_def(SymbolRefAttr)
    index = operand_def(StreamType)

    @property
    def declaration(self) -> TensorOp:
        """The tensor."""
        return tensor_named(self, self.tensor)

    def verify_entries(self, entries: StreamType) -> None:
        """Check that the stream has an entry of the tensor for each index."""
        tensor, index = self.declaration, stream_of(self.index)
        if index.element is not Element.I32:
            raise VerifyException(f"index must be i32, not {index.element.value}")
        if tensor.element.is_quantised:
            raise VerifyException(f"@{tensor.label} of {tensor.element.value} must move as a whole")
        expected = StreamType.make(tensor.element, (*index.dims, *tensor.shape[1:]))
        if entries != expected:
            raise VerifyException(
                f"the entries of @{tensor.label} must be {tensor.element.value} {dims_text(expected.dims)}, "
                f"not {entries.element.value} {dims_text(entries.dims)}"
            )


@irdl_op_definition
class RandomLoadOp(_RandomAccess):
    """STeP's RandomOffChipLoad: for each index, the entry of a tensor's first dimension that it names.

    ``%rows = step.random_load %index of @table after %stored : !step.stream<f32, [7, 19]>``
    """

    name = "step.random_load"

    after = opt_operand_def(TokenType)
    result = result_def(StreamType)

    def __init__(self, index: SSAValue, tensor: str, result: StreamType, *, after: SSAValue | None = None) -> None:
        super().__init__(
            operands=[after, index],  # in the order of the fields: those of this class first
            properties={"tensor": SymbolRefAttr(tensor)},
            result_types=[result],
        )

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        index = parse_value(parser)
        parser.parse_keyword("of")
        tensor = parse_symbol(parser)
        after = parse_value(parser) if parser.parse_optional_keyword("after") else None
        return cls(index, tensor.data, parse_result_type(parser), after=after)

    def print(self, printer: Printer) -> None:
        """``%index of @table after %t : type``."""
        print_value(printer, self.index)
        printer.print_string(" of ")
        printer.print_symbol_name(self.tensor.string_value())
        if self.after is not None:
            printer.print_string(" after")
            print_value(printer, self.after)
        print_type(printer, self.result.type)

    def verify_(self) -> None:
        self.verify_entries(self.result.type)


@irdl_op_definition
class RandomStoreOp(_RandomAccess):
    """STeP's RandomOffChipStore: each entry goes to its index in the first dimension of a tensor; of two with the same
    index the later one stays.

    ``step.random_store %rows at %index in @table``
    """

    name = "step.random_store"

    value = operand_def(StreamType)
    done = opt_result_def(TokenType)

    def __init__(self, value: SSAValue, index: SSAValue, tensor: str, *, done: bool = False) -> None:
        super().__init__(
            operands=[value, index],  # in the order of the fields: those of this class first
            properties={"tensor": SymbolRefAttr(tensor)},
            result_types=[[TokenType()] if done else []],
        )

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        value = parse_value(parser)
        parser.parse_keyword("at")
        index = parse_value(parser)
        parser.parse_keyword("in")
        tensor = parse_symbol(parser)
        return cls(value, index, tensor.data, done=as_token(parser))

    def print(self, printer: Printer) -> None:
        """``%rows at %index in @table``."""
        print_value(printer, self.value)
        printer.print_string(" at")
        print_value(printer, self.index)
        printer.print_string(" in ")
        printer.print_symbol_name(self.tensor.string_value())
        printer.print_string("" if self.done is None else " -> !step.token")

    def verify_(self) -> None:
        tensor = self.declaration
        if tensor.role is not Role.OUTPUT:
            raise VerifyException(f"@{tensor.label} must be an output to be stored to, not {tensor.role.value}")
        self.verify_entries(stream_of(self.value))
