"""What took long to make, kept on disk by the hash of what it was made from."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from weft.sim.verilator.paths import check_path
from weft.sim.verilator.processes import check_going_on

__all__ = ["cache_folder", "content_key", "kept"]

_CHECKOUT = Path(__file__).parents[2]
_RESULT = "result"
_POLL_SECONDS = 0.05


def cache_folder() -> Path:
    """Where simulators are kept: ``$WEFT_CACHE``, else ``build/`` of the checkout, else the user's cache folder.

    Raises
    ------
    WeftError
        A path that make or the shell would not take as it is.
    """
    return check_path("the cache folder", _cache_folder())


def _cache_folder() -> Path:
    if chosen := os.environ.get("WEFT_CACHE"):
        return Path(chosen).absolute()
    if (_CHECKOUT / "pyproject.toml").exists():
        return _CHECKOUT / "build"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")).absolute() / "weft"


def content_key(*parts: object) -> str:
    """Equal parts, by their ``repr``, give equal keys."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:20]


def kept(root: Path, key: str, make: Callable[[Path, Path], None]) -> Path:
    """The folder ``root/key``, whole; if it does not exist, ``make`` fills it.

    ``make`` gets an empty folder to work in, and in that one for what is kept. The first is left behind only if it
    raises. Another process that wants the same waits.
    """
    folder = root / key
    if folder.is_dir():
        return folder
    root.mkdir(parents=True, exist_ok=True)
    with _locked(root / f"{key}.lock"):
        if not folder.is_dir():
            work = root / f"{key}.work"
            shutil.rmtree(work, ignore_errors=True)
            result = work / _RESULT
            result.mkdir(parents=True)
            try:
                make(work, result)
            except OSError as error:  # as of a full disk, which names no file
                raise OSError(error.errno, error.strerror, error.filename or str(work)) from None
            result.rename(folder)
            shutil.rmtree(work)
    return folder


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        while not _lock(file):
            check_going_on()
            time.sleep(_POLL_SECONDS)
        yield


def _lock(file: IO[str]) -> bool:
    """Whether the file could be locked at once. To wait in the kernel would outlast the end of the build."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
