"""Fixtures of several files of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.sim.verilator import build, pieces


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache, which only lacks what every simulator has: that takes long, and is here before."""
    library, headers = pieces.library_piece(), pieces.headers_piece()
    monkeypatch.setattr(build, "library_piece", lambda: library)
    for module in (build, pieces):
        monkeypatch.setattr(module, "headers_piece", lambda: headers)
    monkeypatch.setenv("WEFT_CACHE", str(tmp_path))
    return tmp_path
