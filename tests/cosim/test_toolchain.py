"""The wrapped tool chain, and the cache of simulators."""

from __future__ import annotations

import time

import pytest

from weft.compiler.errors import WeftError
from weft.sim.verilator import toolchain
from weft.sim.verilator.build import BuildError, Design, build, cache_folder

COUNTER = """
module counter(input clk, output reg [7:0] value);
  always @(posedge clk) value <= value + 1;
endmodule
"""


def counter(**changes: object) -> Design:
    return Design(**{"top": "counter", "files": {"counter.v": COUNTER}, "public": ("clk", "value"), **changes})


def nothing_to_make(*_: object) -> None:
    raise AssertionError("made again")


def test_all_tools_are_found():
    checks = toolchain.check_versions()
    assert {check.name for check in checks} == {"verilator", "cocotb", "amaranth", "numpy", "g++", "make", "perl"}
    assert all(check.ok and check.found for check in checks), checks


@pytest.mark.parametrize(("text", "ok"), [("g++ 9.4.0", False), ("g++ (Debian 12.2.0-14) 12.2.0", True), ("", False)])
def test_old_versions_will_not_do(text, ok):
    assert toolchain._at_least(text, (10, 0)) is ok


def test_missing_compiler_is_one_sentence(monkeypatch, tmp_path):
    monkeypatch.setenv("WEFT_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WeftError, match=r"^no C\+\+ compiler: g\+\+ must be on PATH"):
        build(counter())
    assert not list(tmp_path.iterdir())
    checks = {check.name: check for check in toolchain.check_versions()}
    assert not checks["g++"].ok
    assert checks["verilator"].ok


@pytest.mark.usefixtures("cache")
def test_second_build_does_no_work(monkeypatch):
    first = build(counter())
    monkeypatch.setattr("weft.sim.verilator.build._build", nothing_to_make)
    begun = time.perf_counter()
    assert build(counter()) == first
    assert time.perf_counter() - begun < 1
    assert sorted(path.name for path in first.executable.parent.iterdir()) == ["build.log", "simulator"]
    # Anything else is another simulator.
    for changed in (counter(clock=True), counter(public=("clk",)), counter(files={"counter.v": COUNTER + "\n"})):
        assert changed.key != counter().key


@pytest.mark.usefixtures("cache")
def test_wrong_verilog_is_told():
    with pytest.raises(BuildError, match=r"^verilator failed, see .*build\.log: %Error.*counter\.v"):
        build(counter(files={"counter.v": COUNTER.replace("posedge", "posedgy")}))


def test_spaces_in_the_cache_are_refused(monkeypatch, tmp_path):
    monkeypatch.setenv("WEFT_CACHE", str(tmp_path / "a b"))
    with pytest.raises(WeftError, match="no spaces in its path"):
        build(counter())


def test_cache_is_in_the_checkout(monkeypatch):
    monkeypatch.delenv("WEFT_CACHE", raising=False)
    assert (cache_folder().parent / "pyproject.toml").exists()
