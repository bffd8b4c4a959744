"""``weft compile``: what it writes, and one sentence for what cannot be compiled."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import refused, weft

from weft.compiler.backend.image import read_image
from weft.compiler.backend.mapping import Mapping
from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.mapped import parse_module, print_module
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.compiler.timing import predict
from weft.hw.presets import PRESETS

MODEL = Path(__file__).resolve().parents[2] / "models" / "weft-tiny"
DEMO = PRESETS["demo"]


def test_compile_writes_what_can_be_read_back(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = weft("compile", MODEL, "--out", out, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert {path.name for path in out.iterdir()} == set(value["files"])
    image = read_image((out / "image.bin").read_bytes(), DEMO)
    mapping = Mapping.from_json((out / "mapping.json").read_text())
    assert image.context == 0
    assert set(image.programs) == set(mapping.tiles.values())
    text = (out / "mapped.mlir").read_text()
    assert print_module(parse_module(text, "mapped.mlir")) == text
    assert (out / "floorplan.svg").read_text().startswith("<svg")
    shown = weft("inspect", out / "image.bin")
    assert shown.exit_code == 0
    assert f"context 0: {value['units']} units" in shown.stdout
    assert weft("compile", MODEL, "--out", out).exit_code == 0
    (out / "notes.txt").write_text("mine")
    refused(weft("compile", MODEL, "--out", out), r"notes\.txt' is not from it")


def test_compile_predicts_a_token(tmp_path: Path) -> None:
    out = tmp_path / "out"
    value = json.loads(weft("compile", MODEL, "--out", out, "--position", 20, "--json").stdout)["prediction"]
    compiled = compile_decoder(read_checkpoint(MODEL).config, DEMO)
    assert value["position"] == 20
    assert value["cycles"] == predict(compiled.program.mapping, compiled.arguments(20)).cycles
    assert value["cycles"] == sum(phase["cycles"] for phase in value["phases"])
    assert {phase["bound"] for phase in value["phases"]} <= {"channel", "arithmetic", "latency"}
    text = weft("compile", MODEL, "--out", out, "--position", 20).stdout
    assert f"predicted at position 20: {value['cycles']:,} cycles a token" in text
    for phase in value["phases"]:
        (line,) = [line for line in text.splitlines() if line.strip().startswith(f"{phase['name']} ")]
        assert f" {phase['cycles']:,} " in line
        assert f" {phase['bound']} " in line
        assert line.endswith(phase["lift"])
    for change in value["changes"]:
        assert f"with {change['field']}={change['value']}: {change['cycles']:,} cycles" in text


def test_compile_without_a_prediction(tmp_path: Path) -> None:
    result = weft("compile", MODEL, "--out", tmp_path / "out", "--no-predict")
    assert result.exit_code == 0
    assert "predicted" not in result.stdout
    refused(weft("compile", MODEL, "--out", tmp_path / "out", "--position", 256), "--position must be less than .* 256")
    refused(
        weft("compile", MODEL, "--out", tmp_path / "out", "--position", -1), "--position must be at least 0, not -1"
    )


def test_a_fabric_too_small(tmp_path: Path) -> None:
    refused(
        weft("compile", MODEL, "--fabric", "tiny", "--out", tmp_path / "out"),
        r"needs \d+ PCUs .*set rows=9 and columns=8",
    )
    refused(weft("compile", MODEL, "--set", "columns=3", "--out", tmp_path / "out"), r"set \w+=\d+")


def _cut(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _other_architecture(folder: Path) -> None:
    path = folder / "config.json"
    value = json.loads(path.read_text())
    path.write_text(json.dumps({**value, "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2"}))


def _other_shape(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "intermediate_size": 96}))


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (_cut, "safetensors"),
        (_other_architecture, "gpt2|GPT2LMHeadModel"),
        (_other_shape, "96"),
        (lambda folder: (folder / "model.safetensors").unlink(), "safetensors"),
        (lambda folder: (folder / "config.json").write_text("{"), r"config\.json"),
        (lambda folder: (folder / "config.json").unlink(), r"config\.json"),
    ],
    ids=["truncated", "architecture", "shape", "no weights", "no JSON", "no config"],
)
def test_a_broken_checkpoint_is_one_sentence(tmp_path: Path, damage: Callable[[Path], object], sentence: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    damage(folder)
    refused(weft("compile", folder, "--out", tmp_path / "out"), f"({sentence})")
    assert not (tmp_path / "out").exists()


def test_the_choice_of_a_spread_is_told(tmp_path: Path) -> None:
    fabric = ("--set", "rows=9", "--set", "channels=2")
    result = weft("compile", MODEL, "--out", tmp_path / "out", "--no-predict", *fabric)
    assert result.exit_code == 0, result.output
    assert "\nspread over 1 shard: " in result.stdout
    assert "\nnot 2 shards: needs 28 AGCUs but fabric 'demo' has 18\n" in result.stdout


def test_the_choice_of_a_programs_spread_is_told(tmp_path: Path) -> None:
    fabric = ("--set", "rows=12", "--set", "channels=2")
    matmul = MODEL.parents[1] / "examples" / "matmul.mlir"
    result = weft("compile", matmul, "--out", tmp_path / "out", "--no-predict", *fabric)
    assert result.exit_code == 0, result.output
    assert "\nspread over 2 shards: " in result.stdout
