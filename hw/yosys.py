"""Amaranth's Verilog back end: always the Yosys of the wheel, which the keys of kept Verilog name, wherever it runs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from amaranth.back import verilog

from weft.hw.verilog_cache import cache_folder

__all__ = ["to_verilog"]

_CHOICE, _CACHE = "AMARANTH_USE_YOSYS", "XDG_CACHE_HOME"


def to_verilog(component: Any, name: str) -> str:
    """Verilog of a component as the module ``name``, without places of the sources in it."""
    changed = {_CHOICE: "builtin"}
    if not _takes_files(_user_cache()):
        changed[_CACHE] = str(cache_folder().parent / "cache")
    with _environment(changed):
        return verilog.convert(component, name=name, emit_src=False, strip_internal_attrs=True)


def _user_cache() -> Path:
    """Where the wheel's WebAssembly is kept once it is compiled; without such a folder Yosys does not even start."""
    chosen = Path(os.environ.get(_CACHE, ""))
    return chosen if chosen.is_absolute() else Path.home() / ".cache"


def _takes_files(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


@contextmanager
def _environment(changed: dict[str, str]) -> Iterator[None]:
    """The environment of this process with some variables changed, for programs that are started within."""
    before = {name: os.environ.get(name) for name in changed}
    os.environ.update(changed)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
