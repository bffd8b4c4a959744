"""Types of the mapped dialect: streams and buffers, with their shapes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from xdsl.dialects.builtin import ArrayAttr, IntAttr
from xdsl.ir import Attribute, Data, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

__all__ = ["DYNAMIC", "BufferType", "Kind", "StreamType", "dims_text"]

DYNAMIC = -1
"""A dimension whose size travels as stop tokens, written ``?``."""


class Kind(Enum):
    """What the beats of a stream carry."""

    VECTOR = "vector"
    """``lanes`` numbers: the last dimension is cut into beats, its last beat filled up."""
    PACKED = "packed"
    """pairs of bf16 vectors, as they come from memory"""
    SCALAR = "scalar"
    """one number: a beat for each element"""
    CONTROL = "control"
    """no data"""
    INT8 = "int8"
    """matrices (the two last dimensions) of bytes with a scale a column, as they lie in memory; stops mean nothing"""
    MXFP4 = "mxfp4"
    """matrices of numbers of four bits whose blocks share exponents, likewise"""

    @property
    def is_matrix(self) -> bool:
        """Whether beats hold matrices of weights, which only a product can take apart."""
        return self in (Kind.INT8, Kind.MXFP4)


def dims_text(dims: Sequence[int]) -> str:
    """Dimensions as they are written, outermost first."""
    return "[" + ", ".join("?" if dim == DYNAMIC else str(dim) for dim in dims) + "]"


def _parse_dims(parser: AttrParser) -> ArrayAttr[IntAttr]:
    def one() -> int:
        return DYNAMIC if parser.parse_optional_punctuation("?") else parser.parse_integer(allow_negative=False)

    dims = parser.parse_comma_separated_list(parser.Delimiter.SQUARE, one)
    return ArrayAttr([IntAttr(dim) for dim in dims])


@irdl_attr_definition
class KindAttr(Data[Kind]):
    """A kind of beats."""

    name = "mapped.kind"

    def print_parameter(self, printer: Printer) -> None:
        """Its name."""
        printer.print_string(self.data.value)

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Kind:
        """Its name."""
        begin, name, names = parser.pos, parser.parse_identifier(), [each.value for each in Kind]
        if name not in names:
            parser.raise_error(f"kind must be one of {', '.join(names)}, not {name!r}", begin, parser.pos)
        return Kind(name)


def _check(kind: Kind, *shapes: ArrayAttr[IntAttr]) -> None:
    for dim in (dim.data for shape in shapes for dim in shape):
        if dim < 0 and dim != DYNAMIC:
            raise VerifyException(f"a dimension must be at least 0 or ?, not {dim}")
    if kind.is_matrix:
        dims = [dim.data for shape in shapes for dim in shape]
        if len(dims) < 2 or DYNAMIC in dims:
            raise VerifyException(f"{kind.value} must be matrices of known sizes, not {dims_text(dims)}")


@irdl_attr_definition
class StreamType(ParametrizedAttribute, TypeAttribute):
    """A stream of beats, e.g. ``!mapped.stream<vector, [4, ?, 64]>``.

    Dimensions are counted in elements, outermost first. The rank is their number: the last beat of the stream carries a
    stop of that rank. A stream of rank 0 is a single beat without stop.
    """

    name = "mapped.stream"

    kind_attr: KindAttr
    dims_attr: ArrayAttr[IntAttr]

    @staticmethod
    def make(kind: Kind, dims: Sequence[int]) -> StreamType:
        """The type with these dimensions, ``DYNAMIC`` among them."""
        return StreamType(KindAttr(kind), ArrayAttr([IntAttr(dim) for dim in dims]))

    @property
    def kind(self) -> Kind:
        """What a beat carries."""
        return self.kind_attr.data

    @property
    def dims(self) -> tuple[int, ...]:
        """Sizes, outermost first."""
        return tuple(dim.data for dim in self.dims_attr)

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.dims_attr)

    def verify(self) -> None:
        _check(self.kind, self.dims_attr)

    def print_parameters(self, printer: Printer) -> None:
        """``<kind, [dims]>``."""
        printer.print_string(f"<{self.kind.value}, {dims_text(self.dims)}>")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """``<kind, [dims]>``."""
        with parser.in_angle_brackets():
            kind = KindAttr(KindAttr.parse_parameter(parser))
            parser.parse_punctuation(",")
            return [kind, _parse_dims(parser)]


@irdl_attr_definition
class BufferType(ParametrizedAttribute, TypeAttribute):
    """A stream of buffers, e.g. ``!mapped.buffer<vector, [4] of [3, 16]>``: four buffers of 3 x 16 elements each."""

    name = "mapped.buffer"

    kind_attr: KindAttr
    outer_attr: ArrayAttr[IntAttr]
    inner_attr: ArrayAttr[IntAttr]

    @staticmethod
    def make(kind: Kind, outer: Sequence[int], inner: Sequence[int]) -> BufferType:
        """The type with these dimensions."""
        outer_attr, inner_attr = (ArrayAttr([IntAttr(dim) for dim in dims]) for dims in (outer, inner))
        return BufferType(KindAttr(kind), outer_attr, inner_attr)

    @property
    def kind(self) -> Kind:
        """What the beats that filled it carry."""
        return self.kind_attr.data

    @property
    def outer(self) -> tuple[int, ...]:
        """Dimensions of the stream of buffers."""
        return tuple(dim.data for dim in self.outer_attr)

    @property
    def inner(self) -> tuple[int, ...]:
        """Dimensions inside a buffer."""
        return tuple(dim.data for dim in self.inner_attr)

    def verify(self) -> None:
        _check(self.kind, self.outer_attr, self.inner_attr)

    def print_parameters(self, printer: Printer) -> None:
        """``<kind, [outer] of [inner]>``."""
        printer.print_string(f"<{self.kind.value}, {dims_text(self.outer)} of {dims_text(self.inner)}>")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """``<kind, [outer] of [inner]>``."""
        with parser.in_angle_brackets():
            kind = KindAttr(KindAttr.parse_parameter(parser))
            parser.parse_punctuation(",")
            outer = _parse_dims(parser)
            parser.parse_characters("of")
            return [kind, outer, _parse_dims(parser)]
