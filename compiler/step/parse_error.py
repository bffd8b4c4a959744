"""What a parser found wrong, as a sentence of the language: with line, operation and result."""

from __future__ import annotations

import re

from xdsl.utils.exceptions import ParseError

__all__ = ["parse_error_sentence"]

_STATEMENT = re.compile(r"[ \t]*(?:(%[^=\n]*?)\s*=\s*)?(step\.\w+)\b")
_UNKNOWN = [
    (r"Operation (\S+) is not registered", r"\1 is not an operation of the language"),
    (r"'(\S+)' is not registered", r"\1 is not a type of the language"),
]
"""What xDSL says of a name that it read before."""
_WRONG = [
    (r"SSA value (%\S+) is already defined", r"\1 must be defined once, and an operation before defines it"),
    (r"Operation has (\d+) results, but was given (\d+) to bind\.", r"results are \1, and the text names \2"),
    (r"End of file reached before closing string literal\.", "a string must end on its line"),
    (r"Integer value (\d+) is out of range .*", r"a number must fit 64 bits, and \1 does not"),
]
"""What xDSL says is wrong, and that in words of the language."""
_WANTED = [
    (r"Could not parse entire input!|builtin.module operation expected| in block definition", "an operation"),
    (r"Unexpected character: .*", "a name, number or sign"),
    (r"@ identifier expected .*|Unexpected end of file after @\.|expect symbol name", "@ and a name"),
]
"""What xDSL says instead of what must stand where the error is."""
_MISSING = [(r"[Ee]xpected (.*)|(.*) expected( .*)?", r"\1\2\3")]
"""What must stand where the error is, or at the end of the line before."""


def parse_error_sentence(error: ParseError, text: str) -> str:
    """``line 3: step.map (%y): ':' must stand here, not '!step.stream'``.

    What is missing where a line ends is told of that line, and not of the next one, where the parser looked for it.
    """
    begin, end = error.span.start, error.span.end
    found = repr(text[begin:end].strip() or text[begin : begin + 1]) if begin < len(text) else "the end of the text"
    if "{first_char}" in error.msg:  # which xDSL does not fill in
        message = f"a name must begin with a letter or digit, not {text[end : end + 1]!r}"
    elif unknown := _words(error.msg, _UNKNOWN):
        message, begin = unknown, text.rfind(unknown.split()[0], 0, end)
    elif wanted := _words(error.msg, _WANTED):
        message = f"{wanted} must stand here, not {found}"
    elif missing := _words(error.msg, _MISSING):
        code = _end_of_code(text, begin)
        if "\n" in text[code:begin]:
            begin, found = code, "the end of the line"
        message = f"{missing} must stand here, not {found}"
    else:
        message = _words(error.msg, _WRONG) or error.msg
    line = text.count("\n", 0, begin) + 1
    statement = _STATEMENT.match(text, text.rfind("\n", 0, begin) + 1)
    if statement is None:
        return f"line {line}: {message}"
    result, name = statement.groups()
    return f"line {line}: {name}{f' ({result})' if result else ''}: {message}"


def _words(message: str, table: list[tuple[str, str]]) -> str:
    """A message in words of the language; empty if the table has none."""
    return next((match.expand(words) for pattern, words in table if (match := re.fullmatch(pattern, message))), "")


def _end_of_code(text: str, position: int) -> int:
    """Where the last line that says something before a position ends."""
    while True:
        line = text.rfind("\n", 0, position) + 1
        code = text[line:position].partition("//")[0].rstrip()
        if code or not line:
            return line + len(code)
        position = line - 1
