"""Words and numbers of the text that several operations read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from xdsl.parser import AttrParser

__all__ = ["end_of_code", "ends_line", "parse_number", "parse_optional_number", "parse_word"]

_WITHOUT_POINT = re.compile(r"(-?\d+)([eE][+-]?\d+)")
_TOO_LARGE = float((1 << 128) - (1 << 103))
"""The smallest number that float32 rounds to infinity."""


def end_of_code(text: str, position: int) -> int:
    """Where the last line that says something before a position ends."""
    while True:
        line = text.rfind("\n", 0, position) + 1
        code = text[line:position].partition("//")[0].rstrip()
        if code or not line:
            return line + len(code)
        position = line - 1


def ends_line(text: str, position: int) -> bool:
    """Whether what is at the position is on another line than what comes before."""
    return "\n" in text[end_of_code(text, position) : position]


def parse_word(parser: AttrParser, kind: str, words: Sequence[str], hints: Mapping[str, str] | None = None) -> str:
    """One of the words. One that is left out at the end of a line is told of that line."""
    begin, listed = parser.pos, ", ".join(words)
    word = parser.parse_optional_identifier()
    if word is not None and word in words:
        return word
    if word is None or ends_line(parser.lexer.input.content, begin):
        parser.raise_error(f"{kind} (one of {listed}) expected", begin, parser.pos)
    parser.raise_error(f"{kind} must be one of {listed}, not {word!r}{(hints or {}).get(word, '')}", begin, parser.pos)


def parse_optional_number(parser: AttrParser) -> int | float | None:
    """A number, if there is one: one with an exponent has a point."""
    begin = parser.pos
    if match := _WITHOUT_POINT.match(parser.lexer.input.content, begin):
        number, exponent = match.groups()
        parser.raise_error(
            f"a number with an exponent must have a point, {number}.0{exponent}, not {match[0]}", begin, match.end()
        )
    number = parser.parse_optional_number(allow_boolean=False)
    if isinstance(number, float) and abs(number) >= _TOO_LARGE:
        parser.raise_error(f"a number must fit f32, and {number} does not", begin, parser.pos)
    return number


def parse_number(parser: AttrParser) -> int | float:
    """The same for a number that must be there."""
    number = parse_optional_number(parser)
    return parser.raise_error("number expected") if number is None else number
