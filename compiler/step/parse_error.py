"""What a parser found wrong, as a sentence of the language: with line, operation and result."""

from __future__ import annotations

import re

from xdsl.utils.exceptions import ParseError

from weft.compiler.step.words import end_of_code, ends_line

__all__ = ["parse_error_sentence"]

_STATEMENT = re.compile(r"^([ \t]*)(?:(%[^=\n]*?)\s*=\s*)?(step\.\w+)\b.*(?:\n\1[ \t].*|\n[ \t]*$)*", re.MULTILINE)
"""With the lines below that are indented more."""
_WRONG = [
    (r"SSA value (%\S+) is already defined", r"\1 must be defined once, and an operation before defines it"),
    (r"Operation has (\d+) results, but was given (\d+) to bind\.", r"results are \1, and the text names \2"),
    (r"End of file reached before closing string literal\.", "a string must end on its line"),
    (r"Expected three consecutive '\.' for an ellipsis", "a number must begin with a digit, not with a point"),
    (r"Integer value (\d+) is out of range .*", r"a number must fit 64 bits, and \1 does not"),
]
"""What xDSL says is wrong, and that in words of the language."""
_WANTED = [
    (r"Could not parse entire input!|builtin.module operation expected| in block definition", "an operation"),
    (r"Unexpected character: .*", "a name, number or sign"),
    (r"@ identifier expected .*|Unexpected end of file after @\.|expect symbol name", "@ and a name"),
]
"""What xDSL says instead of what must stand where the error is."""
_STORES, _NO_RESULT = ("step.store", "step.random_store"), "results are 0, and the text names 1"
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
    elif wrong := _words(error.msg, _WRONG):
        message = wrong
    elif wanted := _words(error.msg, _WANTED):
        message = f"{wanted} must stand here, not {found}"
    elif missing := _words(error.msg, _MISSING):
        if ends_line(text, begin):
            begin, found = end_of_code(text, begin), "the end of the line"
        message = f"{missing} must stand here, not {found}"
    else:
        message = error.msg
    line = text.count("\n", 0, min(begin, len(text.rstrip()))) + 1
    statement = next((each for each in _STATEMENT.finditer(text) if each.start() <= begin <= each.end()), None)
    if statement is None:
        return f"line {line}: {message}"
    _, result, name = statement.groups()
    if name in _STORES and message == _NO_RESULT:
        message = f"-> !step.token must stand at its end, as {result} is to be its token"
    return f"line {line}: {name}{f' ({result})' if result else ''}: {message}"


def _words(message: str, table: list[tuple[str, str]]) -> str:
    """A message in words of the language; empty if the table has none."""
    return next((match.expand(words) for pattern, words in table if (match := re.fullmatch(pattern, message))), "")
