"""The pieces of simulators: which are made again when something changes, and what is left of a failure."""

from __future__ import annotations

from pathlib import Path

import pytest

from weft.sim.verilator import pieces as making
from weft.sim.verilator.build import BuildError, Design, build
from weft.sim.verilator.pieces import block_piece, cpp_piece, headers_piece, library_piece, waves_piece
from weft.sim.verilator.store import content_key, kept

TOP = """
module top(input clk, output [7:0] sum);
  wire [7:0] up, down;
  rising a(.clk(clk), .value(up));
  falling b(.clk(clk), .value(down));
  assign sum = up + down;
endmodule
"""
BLOCK = """
module {name}(input clk, output reg [7:0] value);
  always @(posedge clk) value <= value {sign} 1;
endmodule
"""
FILES = {
    "top.sv": TOP,
    "rising.v": BLOCK.format(name="rising", sign="+"),
    "falling.v": BLOCK.format(name="falling", sign="-"),
}


def design(**changed: str) -> Design:
    """A design of two blocks, with other texts for some of its files."""
    return Design("top", {**FILES, **changed}, ("clk", "sum"), blocks=("falling", "rising"))


def pieces(folder: Path) -> set[str]:
    return {path.name for path in folder.joinpath("pieces").iterdir() if path.is_dir()}


def test_a_change_makes_the_pieces_that_it_touches(cache: Path) -> None:
    first = build(design())
    before = pieces(cache)
    # The top changes, too, and is no piece.
    files = {"rising.v": FILES["rising.v"].replace("+ 1", "+ 2"), "top.sv": TOP.replace("up + down", "up - down")}
    changed = build(design(**files))
    assert changed.executable != first.executable
    (new,) = pieces(cache) - before
    assert sorted(path.name for path in (cache / "pieces" / new).iterdir()) == ["Vrising.h", "rising.a"]


def test_all_that_a_block_is_made_from_counts(cache: Path) -> None:
    files = {"rising.v": FILES["rising.v"]}
    made = [
        block_piece("rising", files, counters="", assertions=True),
        block_piece("rising", files, counters="", assertions=False),
        block_piece("rising", files, counters="counters", assertions=True),
        block_piece("rising", {"rising.v": FILES["rising.v"] + "\n"}, counters="", assertions=True),
    ]
    assert len(set(made)) == len(made) == len(pieces(cache))
    assert block_piece("rising", files, counters="", assertions=True) == made[0]


def test_what_cannot_be_made_is_not_kept(cache: Path) -> None:
    wrong = {"rising.v": FILES["rising.v"].replace("posedge", "posedgy")}
    for _ in range(2):
        with pytest.raises(BuildError, match=r"^verilator failed, see .*/build\.log: %Error.*rising\.v"):
            block_piece("rising", wrong, counters="", assertions=True)
    assert pieces(cache) == {path.name for path in (cache / "pieces").glob("*.work")}


def test_a_make_that_makes_nothing_leaves_no_piece(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """However that comes about: an empty piece would be taken for a whole one by every later build."""

    def verilate(work: Path, prefix: str, *_: object, **__: object) -> None:
        (work / "obj").mkdir()
        (work / "obj" / f"{prefix}.h").touch()

    monkeypatch.setenv("WEFT_CACHE", str(tmp_path))
    monkeypatch.setattr(making, "verilate", verilate)
    monkeypatch.setattr(making, "make", lambda *_, **__: None)
    for name, result in (("block_ports", {}), ("edge_calls", []), ("block_glue", ""), ("headers_piece", tmp_path)):
        monkeypatch.setattr(making, name, lambda *_, result=result: result)
    for make in (
        headers_piece,
        library_piece,
        waves_piece,
        lambda: cpp_piece({"a.cpp": "", "b.cpp": "", "b.h": ""}),
        lambda: block_piece("rising", {"rising.v": FILES["rising.v"]}, counters="", assertions=True),
    ):
        with pytest.raises(BuildError, match=r"make ended without an error but .* see .*build\.log"):
            make()
    assert not [path for path in (tmp_path / "pieces").iterdir() if path.is_dir() and path.suffix != ".work"]


def test_kept_is_made_once_and_whole(tmp_path: Path) -> None:
    def fill(work: Path, result: Path) -> None:
        assert sorted(work.iterdir()) == [result]
        (work / "scratch").write_text("")
        (result / "made").write_text("")

    def fail(work: Path, result: Path) -> None:
        (result / "half").write_text("")
        raise BuildError("no")

    with pytest.raises(BuildError):
        kept(tmp_path, "key", fail)
    folder = kept(tmp_path, "key", fill)
    assert kept(tmp_path, "key", fail) == folder
    assert [path.name for path in folder.iterdir()] == ["made"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["key", "key.lock"]


def test_keys_tell_parts_apart() -> None:
    assert content_key("ab", "c") != content_key("a", "bc")
    assert content_key(["a"], 1) == content_key(["a"], 1)
