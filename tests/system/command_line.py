"""The command line as the tests run it, and what a refusal looks like."""

from __future__ import annotations

import re

from typer.testing import CliRunner, Result

from weft.cli import app


def weft(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def refused(result: Result, sentence: str, code: int = 2) -> None:
    """The run ended with that code, and with that sentence, a regular expression, alone on stderr."""
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert re.fullmatch(rf"weft: [^\n]*{sentence}[^\n]*\n", result.stderr), result.stderr
