"""Types of the `step` language: streams and buffers of elements, and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from weft.compiler.step.dims import Dim, DimsAttr, dims_text, parse_dims
from weft.compiler.step.words import parse_word

__all__ = ["BufferType", "Element", "StreamType", "TokenType", "buffer_of", "parse_element", "stream_of"]


class Element(Enum):
    """Element types: how a number is stored and computed with."""

    F32 = "f32"
    BF16 = "bf16"
    """A float32 whose low half is zero; arithmetic on it gives ``f32``."""
    I32 = "i32"
    """Two's complement, wraps around."""
    INT8 = "int8"
    """Weights only: bytes with a scale a column, see docs/numerics.md."""
    MXFP4 = "mxfp4"
    """Weights only: four bits, an exponent for each 32 rows of a column."""

    @property
    def is_float(self) -> bool:
        """Whether arithmetic on it is that of float32."""
        return self in (Element.F32, Element.BF16)

    @property
    def is_quantised(self) -> bool:
        """Whether only a matrix product takes it."""
        return self in (Element.INT8, Element.MXFP4)


def parse_element(parser: AttrParser) -> Element:
    """The name of an element type."""
    return Element(parse_word(parser, "element type", [each.value for each in Element]))


def _check_sizes(*shapes: DimsAttr) -> None:
    for dim in (dim for shape in shapes for dim in shape.data):
        if any(factor < 0 for _, factor in dim.terms):
            raise VerifyException(f"a size must not be negative, not {dim}")


@irdl_attr_definition
class StreamType(ParametrizedAttribute, TypeAttribute):
    """A stream of elements, e.g. ``!step.stream<f32, [4, n, 64]>``: sizes outermost first.

    A size is a number, 0 too, or made of symbols (:class:`~weft.compiler.step.dims.Dim`).
    """

    name = "step.stream"

    element_attr: StringAttr
    dims_attr: DimsAttr

    @staticmethod
    def make(element: Element, dims: Sequence[Dim | int | str]) -> StreamType:
        """The type with these sizes."""
        return StreamType(StringAttr(element.value), DimsAttr(tuple(Dim.of(dim) for dim in dims)))

    @property
    def element(self) -> Element:
        """What a number is."""
        return Element(self.element_attr.data)

    @property
    def dims(self) -> tuple[Dim, ...]:
        """Sizes, outermost first."""
        return self.dims_attr.data

    @property
    def rank(self) -> int:
        """Number of dimensions."""
        return len(self.dims)

    def verify(self) -> None:
        _check_sizes(self.dims_attr)

    def __str__(self) -> str:
        return f"!{self.name}<{self.element.value}, {dims_text(self.dims)}>"

    def print_parameters(self, printer: Printer) -> None:
        """``<element, [sizes]>``."""
        printer.print_string(f"<{self.element.value}, {dims_text(self.dims)}>")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """``<element, [sizes]>``."""
        with parser.in_angle_brackets():
            element = parse_element(parser)
            parser.parse_punctuation(",")
            return [StringAttr(element.value), DimsAttr(parse_dims(parser))]


@irdl_attr_definition
class BufferType(ParametrizedAttribute, TypeAttribute):
    """A stream of buffers, e.g. ``!step.buffer<f32, [4] of [3, 16]>``: four buffers of 3 x 16 elements each."""

    name = "step.buffer"

    element_attr: StringAttr
    outer_attr: DimsAttr
    inner_attr: DimsAttr

    @staticmethod
    def make(element: Element, outer: Sequence[Dim | int], inner: Sequence[Dim | int]) -> BufferType:
        """The type with these sizes."""
        shapes = (DimsAttr(tuple(Dim.of(dim) for dim in dims)) for dims in (outer, inner))
        return BufferType(StringAttr(element.value), *shapes)

    @property
    def element(self) -> Element:
        """What a number is."""
        return Element(self.element_attr.data)

    @property
    def outer(self) -> tuple[Dim, ...]:
        """Sizes of the stream of buffers."""
        return self.outer_attr.data

    @property
    def inner(self) -> tuple[Dim, ...]:
        """Sizes inside a buffer."""
        return self.inner_attr.data

    def verify(self) -> None:
        _check_sizes(self.outer_attr, self.inner_attr)

    def __str__(self) -> str:
        return f"!{self.name}<{self.element.value}, {dims_text(self.outer)} of {dims_text(self.inner)}>"

    def print_parameters(self, printer: Printer) -> None:
        """``<element, [outer] of [inner]>``."""
        printer.print_string(f"<{self.element.value}, {dims_text(self.outer)} of {dims_text(self.inner)}>")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> Sequence[Attribute]:
        """``<element, [outer] of [inner]>``."""
        with parser.in_angle_brackets():
            element = parse_element(parser)
            parser.parse_punctuation(",")
            outer = parse_dims(parser)
            parser.parse_keyword("of")
            return [StringAttr(element.value), DimsAttr(outer), DimsAttr(parse_dims(parser))]


@irdl_attr_definition
class TokenType(ParametrizedAttribute, TypeAttribute):
    """A token: it says that a store has reached memory, and what takes it begins after."""

    name = "step.token"


def stream_of(value: SSAValue) -> StreamType:
    """The stream type of a value."""
    if not isinstance(value.type, StreamType):
        raise VerifyException(f"operand must be a stream, not {value.type}")
    return value.type


def buffer_of(value: SSAValue) -> BufferType:
    """The buffer type of a value."""
    if not isinstance(value.type, BufferType):
        raise VerifyException(f"operand must be a buffer, not {value.type}")
    return value.type
