"""The command line ``weft SUBCOMMAND``: each is a file beside this one, and imports what it needs when it runs."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, NoReturn

import typer

from weft import batch, doctor, elaborate, generate, inspect, quantize, run, show
from weft import compile as compile_command
from weft.common import Commands, example
from weft.streams import open_output

__all__ = ["app", "end_by_signals", "main"]

app = typer.Typer(
    name="weft",
    cls=Commands,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    epilog=example("weft doctor", "weft elaborate --fabric demo --out build/demo"),
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("weft"))
        raise typer.Exit


@app.callback()
def weft(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Generate the RTL of a reconfigurable dataflow unit, compile onto it, and run it."""


app.command(epilog=doctor.EPILOG)(doctor.doctor)
app.command(epilog=elaborate.EPILOG)(elaborate.elaborate)
app.command("compile", epilog=compile_command.EPILOG)(compile_command.compile_)
app.command(epilog=generate.EPILOG)(generate.generate)
app.command(epilog=batch.EPILOG)(batch.batch)
app.command(epilog=inspect.EPILOG)(inspect.inspect)
app.command(epilog=quantize.EPILOG)(quantize.quantize)
app.command(epilog=run.EPILOG)(run.run)
app.command("show", epilog=show.EPILOG)(show.show_)


def main() -> None:
    """The entry point."""
    open_output()
    end_by_signals()
    app()


def end_by_signals() -> None:
    """From now on a signal to end ends as an error does, and so also the programs that a build has started."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)


def _stop(number: int, _: object) -> NoReturn:
    sys.exit(128 + number)
