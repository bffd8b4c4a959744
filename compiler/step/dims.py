"""Sizes: polynomials of numbers and symbols, compared in normal form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod

from xdsl.ir import Data
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer

__all__ = ["Dim", "DimsAttr", "dims_text", "parse_dim", "parse_dims"]

_SYMBOL = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Dim:
    """A size as a polynomial of symbols with whole coefficients: ``4 * n + m + 1``.

    ``terms`` maps a product of symbols, sorted, to its coefficient; the empty product is the constant. Two sizes are
    equal if and only if they are the same polynomial, so two unknown sizes are equal only if they are the same symbol.
    """

    terms: tuple[tuple[tuple[str, ...], int], ...]

    @staticmethod
    def of(value: Dim | int | str) -> Dim:
        """The size of a number or a symbol; a size stays as it is."""
        if isinstance(value, Dim):
            return value
        return Dim._sum({(): value} if isinstance(value, int) else {(value,): 1})

    @staticmethod
    def _sum(terms: Mapping[tuple[str, ...], int]) -> Dim:
        return Dim(tuple(sorted((symbols, factor) for symbols, factor in terms.items() if factor)))

    @staticmethod
    def product(dims: Iterable[Dim]) -> Dim:
        """All of them multiplied."""
        result = Dim.of(1)
        for dim in dims:
            result = result * dim
        return result

    def __add__(self, other: Dim | int) -> Dim:
        terms = Counter(dict(self.terms))
        for symbols, factor in Dim.of(other).terms:
            terms[symbols] += factor
        return Dim._sum(terms)

    def __mul__(self, other: Dim | int) -> Dim:
        terms: Counter[tuple[str, ...]] = Counter()
        for symbols, factor in self.terms:
            for more, times in Dim.of(other).terms:
                terms[tuple(sorted(symbols + more))] += factor * times
        return Dim._sum(terms)

    @property
    def number(self) -> int | None:
        """The size as a number, or None where only a launch knows it."""
        if not self.terms:
            return 0
        return self.terms[0][1] if len(self.terms) == 1 and not self.terms[0][0] else None

    @property
    def symbols(self) -> frozenset[str]:
        """The symbols in it."""
        return frozenset(symbol for symbols, _ in self.terms for symbol in symbols)

    def at(self, sizes: Mapping[str, int]) -> int:
        """The size as a number, its symbols being ``sizes``."""
        return sum(factor * prod(sizes[symbol] for symbol in symbols) for symbols, factor in self.terms)

    def with_sizes(self, sizes: Mapping[str, Dim | int]) -> Dim:
        """The same with those sizes in place of the symbols that have one in ``sizes``."""
        result = Dim.of(0)
        for symbols, factor in self.terms:
            result += Dim.product(Dim.of(sizes.get(symbol, symbol)) for symbol in symbols) * factor
        return result

    def __str__(self) -> str:
        text = ""
        for symbols, factor in sorted(self.terms, key=lambda term: (term[1] < 0, not term[0], term)):
            names, count = " * ".join(symbols), abs(factor)
            part = str(count) if not names else names if count == 1 else f"{count} * {names}"
            sign = " + " if factor > 0 else " - "
            text += sign + part if text else part if factor > 0 else f"-{part}"
        return text or "0"


def dims_text(dims: Sequence[Dim | int]) -> str:
    """Sizes as they are written, outermost first: ``[4, n, 64]``."""
    return "[" + ", ".join(map(str, dims)) + "]"


def parse_dim(parser: AttrParser) -> Dim:
    """A sum of products of numbers and symbols."""

    def factor() -> Dim:
        number = parser.parse_optional_integer(allow_boolean=False, allow_negative=False)
        if number is not None:
            return Dim.of(number)
        begin = parser.pos
        name = parser.parse_identifier(" (a size is made of numbers and symbols)")
        if not _SYMBOL.fullmatch(name):
            parser.raise_error(f"a symbol must begin with a letter, not {name!r}", begin, parser.pos)
        return Dim.of(name)

    def term() -> Dim:
        result = factor()
        while parser.parse_optional_punctuation("*"):
            result = result * factor()
        return result

    begin = parser.pos
    if parser.parse_optional_punctuation("-"):
        parser.raise_error("sizes and places are at least 0, and must not begin with -", begin, parser.pos)
    result = term()
    while True:
        if parser.parse_optional_punctuation("+"):
            result = result + term()
        elif parser.parse_optional_punctuation("-"):
            result = result + term() * -1
        else:
            return result


def parse_dims(parser: AttrParser) -> tuple[Dim, ...]:
    """``[4, n, 64]``."""
    return (*parser.parse_comma_separated_list(parser.Delimiter.SQUARE, lambda: parse_dim(parser)),)


@irdl_attr_definition
class DimsAttr(Data[tuple[Dim, ...]]):
    """Sizes as an attribute."""

    name = "step.dims"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> tuple[Dim, ...]:
        """``<[4, n]>``."""
        with parser.in_angle_brackets():
            return parse_dims(parser)

    def print_parameter(self, printer: Printer) -> None:
        """``<[4, n]>``."""
        printer.print_string(f"<{dims_text(self.data)}>")
