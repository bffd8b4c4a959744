"""A folder that a subcommand fills, and may fill again, but never with somebody else's files in it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from weft.common import check_writable, json_text, naming
from weft.compiler.errors import WeftError

__all__ = ["check_output", "write_output"]


def check_output(folder: Path, command: str, index: str) -> None:
    """Refuse a folder with files in it that ``command`` did not write, or that were changed since.

    Parameters
    ----------
    folder
        Need not exist.
    command
        Name of the subcommand.
    index
        Name of the JSON file in the folder that lists what the subcommand wrote.

    Raises
    ------
    WeftError
        The folder holds something else, is none, or cannot be made.
    """
    if not folder.exists():
        if folder.parent.is_dir():
            check_writable("--out", folder)
        return
    if not folder.is_dir():
        raise WeftError(f"--out must be a folder, not the file {str(folder)!r}")
    written = _written(folder / index, command)
    for path in sorted(folder.iterdir()):
        if path.name not in written:
            raise WeftError(
                f"--out must be an empty folder or one that weft {command} wrote: {str(path)!r} is not from it"
            )
        digest = written[path.name]
        if path.is_dir() or (digest and digest != _digest(path.read_bytes())):
            raise WeftError(
                f"--out must not hold changed files: {str(path)!r} was changed after weft {command} wrote it"
            )


def write_output(folder: Path, command: str, index: str, value: dict[str, Any], files: dict[str, bytes]) -> None:
    """Write files and the index, which is ``value`` with the subcommand and the files' SHA-256; remove those of before.

    Raises
    ------
    WeftError
        See :func:`check_output`.
    """
    check_output(folder, command, index)
    listed = {name: _digest(content) for name, content in sorted(files.items())}
    text = json_text({"written_by": f"weft {command}", **value, "files": listed}) + "\n"
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}."))
    try:
        for name, content in {**files, index: text.encode()}.items():
            with naming(folder / name):
                (work / name).write_bytes(content)
        folder.mkdir(exist_ok=True)
        for stale in set(_written(folder / index, command)) - {*files, index}:
            (folder / stale).unlink(missing_ok=True)
        for name in (*files, index):
            os.replace(work / name, folder / name)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _written(index: Path, command: str) -> dict[str, str]:
    """What was written before, by name, with the SHA-256; that of the index itself is empty."""
    try:
        value = json.loads(index.read_text())
        if value["written_by"] != f"weft {command}":
            return {}
        return {**{str(name): str(digest) for name, digest in value["files"].items()}, index.name: ""}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
