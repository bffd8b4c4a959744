"""``weft show``: what it writes, how that agrees with itself, and one sentence for every mistake."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from command_line import refused, weft
from typer.testing import Result

from weft.sim.compare import Comparison

ROOT = Path(__file__).resolve().parents[2]
MODEL, ELEMENTWISE = ROOT / "models" / "weft-tiny", ROOT / "examples" / "elementwise.mlir"
STATES = ("busy", "starved", "blocked")


def weft_show(*arguments: object) -> Result:
    return weft("show", *arguments)


def titles(path: Path) -> list[str]:
    root = ElementTree.parse(path).getroot()
    return [each.text or "" for each in root.iter("{http://www.w3.org/2000/svg}title")]


def test_help_has_an_example() -> None:
    result = weft_show("--help")
    assert result.exit_code == 0
    assert "Example:\n    weft show" in result.stdout


def test_a_run_on_rtl_is_drawn_and_its_numbers_agree(tmp_path: Path, inputs: Path) -> None:
    out = tmp_path / "deep" / "out"
    result = weft_show(ELEMENTWISE, "--inputs", inputs, "--fabric", "tiny", "--out", out, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert {path.name for path in out.iterdir()} == {"floorplan.svg", "timeline.json", "show.json"}
    assert (value["compared"], value["mismatches"]) == (6 * 21, 0)
    program = value["programs"]["elementwise"]
    assert program["launches"] == 1
    assert program["cycles"] == value["cycles"] > 6 * 21 / 4
    assert 0 < value["channels"][0] <= 1

    drawn = titles(out / "floorplan.svg")
    trace = json.loads((out / "timeline.json").read_text())
    threads = {e["tid"]: e["args"]["name"] for e in trace["traceEvents"] if e["name"] == "thread_name"}
    totals = {name: dict.fromkeys(STATES, 0) for name in threads.values()}
    for event in trace["traceEvents"]:
        if event["ph"] == "X" and event["name"] in STATES:
            for state in STATES:
                totals[threads[event["tid"]]][state] += event["args"][state]
    for name, unit in program["units"].items():
        where = "({},{})".format(*unit["tile"])
        shares = {state: totals[f"{unit['kind']} {where} {name}"][state] / program["cycles"] for state in STATES}
        assert shares == {state: pytest.approx(unit[state]) for state in STATES}
        words = ", ".join(f"{state} {100 * unit[state]:.1f} %" for state in STATES)
        assert f"{unit['kind'].upper()} {where}: {name}; {words}" in drawn
    busy = [unit["busy"] for unit in program["units"].values()]
    assert busy == sorted(busy, reverse=True)
    assert busy[0] > 0.05

    text = weft_show(ELEMENTWISE, "--inputs", inputs, "--fabric", "tiny", "--out", tmp_path / "text", "--window", 64)
    assert text.exit_code == 0, text.output
    assert re.search(r"\n  pcu +\d of 2 +\d+\.\d% +\d+\.\d% +\d+\.\d%\n", text.stdout)
    assert re.search(r"\nchannel 0: a beat of data in \d+\.\d% of cycles\n", text.stdout)
    assert (tmp_path / "text" / "floorplan.svg").read_bytes() == (out / "floorplan.svg").read_bytes()


def test_a_mismatch_is_exit_code_1(tmp_path: Path, inputs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weft.sim.recording.compare_values", lambda *_: Comparison(126, 2, ("output 'y'",)))
    out = tmp_path / "out"
    result = weft_show(ELEMENTWISE, "--inputs", inputs, "--fabric", "tiny", "--out", out)
    assert result.exit_code == 1
    assert "compared with the functional device: 2 mismatches of 126\n" in result.stdout
    assert (out / "timeline.json").exists()


def test_floor_plans_without_a_run(tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()  # an empty folder will do
    result = weft_show(MODEL, "--device", "functional", "--out", out)
    assert result.exit_code == 0, result.output
    assert {path.name for path in out.iterdir()} == {"floorplan.svg", "show.json"}
    assert "decoder on demo\n" in result.stdout
    assert "%" not in result.stdout
    assert any(title.endswith(": attention") for title in titles(out / "floorplan.svg"))
    assert any(title.endswith(": lm_head") for title in titles(out / "floorplan.svg"))


def test_mistakes_are_one_sentence(tmp_path: Path, inputs: Path) -> None:
    out = tmp_path / "out"
    for arguments, sentence in (
        ((MODEL, "--inputs", inputs), "--inputs and --arg are for a step program"),
        ((ELEMENTWISE, "--prompt", "a"), "--prompt and --prompt-ids are for a checkpoint's folder"),
        ((ELEMENTWISE,), "--inputs must be given to run a step program"),
        ((MODEL, "--prompt", "a", "--prompt-ids", "1"), "exactly one of --prompt and --prompt-ids"),
        ((MODEL, "--prompt-ids", "256"), "a token id must be 0 to 255, not 256"),
        ((MODEL, "--prompt", "a", "--tokens", 256), "must fit the context of 256 tokens"),
        ((MODEL, "--device", "reference"), "--device must be one of rtl, functional, not 'reference'"),
        ((MODEL, "--window", 16), "--window must be at least 32, not 16"),
        ((MODEL, "--fabric", "tiny"), "set rows=9 and columns=8"),
        ((tmp_path / "none.mlir",), r"none\.mlir: No such file"),
    ):
        refused(weft_show(*arguments, "--out", out), sentence)
    assert not out.exists()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert weft_show(MODEL, "--device", "functional", "--out", out).exit_code == 0
    refused(weft_show(MODEL, "--device", "functional", "--out", out), "--out must be a new or an empty folder")
    refused(weft_show(MODEL, "--device", "functional", "--out", __file__), "--out must be a new or an empty folder")
