"""Pointers of git-lfs: what git leaves in place of a large file where its extension was not installed."""

from __future__ import annotations

from pathlib import Path

from weft.compiler.errors import WeftError

__all__ = ["check_no_pointer"]

_BEGIN = b"version https://git-lfs.github.com/spec/"


def check_no_pointer(file: Path, begin: bytes) -> None:
    """Check the first bytes of a file.

    Raises
    ------
    WeftError
        The file is a pointer.
    """
    if begin.startswith(_BEGIN):
        raise WeftError(
            f"{file}: must be the file itself, not a pointer of git-lfs to it: fetch it by `git lfs pull` in its folder"
        )
