"""Which paths a build can use: make, the shell and the linker see them as text."""

from __future__ import annotations

import re
from pathlib import Path

from weft.compiler.errors import WeftError

__all__ = ["check_path"]

_SAFE = re.compile(r"[\w./+@~-]*")
"""What none of them takes for anything but a path: letters of all scripts, too."""


def check_path(what: str, path: Path) -> Path:
    """The path, if a build can use it.

    Raises
    ------
    WeftError
        It has spaces or other characters in it that mean something to make, the shell or the linker.
    """
    rest = _SAFE.sub("", str(path))
    if rest:
        raise WeftError(
            f"{what} must have no spaces in its path, and only letters, digits and . _ + @ ~ -, because of make and "
            f"the shell, not {rest[0]!r} as in {str(path)!r}"
        )
    return path
