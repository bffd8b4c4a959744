"""Which Yosys makes Verilog, and where it keeps what it compiles."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from amaranth.back import verilog

from weft.hw.yosys import to_verilog

NAMES = ("AMARANTH_USE_YOSYS", "XDG_CACHE_HOME")


def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, str | None]:
    """The environment in which Yosys is called."""
    found: dict[str, str | None] = {}

    def convert(component: object, **options: object) -> str:
        found.update({name: os.environ.get(name) for name in NAMES})
        raise RuntimeError("no Verilog today")

    monkeypatch.setattr(verilog, "convert", convert)
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match="no Verilog today"):
        to_verilog(None, "top")
    assert dict(os.environ) == before, "an error leaves nothing changed"
    return found


@pytest.mark.parametrize("chosen", [None, "system", "system,builtin"])
def test_it_is_always_that_of_the_wheel(monkeypatch: pytest.MonkeyPatch, chosen: str | None) -> None:
    """Its version is what Verilog is kept under; one on the PATH may be broken or another."""
    monkeypatch.delenv(NAMES[0], raising=False)
    if chosen:
        monkeypatch.setenv(NAMES[0], chosen)
    assert seen(monkeypatch)[NAMES[0]] == "builtin"


@pytest.mark.parametrize("cache", ["/dev/null", "/dev/null/cache"])
@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_a_cache_that_cannot_be_written_is_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, cache: str
) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, cache)
    monkeypatch.setenv("WEFT_CACHE", str(tmp_path))
    assert seen(monkeypatch)["XDG_CACHE_HOME"] == str(tmp_path / "cache")


@pytest.mark.parametrize("variable", ["HOME", "XDG_CACHE_HOME"])
def test_one_that_can_is_left_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv(variable, str(tmp_path))
    assert seen(monkeypatch)["XDG_CACHE_HOME"] == os.environ.get("XDG_CACHE_HOME")
