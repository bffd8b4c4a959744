"""What subcommands do with a program of the `step` language: read it, compile it, show its passes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from xdsl.dialects.builtin import ModuleOp

    from weft.compiler.choosing import Choice
    from weft.compiler.compile import CompiledProgram
    from weft.compiler.passes.sharding import Spread
    from weft.hw.spec import FabricSpec

__all__ = ["compile_text", "load_spread", "named_after", "notes", "parse_sizes", "pass_printer"]


def parse_sizes(arguments: list[str] | None) -> dict[str, int]:
    """``--arg n=5`` options as sizes by name.

    Raises
    ------
    WeftError
        An option of another form, or a name that is given twice.
    """
    from weft.compiler.errors import WeftError

    sizes: dict[str, int] = {}
    for text in arguments or []:
        name, equals, value = text.partition("=")
        if not equals or not name or not value.isdecimal() or not value.isascii() or len(value) > 9:
            raise WeftError(f"--arg must be NAME=SIZE with a whole number from 0 to 999999999, not {text!r}")
        if name in sizes:
            raise WeftError(f"--arg {name} must be given once, not as {sizes[name]} and {value}")
        sizes[name] = int(value)
    return sizes


def compile_text(
    path: Path,
    spec: FabricSpec,
    sizes: Mapping[str, int],
    *,
    spread: Spread | None = None,
    print_after: str | None = None,
    chosen: Callable[[Choice], None] | None = None,
) -> CompiledProgram:
    """Read and compile a program; with ``print_after`` the program as it is after that pass, or ``all``, is printed.

    Where one image cannot serve all sizes of the program's symbols, it is for ``sizes``. ``spread`` says over how many
    parts of the fabric it goes; by default it is the fastest, where there are several channels, and ``chosen`` is told
    what was tried.

    Raises
    ------
    WeftError
        A rule that the text breaks, what the fabric lacks, or a pass that there is not.
    """
    from weft.compiler.choosing import choose, spreads_of
    from weft.compiler.compile import compile_program
    from weft.compiler.step import parse_program
    from weft.inputs import load_text

    after = pass_printer(print_after, spec)
    program = parse_program(load_text(path), path.name)
    with named_after(path):
        if spread is None and spec.channels > 1:
            choice = choose(program, spec, spreads_of(spec), sizes)
            spread = choice.chosen.spread
            if chosen is not None:
                chosen(choice)
        return compile_program(program, spec, sizes=sizes, spread=spread, after=after)


def pass_printer(print_after: str | None, spec: FabricSpec) -> Callable[[str, ModuleOp], None] | None:
    """What prints a program after one of the passes, or after ``all``.

    Raises
    ------
    WeftError
        A pass that there is not.
    """
    from weft.compiler.errors import WeftError
    from weft.compiler.passes.pipeline import passes_for

    names = list(dict.fromkeys(each.name for each in passes_for(spec)))
    if print_after is not None and print_after not in ("all", *names):
        raise WeftError(f"--print-after must be all or one of {', '.join(names)}, not {print_after!r}")
    return _printer(print_after)


def load_spread(shards: int | None, plan: Path | None) -> Spread | None:
    """What ``--shards`` and ``--plan`` say; None if neither is given.

    Raises
    ------
    WeftError
        Both are given, or a plan that is none.
    """
    from weft.compiler.errors import WeftError
    from weft.compiler.passes.sharding import Spread
    from weft.inputs import load_text

    if plan is None:
        return None if shards is None else Spread(shards)
    if shards is not None:
        raise WeftError("--shards must not be given with --plan, which says how many there are")
    return Spread.from_json(load_text(plan), plan.name)


@contextmanager
def named_after(path: Path) -> Iterator[None]:
    """Errors say which program's they are: ``p.mlir line 3: ...``, ``p.mlir: ...``."""
    from weft.compiler.errors import WeftError

    try:
        yield
    except WeftError as error:
        colon = "" if str(error).startswith("line ") else ":"
        raise WeftError(f"{path.name}{colon} {error}") from None


def notes(compiled: CompiledProgram) -> list[str]:
    """Which sizes alone an image is for, and what the check for deadlocks leaves open."""
    sizes = ", ".join(f"{name} = {size}" for name, size in compiled.fixed.items())
    return [f"compiled for {sizes} alone: {compiled.reason}"] * bool(sizes) + [
        f"deadlocks not judged for all data: {reason}; buffers are sized for the two orders that need most"
        for reason in compiled.unjudged
    ]


def _printer(print_after: str | None) -> Callable[[str, ModuleOp], None] | None:
    if print_after is None:
        return None
    from weft.compiler.step import print_program

    printed = ""

    def after(name: str, module: ModuleOp) -> None:
        nonlocal printed
        if print_after in ("all", name):
            text = print_program(module)
            typer.echo(f"// after {name}\n{text}" if text != printed else f"// after {name}: no change\n")
            printed = text

    return after
