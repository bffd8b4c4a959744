"""The command line: what it prints, its exit codes, and one sentence for every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import refused, weft
from typer.testing import Result

from weft.cli import app
from weft.common import Commands
from weft.compiler.backend.fit import fit
from weft.compiler.backend.image import write_image
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.address_map import AddressMap
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind
from weft.hw.topology import Network
from weft.output import check_output, write_output

TINY = PRESETS["tiny"]
SMALL = ["--fabric", "tiny", "--set", "lanes=2", "--set", "stages=1", "--set", "channel_bits=32"]
"""A fabric that is elaborated in a few seconds."""
SUBCOMMANDS = ["compile", "doctor", "elaborate", "inspect", "run"]


@pytest.fixture
def image(tmp_path: Path) -> Path:
    units = {name: Unit(name, Agcu(kind=kind)) for name, kind in (("in", AgcuKind.LOAD), ("out", AgcuKind.STORE))}
    netlist = Netlist(units, (Net(Network.VECTOR, Pin("in", 0), (Pin("out", 0),)),))
    path = tmp_path / "image.bin"
    path.write_bytes(write_image(fit(netlist, TINY), 1, spec=TINY))
    return path


# -- help -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_help_has_an_example(command: str) -> None:
    result = weft(command, "--help")
    assert result.exit_code == 0
    assert f"Example:\n    weft {command}" in result.stdout
    assert "--json" in result.stdout


HEAVY = {"amaranth", "cocotb", "cocotb_tools", "ml_dtypes", "networkx", "numpy", "pydantic", "rich", "xdsl"}
START = "from weft.cli import main; main()"


@pytest.mark.parametrize(
    ("code", "arguments", "needed"),
    [
        ("import weft", [], set()),
        (START, ["--help"], set()),
        (START, ["--version"], set()),
        (START, ["generate", "--help"], {"pydantic"}),  # typer's own need
    ],
)
def test_starting_imports_nothing_heavy(code: str, arguments: list[str], needed: set[str]) -> None:
    heavy = (
        f"import atexit, sys; sys.argv[1:] = {arguments}\n"
        f"atexit.register(lambda: print('heavy:', *({HEAVY - needed} & set(sys.modules)), file=sys.stderr))\n{code}"
    )
    result = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert result.stderr == "heavy:\n"


def test_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", weft("--version").stdout)


# -- doctor ---------------------------------------------------------------------------------------------


def test_doctor_finds_everything_here() -> None:
    result = weft("doctor", "--json")
    value = json.loads(result.stdout)
    assert (result.exit_code, value["ok"]) == (0, True)
    assert {"weft", "python", "verilator", "g++", "make", "perl"} <= {check["name"] for check in value["checks"]}
    assert "Everything is here." in weft("doctor").stdout


def test_doctor_misses_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = weft("doctor")
    assert result.exit_code == 1
    assert re.search(r"BAD +g\+\+ +no C\+\+ compiler: g\+\+ must be on PATH", result.stdout)


# -- specs ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--fabric", "nope"], r"--fabric must be one of tiny, .* or a \.toml file, not 'nope'"),
        (["--fabric", "missing.toml"], "fabric file missing.toml cannot be read: No such file"),
        (["--fabric", "tiny", "--set", "rowz=3"], "--set must be FIELD=VALUE with a field .*, not 'rowz=3'"),
        (["--fabric", "tiny", "--set", "rows"], "--set must be FIELD=VALUE .*, not 'rows'"),
        (["--fabric", "tiny", "--set", "rows=many"], "rows must be a valid integer, not 'many'"),
        (["--fabric", "tiny", "--set", "rows=0"], "rows must be greater than or equal to 1, not 0"),
        (["--fabric", "tiny", "--set", "lanes=5"], "lanes must be a power of two, not 5"),
        (["--fabric", "tiny", "--set", "channels=9"], "channels must be at most the AGCUs, 2 [*] rows = 4, not 9"),
    ],
)
def test_bad_spec_is_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    refused(weft("elaborate", *arguments, "--out", tmp_path / "out"), sentence)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("rows = = 3", r"spec\.toml is not valid TOML: "),
        ("rows = 2\nrowz = 3", r"spec\.toml: rowz is not a field of a fabric spec"),
        ("stages = 99", r"spec\.toml: stages must be less than or equal to 8, not 99"),
        ("\xff", r"spec\.toml is not valid TOML: "),
    ],
)
def test_bad_spec_file_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "spec.toml"
    path.write_bytes(text.encode("latin-1"))
    refused(weft("elaborate", "--fabric", path, "--out", tmp_path / "out"), sentence)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["elaborate", "--fabric", "tiny"], "Missing option '--out'"),
        (["elaborate", "--bogus"], "No such option"),
        (["inspect"], "Missing argument 'IMAGE'"),
    ],
)
def test_bad_usage_is_one_sentence(arguments: list[str], sentence: str) -> None:
    refused(weft(*arguments), sentence)


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch, image: Path) -> None:
    def broken(*_: object) -> None:
        raise ValueError("nobody foresaw this")

    monkeypatch.setattr("weft.compiler.backend.image.read_image", broken)
    result = weft("inspect", image, "--fabric", "tiny")
    assert isinstance(result.exception, ValueError)


def test_a_failed_run_ends_with_1(monkeypatch: pytest.MonkeyPatch, image: Path) -> None:
    from weft.sim.device import DeviceError

    def hung(*_: object) -> None:
        raise DeviceError("the launch hung:\n  waiting: no tile")

    monkeypatch.setattr("weft.compiler.backend.image.read_image", hung)
    assert issubclass(app.info.cls or object, Commands)
    refused(weft("inspect", image, "--fabric", "tiny"), "the launch hung: waiting: no tile", code=1)


# -- elaborate ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def elaborated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    out = tmp_path_factory.mktemp("elaborate") / "deep" / "out"
    return out, weft("elaborate", *SMALL, "--out", out, "--json")


def test_elaborate_writes_the_verilog_and_what_there_is_to_know(elaborated: tuple[Path, Result]) -> None:
    out, result = elaborated
    assert result.exit_code == 0, result.output
    spec = TINY.set(["lanes=2", "stages=1", "channel_bits=32"])
    value = json.loads((out / "fabric.json").read_text())
    tiles = {f"weft_tile_{kind}.v" for kind in ("pcu", "pmu", "agcu")}
    assert {path.name for path in out.iterdir()} == tiles | {"weft_chip.v", "weft_fabric.v", "fabric.json"}
    assert value["hash"] == spec.hash
    assert spec == type(spec).make(**value["spec"])
    assert value["tiles"] == {"pcu": 2, "pmu": 2, "agcu": 4, "total": 8}
    assert value["distinct_modules"] == sorted(name.removesuffix(".v") for name in tiles)
    assert value["arithmetic_units"] == {
        "function_units": 2 * spec.lanes * spec.stages,
        "reduction_nodes": 2 * (spec.lanes - 1),
        "special_functions": 2 * spec.lanes,
        "conversions": 2 * spec.lanes,
        "total": 4 + 2 + 4 + 4,
    }
    assert value["sram_bits"]["pmu"] >= 2 * 32 * spec.pmu_words
    assert value["sram_bits"]["pcu"] >= 2 * 32 * spec.lanes * spec.stages * spec.acc_depth
    assert value["configuration_bits"]["all_contexts"] == spec.contexts * AddressMap(spec).bits
    assert value["address_map"]["host_registers"]["STATUS"] == 0x10
    assert len(value["address_map"]["tiles"]) == 8
    assert value["seconds"] > 0
    shown = json.loads(result.stdout)
    assert {key: value[key] for key in shown if key in value and key != "files"} == {
        key: shown[key] for key in shown if key in value and key != "files"
    }


def test_elaborate_again_writes_the_same(elaborated: tuple[Path, Result]) -> None:
    out, _ = elaborated
    before = {path.name: path.read_bytes() for path in out.glob("*.v")}
    result = weft("elaborate", *SMALL, "--out", out)
    assert result.exit_code == 0, result.output
    assert "8: 2 PCU, 2 PMU, 4 AGCU" in result.stdout
    assert {path.name: path.read_bytes() for path in out.glob("*.v")} == before
    assert not [path for path in out.parent.iterdir() if path != out]


@pytest.mark.parametrize("index", [None, "{", "[]", '{"written_by": "somebody", "files": {"notes.txt": ""}}'])
def test_a_foreign_folder_is_left_alone(tmp_path: Path, index: str | None) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    if index is not None:
        (tmp_path / "fabric.json").write_text(index)
    refused(weft("elaborate", *SMALL, "--out", tmp_path), r"--out must be an empty folder .* is not from it")
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_out_must_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(weft("elaborate", *SMALL, "--out", tmp_path / "file"), "--out must be a folder, not the file")


def test_a_changed_file_is_left_alone(tmp_path: Path) -> None:
    out = tmp_path / "out"
    write_output(out, "try", "index.json", {}, {"a": b"1", "b": b"2"})
    write_output(out, "try", "index.json", {}, {"a": b"3"})
    assert sorted(path.name for path in out.iterdir()) == ["a", "index.json"]
    (out / "a").write_bytes(b"mine")
    with pytest.raises(ValueError, match="was changed after weft try wrote it"):
        check_output(out, "try", "index.json")
    (out / "a").unlink()
    write_output(out, "try", "index.json", {}, {"a": b"4"})
    assert (out / "a").read_bytes() == b"4"


# -- inspect --------------------------------------------------------------------------------------------


def test_inspect_prints_an_image_in_words(image: Path) -> None:
    result = weft("inspect", image, "--fabric", "tiny")
    assert result.exit_code == 0, result.output
    assert f"image for fabric 'tiny' ({TINY.hash}), context 1: 2 units, 1 nets" in result.stdout
    assert re.search(r"agcu\(\d,\d\)\n  kind=LOAD[^\n]*\n  vector output 0 -> agcu\(\d,\d\)\.0\n", result.stdout)


def test_inspect_prints_json(image: Path) -> None:
    value = json.loads(weft("inspect", image, "--fabric", "tiny", "--json").stdout)
    assert (value["fabric"], value["hash"], value["context"]) == ("tiny", TINY.hash, 1)
    names = {unit["program"]["kind"]: unit["unit"] for unit in value["units"]}
    assert set(names) == {"LOAD", "STORE"}
    assert {unit["unit"]: "agcu({},{})".format(*unit["tile"]) for unit in value["units"]} == {
        n: n for n in names.values()
    }
    assert value["nets"] == [{"network": "vector", "source": [names["LOAD"], 0], "targets": [[names["STORE"], 0]]}]


def test_image_for_another_fabric(image: Path) -> None:
    refused(weft("inspect", image, "--fabric", "demo"), rf"must be for fabric 'demo' .*, not for {TINY.hash}")
    refused(weft("inspect", image, "--fabric", "tiny", "--set", "contexts=3"), "must be for fabric 'tiny'")


@pytest.mark.parametrize("byte", [2, 5, 9, 23, 25, 200, -1])
def test_flipped_bit(image: Path, byte: int) -> None:
    data = bytearray(image.read_bytes())
    data[byte] ^= 0x10
    image.write_bytes(data)
    refused(weft("inspect", image, "--fabric", "tiny"), "image (must|is) ")


def test_truncated_image(image: Path) -> None:
    image.write_bytes(image.read_bytes()[:-3])
    refused(weft("inspect", image, "--fabric", "tiny"), "image is truncated")
    image.write_bytes(b"")
    refused(weft("inspect", image, "--fabric", "tiny"), "image is truncated")


def test_missing_image(tmp_path: Path) -> None:
    refused(weft("inspect", tmp_path / "none.bin", "--fabric", "tiny"), "none.bin: No such file")
    refused(weft("inspect", tmp_path, "--fabric", "tiny"), "Is a directory")
