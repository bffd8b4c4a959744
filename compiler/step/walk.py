"""Walks: which elements of a tensor or buffer a stream visits, in elements."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import Dim, dims_text, parse_dims

__all__ = ["PartialWalk", "Walk", "WalkAttr", "parse_walk", "print_walk"]


@dataclass(frozen=True)
class Walk:
    """Dimension ``k`` of the stream walks dimension ``dims[k]`` of the tensor in steps of ``by[k]``; -1 repeats.

    Along dimension ``d`` of the tensor the walk begins at ``start[d]``; a negative step goes back. A dimension that no
    entry names stays there; the steps of entries that name the same dimension add up, which makes windows.
    """

    dims: tuple[int, ...]
    by: tuple[int, ...]
    start: tuple[Dim, ...]

    @staticmethod
    def whole(rank: int) -> Walk:
        """All of a tensor in order."""
        return Walk(tuple(range(rank)), (1,) * rank, (Dim.of(0),) * rank)

    def verify(self, sizes: Sequence[Dim], shape: Sequence[Dim], name: str) -> None:
        """Check that it fits a stream and a tensor of these sizes, as far as they are numbers."""
        if len(self.dims) != len(sizes):
            raise VerifyException(
                f"walk must have {len(sizes)} entries, one a dimension of the stream, not {len(self.dims)}"
            )
        if len(self.by) != len(sizes):
            raise VerifyException(
                f"by must have {len(sizes)} entries, one a dimension of the stream, not {len(self.by)}"
            )
        if len(self.start) != len(shape):
            raise VerifyException(
                f"from must have {len(shape)} entries, one a dimension of {name}, not {len(self.start)}"
            )
        for dim in self.dims:
            if not -1 <= dim < len(shape):
                raise VerifyException(f"walk must be _ or below {len(shape)}, the dimensions of {name}, not {dim}")
        for step in self.by:
            if not step:
                raise VerifyException("by must not be 0; _ in walk repeats")
        for dim, bound in enumerate(shape):
            needed = [size for size, at in zip(sizes, self.dims, strict=True) if at == dim] + [self.start[dim], bound]
            if all(each.number is not None for each in needed):
                self.check(sizes, shape, dim, {}, name)

    def check(self, sizes: Sequence[Dim], shape: Sequence[Dim], dim: int, values: Mapping[str, int], name: str) -> None:
        """Check that the walk stays within dimension ``dim`` of the tensor, its symbols being ``values``."""
        known = [size for size, at in zip(sizes, self.dims, strict=True) if at == dim]
        steps = [step for step, at in zip(self.by, self.dims, strict=True) if at == dim]
        numbers = [size.at(values) for size in known]
        if 0 in numbers:
            return
        start = self.start[dim].at(values)
        ways = [(size - 1) * step for size, step in zip(numbers, steps, strict=True)]
        first, last = start + sum(way for way in ways if way < 0), start + sum(way for way in ways if way > 0)
        size = shape[dim].at(values)
        if first < 0:
            raise VerifyException(f"dimension {dim} of {name} begins at 0, and the stream goes down to index {first}")
        if last >= size:
            raise VerifyException(f"dimension {dim} of {name} has {size}, and the stream goes up to index {last}")

    def overlaps(self, sizes: Sequence[Dim]) -> list[int]:
        """Dimensions of the tensor along which windows overlap, or may overlap, so that an index is visited twice."""
        found: list[int] = []
        for dim in range(len(self.start)):
            walked = [(abs(step), size) for step, size, at in zip(self.by, sizes, self.dims, strict=True) if at == dim]
            reach: int | None = 0
            for step, size in sorted(walked, key=lambda each: each[0]):
                if size.number in (0, 1):
                    continue
                if reach is None or step <= reach:
                    found.append(dim)
                    break
                reach = None if size.number is None else reach + (size.number - 1) * step
        return found


@dataclass(frozen=True)
class PartialWalk:
    """A walk as it is written; None stands for the default: in order, in steps of one, from the beginning."""

    dims: tuple[int, ...] | None = None
    by: tuple[int, ...] | None = None
    start: tuple[Dim, ...] | None = None

    @staticmethod
    def of(walk: Walk) -> PartialWalk:
        """The walk with its defaults left out."""
        rank = len(walk.start)
        return PartialWalk(
            None if walk.dims == tuple(range(rank)) else walk.dims,
            None if all(step == 1 for step in walk.by) else walk.by,
            None if all(start.number == 0 for start in walk.start) else walk.start,
        )

    def over(self, rank: int) -> Walk:
        """The walk over a tensor of that rank."""
        dims = tuple(range(rank)) if self.dims is None else self.dims
        by = (1,) * len(dims) if self.by is None else self.by
        return Walk(dims, by, (Dim.of(0),) * rank if self.start is None else self.start)

    def __str__(self) -> str:
        parts = []
        if self.dims is not None:
            parts.append("walk [" + ", ".join("_" if dim < 0 else str(dim) for dim in self.dims) + "]")
        if self.by is not None:
            parts.append(f"by {list(self.by)}")
        if self.start is not None:
            parts.append(f"from {dims_text(self.start)}")
        return " ".join(parts)


@irdl_attr_definition
class WalkAttr(Data[PartialWalk]):
    """A walk as an attribute; operations print it as words of their own."""

    name = "step.walk"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> PartialWalk:
        """``<walk [_, 0] by [1, 2] from [0, 3]>``."""
        with parser.in_angle_brackets():
            return parse_walk(parser)

    def print_parameter(self, printer: Printer) -> None:
        """``<walk [_, 0] by [1, 2] from [0, 3]>``."""
        printer.print_string(f"<{self.data}>")


def _entry(parser: AttrParser) -> int:
    if parser.parse_optional_keyword("_"):
        return -1
    return parser.parse_integer(allow_boolean=False, allow_negative=False)


def _step(parser: AttrParser) -> int:
    return parser.parse_integer(allow_boolean=False)


def parse_walk(parser: AttrParser) -> PartialWalk:
    """``walk [_, 0, 1] by [1, 1, 2] from [0, 3]``, each part optional."""
    dims = by = start = None
    if parser.parse_optional_keyword("walk"):
        dims = (*parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _entry(parser)),)
    if parser.parse_optional_keyword("by"):
        by = (*parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: _step(parser)),)
    if parser.parse_optional_keyword("from"):
        start = parse_dims(parser)
    return PartialWalk(dims, by, start)


def print_walk(printer: Printer, walk: PartialWalk) -> None:
    """Print the parts that are given."""
    text = str(walk)
    printer.print_string(f" {text}" if text else "")
