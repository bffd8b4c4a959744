"""``--save`` and ``--resume``: where a run begins, and what is kept of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from weft.common import check_new_file, check_writable

if TYPE_CHECKING:
    from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
    from weft.hw.spec import FabricSpec
    from weft.sim.generate import ComparedDecoder, Generation
    from weft.sim.saved_run import SavedRun

__all__ = ["check_saving", "keeping", "resumed_run"]


def check_saving(save: Path | None, resume: Path | None, at: int | None, device: str) -> None:
    """Refuse what does not go together, before the work.

    Raises
    ------
    WeftError
        A file that exists and is not resumed from, or cannot be written; ``--at`` alone; or a device without caches.
    """
    from weft.compiler.errors import WeftError

    if at is not None and resume is None:
        raise WeftError("--at must be given with --resume")
    if device == "reference" and (save is not None or resume is not None):
        raise WeftError("--save and --resume must not be given with --device reference, which has no caches")
    if save is None:
        return
    if resume is not None and resume.exists() and save.exists() and save.samefile(resume):
        check_writable("--save", save)
    else:
        check_new_file("--save", save)


def resumed_run(
    resume: Path, at: int | None, model: LlamaCheckpoint, spec: FabricSpec, given: dict[str, object]
) -> SavedRun:
    """The run of a file at a token: by default the first that failed, else the last.

    ``given`` are options that the file decides, by name, None where they were not used.

    Raises
    ------
    WeftError
        One of those was used, the file is no run of this model on this fabric, or there is no such token.
    """
    from weft.compiler.errors import WeftError
    from weft.sim.saved_run import identity_of, read_run

    for option, value in given.items():
        if value is not None:
            raise WeftError(f"{option} must not be given with --resume, for the file says it")
    run = read_run(resume, identity_of(model, spec))
    place = run.last if run.failed_at is None else run.failed_at
    return run.at(place if at is None else at)


@contextmanager
def keeping(
    file: Path, begin: SavedRun, decoder: ComparedDecoder, result: Generation, identity: dict[str, str]
) -> Iterator[Callable[[], None]]:
    """Something that writes the run to a file as it is now, and does so at the end, however it ends.

    Raises
    ------
    SaveError
        The run could not be written. Where it ends with another error this is said, and that one raised.
    """
    from weft.sim.saved_run import SaveError, write_run

    def keep() -> None:
        tokens = [*begin.tokens, *result.tokens]
        run = replace(begin, tokens=tokens, caches=decoder.caches(), failed_at=result.failed_at)
        write_run(file, run, identity)

    try:
        yield keep
    except SaveError:
        raise
    except BaseException:
        try:
            keep()
        except SaveError as error:
            typer.echo(f"weft: {error}", err=True)
        raise
    keep()
