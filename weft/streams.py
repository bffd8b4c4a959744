"""Standard output: what a terminal cannot show, and where there is no room."""

from __future__ import annotations

import io
import os
import sys

__all__ = ["STANDARD_OUTPUT", "close_output", "open_output"]

STANDARD_OUTPUT = "standard output"
"""The file that an error names which standard output gave."""


class _Output(io.TextIOWrapper):
    """A text file whose errors name it, although it has no path."""

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError as error:
            raise _named(error) from None

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as error:
            raise _named(error) from None


def open_output() -> None:
    """From now on an error of standard output names it, and characters that its encoding lacks are question marks."""
    given = sys.stdout
    if isinstance(given, io.TextIOWrapper):
        encoding, errors, lines = given.encoding, given.errors or "strict", given.line_buffering
        errors = "replace" if errors == "strict" else errors
        sys.stdout = _Output(given.detach(), encoding=encoding, errors=errors, line_buffering=lines)


def close_output() -> None:
    """Nothing more is written to standard output: not at the end either, where Python would fail again."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _named(error: OSError) -> OSError:
    return OSError(error.errno, error.strerror, STANDARD_OUTPUT)
