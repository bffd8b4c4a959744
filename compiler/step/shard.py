"""Shards of tensors: the part of one that lies in the memory of one channel."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

__all__ = ["Shard", "ShardAttr", "parse_shard"]


@dataclass(frozen=True)
class Shard:
    """Part ``index`` of ``count`` of the tensor ``of``: its elements from ``start`` to before ``end``."""

    of: str
    start: tuple[int, ...]
    end: tuple[int, ...]
    index: int
    count: int

    @property
    def slices(self) -> tuple[slice, ...]:
        """The part as an index of an array."""
        return tuple(map(slice, self.start, self.end))

    def __str__(self) -> str:
        return f"shard {self.index} of {self.count} of @{self.of} from {list(self.start)} to {list(self.end)}"


@irdl_attr_definition
class ShardAttr(Data[Shard]):
    """A shard as an attribute; declarations print it as words of their own."""

    name = "step.shard"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Shard:
        """``<shard 1 of 2 of @w from [0, 10] to [24, 20]>``."""
        with parser.in_angle_brackets():
            parser.parse_keyword("shard")
            return parse_shard(parser)

    def print_parameter(self, printer: Printer) -> None:
        """``<shard 1 of 2 of @w from [0, 10] to [24, 20]>``."""
        printer.print_string(f"<{self.data}>")


def parse_shard(parser: AttrParser) -> Shard:
    """What follows ``shard``: ``1 of 2 of @w from [0, 10] to [24, 20]``."""

    def number() -> int:
        return parser.parse_integer(allow_boolean=False, allow_negative=False)

    index = number()
    parser.parse_keyword("of")
    count = number()
    parser.parse_keyword("of")
    whole = parser.parse_symbol_name().data
    parser.parse_keyword("from")
    start = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, number)
    parser.parse_keyword("to")
    return Shard(whole, (*start,), (*parser.parse_comma_separated_list(parser.Delimiter.SQUARE, number),), index, count)
