"""Where there is no room on the disk: the error names a file, and nothing that is half written stays behind."""

from __future__ import annotations

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from weft.hw.verilog_cache import store
from weft.output import write_output
from weft.sim.verilator.store import kept


def _fill(work: Path, result: Path) -> None:
    (result / "made").write_bytes(bytes(5000))


def _kept(folder: Path) -> None:
    kept(folder, "key", _fill)


def _stored(folder: Path) -> None:
    store("key", "x" * 5000)


def _written(folder: Path) -> None:
    write_output(folder / "out", "compile", "index.json", {}, {"a": b"x", "b": bytes(5000)})


@pytest.mark.parametrize(
    ("write", "named", "left"),
    [
        (_kept, "key.work", ["key.lock", "key.work"]),
        (_stored, "verilog/key.v", ["verilog"]),
        (_written, "out/b", []),
    ],
)
def test_the_file_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, write: Callable[[Path], Any], named: str, left: list[str]
) -> None:
    """``key.work`` is what a build always leaves of a failure, and the next begins anew."""
    monkeypatch.setenv("WEFT_CACHE", str(tmp_path))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, before[1]))
    try:
        with pytest.raises(OSError, match="File too large") as caught:
            write(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.filename == str(tmp_path / named)
    assert sorted(path.name for path in tmp_path.iterdir()) == left
    if left == ["verilog"]:
        assert not list((tmp_path / "verilog").iterdir())
