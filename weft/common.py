"""What all subcommands share: errors as one sentence, output, progress."""

from __future__ import annotations

import errno
import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, NoReturn

import typer
from typer.core import TyperGroup

from weft.streams import STANDARD_OUTPUT, close_output

if TYPE_CHECKING:
    from pathlib import Path

    from weft.hw.spec import FabricSpec

__all__ = [
    "FAILED",
    "MISTAKE",
    "Commands",
    "check_new_file",
    "check_rtl_only",
    "check_writable",
    "example",
    "json_text",
    "load_fabric",
    "naming",
    "new_file",
    "show",
    "working",
]

FAILED = 1
"""Exit code of a mismatch or a failed run."""
MISTAKE = 2
"""Exit code of a user's mistake."""

_UsageError: type[Exception] = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "UsageError")
_UNREADABLE = (FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError, PermissionError)
_FAILURES = {
    "weft.sim.choosing.LogitsError",
    "weft.sim.device.DeviceError",
    "weft.sim.verilator.commands.BuildError",
}
_UNWRITABLE = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO, errno.ENAMETOOLONG}


class Commands(TyperGroup):
    """The subcommands, with every error that a user can cause or a run can end with told in one sentence.

    Exit code 2 for a mistake of the user, 1 for a failed run. Anything else is a bug of ours and keeps its traceback.
    """

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            _end(error.format_message(), MISTAKE)  # pyright: ignore[reportAttributeAccessIssue]
        except OSError as error:
            unforeseen = not isinstance(error, _UNREADABLE) and error.errno not in _UNWRITABLE
            if unforeseen or error.filename == STANDARD_OUTPUT:
                raise
            _end(f"{error.filename or 'a file'}: {error.strerror}", MISTAKE)
        except (ValueError, RuntimeError) as error:
            code = _exit_code(error)
            if code is None:
                raise
            _end(str(error), code)
        except KeyboardInterrupt:
            _end("interrupted", 130)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except OSError as error:
            if error.filename != STANDARD_OUTPUT:
                raise
            close_output()
            typer.echo(f"weft: {STANDARD_OUTPUT}: {error.strerror}", err=True)
            sys.exit(MISTAKE)


def _exit_code(error: Exception) -> int | None:
    """The code for an error of the project; None for one that nobody foresaw."""
    names = {f"{each.__module__}.{each.__name__}" for each in type(error).__mro__}
    if names & {"weft.compiler.errors.WeftError", "weft.hw.spec.SpecError"}:
        return MISTAKE
    if names & _FAILURES:
        return FAILED
    return None


def _end(sentence: str, code: int) -> NoReturn:
    typer.echo(f"weft: {' '.join(sentence.split())}", err=True)
    raise typer.Exit(code) from None


def example(*commands: str) -> str:
    """The end of a help text: an example, one command a line."""
    return "\b\nExample:\n" + "\n".join(f"  {command}" for command in commands)


def load_fabric(fabric: str, assignments: list[str] | None) -> FabricSpec:
    """The spec that ``--fabric`` and ``--set`` name."""
    from weft.hw.address_map import AddressMap
    from weft.hw.presets import load_spec

    spec = load_spec(fabric)
    if assignments:
        spec = spec.set(assignments)
    AddressMap(spec)  # refuses what has no room in an address
    return spec


def check_new_file(option: str, path: Path) -> None:
    """Refuse a file to write that exists, or cannot be made in its folder: before the work, not after it."""
    from weft.compiler.errors import WeftError

    if path.exists():
        raise WeftError(f"{option} must be a new file, but {str(path)!r} exists")
    if not path.parent.is_dir():
        raise WeftError(f"{option} must be a file in a folder that exists, not {str(path)!r}")
    check_writable(option, path)


def check_writable(option: str, path: Path) -> None:
    """Refuse a file whose folder takes no new ones."""
    import tempfile

    from weft.compiler.errors import WeftError

    try:
        tempfile.TemporaryFile(dir=path.parent).close()
    except OSError as error:
        raise WeftError(
            f"{option} must be in a folder that can be written to, not {str(path)!r}: {error.strerror}"
        ) from None


@contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to write that does not exist yet, and does not if it could not be written as a whole."""
    file = path.open("xb")
    try:
        with naming(path), file:
            yield file
    except BaseException:
        path.unlink()
        raise


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Gives an error of the system that knows no file this file, which was being written."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None


def check_rtl_only(device: str, **given: object) -> None:
    """Refuse options, by their names, that were given and say nothing to a device other than RTL."""
    from weft.compiler.errors import WeftError

    for option, value in given.items():
        if value is not None and device != "rtl":
            raise WeftError(f"--{option} must be given with --device rtl, not {device}")


def show(value: dict[str, Any], text: str, *, as_json: bool) -> None:
    """Print a result, for a program or for people."""
    typer.echo(json_text(value) if as_json else text.rstrip("\n"))


def json_text(value: dict[str, Any]) -> str:
    """A result as JSON, with ``null`` for numbers that JSON does not have: NaN and infinities."""
    return json.dumps(_in_json(value), indent=2, allow_nan=False)


def _in_json(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _in_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_in_json(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@contextmanager
def working(what: str) -> Iterator[None]:
    """A bar on stderr while something takes long and cannot say how far it is; nothing where nobody watches."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task(what, total=None)
        yield
