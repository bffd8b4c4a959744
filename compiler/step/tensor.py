"""Tensors in off-chip memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Self

from xdsl.dialects.builtin import StringAttr, SymbolNameConstraint, SymbolRefAttr, UnitAttr
from xdsl.ir import Operation
from xdsl.irdl import irdl_op_definition, opt_prop_def, prop_def, traits_def
from xdsl.parser import Parser
from xdsl.printer import Printer
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import Dim, DimsAttr, dims_text, parse_dims
from weft.compiler.step.operation import StepOperation, parse_symbol
from weft.compiler.step.shard import Shard, ShardAttr, parse_shard
from weft.compiler.step.symbols import declared
from weft.compiler.step.types import Element, parse_element
from weft.compiler.step.words import parse_word

__all__ = ["Role", "TensorOp", "tensor_named", "whole_tensors"]


class Role(Enum):
    """Where the contents of a tensor come from."""

    INPUT = "input"
    """the caller gives an array"""
    OUTPUT = "output"
    """zeros before the launch; the caller gets an array"""
    WEIGHT = "weight"
    """an input that stays the same from launch to launch"""
    CACHE = "cache"
    """what earlier launches have stored; zeros before the first, unless the caller gives an array"""
    IOTA = "iota"
    """0, 1, 2, ... along the last dimension"""


@irdl_op_definition
class TensorOp(StepOperation):
    """Declares a tensor in off-chip memory. With ``each`` there is one for each iteration of the program's loop.

    ``step.tensor @w : bf16 [24, 20] weight``, or a part of one, which a pass has made:
    ``step.tensor @w_1 : bf16 [24, 10] weight shard 1 of 2 of @w from [0, 10] to [24, 20]``
    """

    name = "step.tensor"

    sym_name = prop_def(SymbolNameConstraint())
    element_attr = prop_def(StringAttr)
    shape_attr = prop_def(DimsAttr)
    role_attr = prop_def(StringAttr)
    each = opt_prop_def(UnitAttr)
    shard_attr = opt_prop_def(ShardAttr)
    traits = traits_def(SymbolOpInterface())

    def __init__(
        self,
        name: str,
        element: Element,
        shape: Sequence[Dim | int],
        role: Role,
        *,
        each: bool = False,
        shard: Shard | None = None,
    ) -> None:
        properties = {
            "sym_name": StringAttr(name),
            "element_attr": StringAttr(element.value),
            "shape_attr": DimsAttr(tuple(Dim.of(size) for size in shape)),
            "role_attr": StringAttr(role.value),
            **({"each": UnitAttr()} if each else {}),
            **({} if shard is None else {"shard_attr": ShardAttr(shard)}),
        }
        super().__init__(properties=properties)

    @property
    def label(self) -> str:
        """The name, without the sign."""
        return self.sym_name.data

    @property
    def element(self) -> Element:
        """What a number is."""
        return Element(self.element_attr.data)

    @property
    def role(self) -> Role:
        """Where the contents come from."""
        return Role(self.role_attr.data)

    @property
    def shard(self) -> Shard | None:
        """Which part of which tensor it is, if it is one."""
        return None if self.shard_attr is None else self.shard_attr.data

    @property
    def shape(self) -> tuple[Dim, ...]:
        """Sizes, outermost first; all are numbers."""
        return self.shape_attr.data

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes as numbers."""
        return tuple(size.number or 0 for size in self.shape)

    @classmethod
    def read(cls, parser: Parser) -> Self:
        """Parse what follows the name."""
        name = parse_symbol(parser)
        parser.parse_punctuation(":")
        element, shape = parse_element(parser), parse_dims(parser)
        role = parse_word(parser, "role", [each.value for each in Role])
        each = parser.parse_optional_keyword("each") is not None
        shard = None if parser.parse_optional_keyword("shard") is None else parse_shard(parser)
        return cls(name.data, element, shape, Role(role), each=each, shard=shard)

    def print(self, printer: Printer) -> None:
        """``@w : bf16 [24, 20] weight``."""
        printer.print_string(" ")
        printer.print_symbol_name(self.label)
        each = " each" if self.each is not None else ""
        shard = "" if self.shard is None else f" {self.shard}"
        printer.print_string(f" : {self.element.value} {dims_text(self.shape)} {self.role.value}{each}{shard}")

    def verify_(self) -> None:
        if not self.shape or any(size.number is None for size in self.shape):
            raise VerifyException(
                f"shape of @{self.label} must be at least one size, all numbers, not {dims_text(self.shape)}"
                + "; step.promote gives a single number a dimension" * (not self.shape)
            )
        if self.element.is_quantised and (len(self.shape) not in (2, 3) or self.role not in (Role.WEIGHT, Role.INPUT)):
            raise VerifyException(
                f"@{self.label} of {self.element.value} must be an input or weight of two or three dimensions, "
                f"not {self.role.value} {dims_text(self.shape)}"
            )
        if self.element.is_quantised and 0 in self.sizes:
            raise VerifyException(
                f"shape of @{self.label} of {self.element.value} must have sizes of at least 1, "
                f"not {dims_text(self.shape)}"
            )
        if self.role is Role.IOTA and self.element not in (Element.F32, Element.I32):
            raise VerifyException(f"iota @{self.label} must be f32 or i32, not {self.element.value}")


def tensor_named(operation: StepOperation, symbol: SymbolRefAttr) -> TensorOp:
    """The declaration that an operation refers to."""
    found = declared(operation, symbol, TensorOp)
    if found is None:
        raise VerifyException(f"@{symbol.string_value()} must be declared by a step.tensor")
    return found


def whole_tensors(operations: Iterable[Operation]) -> list[TensorOp]:
    """The tensors that a program declares, in order; shards of one as that one."""
    found: dict[str, TensorOp] = {}
    for tensor in operations:
        if not isinstance(tensor, TensorOp):
            continue
        if tensor.shard is None:
            found[tensor.label] = tensor
            continue
        known = found.get(tensor.shard.of)
        sizes = tensor.shard.end if known is None else [*map(max, tensor.shard.end, known.sizes)]
        each = tensor.each is not None
        found[tensor.shard.of] = TensorOp(tensor.shard.of, tensor.element, sizes, tensor.role, each=each)
    return [*found.values()]
