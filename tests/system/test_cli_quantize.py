"""`weft quantize`: what it writes and prints, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_line import refused, weft

from weft.compiler.checkpoints.checkpoint import read_checkpoint

MODEL = Path(__file__).resolve().parents[2] / "models" / "weft-tiny"


@pytest.mark.parametrize(("form", "bytes_", "least"), [("int8", 224_256, 0.999), ("mxfp4", 113_152, 0.95)])
def test_quantize_then_compile_and_generate(tmp_path: Path, form: str, bytes_: int, least: float) -> None:
    out = tmp_path / "new" / form
    result = weft("quantize", MODEL, "--format", form, "--out", out, "--positions", 16, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert (value["weight_bytes_before"], value["weight_bytes"]) == (2 * 212_992, bytes_)
    assert value["positions"] == 16
    assert least < value["least_cosine"] <= value["cosine"] < 1
    assert 0.5 < value["agreement"] <= 1
    assert read_checkpoint(out).config.quantisation == form
    assert sorted(path.name for path in out.parent.iterdir()) == [form]
    assert weft("compile", out, "--out", tmp_path / "compiled").exit_code == 0
    assert "mapped.product" in (tmp_path / "compiled" / "mapped.mlir").read_text()
    texts = []
    for device in ("functional", "reference"):
        made = weft("generate", out, "--prompt", "And God ", "--tokens", 3, "--device", device, "--json")
        assert made.exit_code == 0, made.output
        texts.append(json.loads(made.stdout)["text"])
    assert texts[0] == texts[1]


def test_quantize_overwrites_nothing(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for path in (tmp_path, tmp_path / "notes.txt"):
        result = weft("quantize", MODEL, "--format", "int8", "--out", path)
        assert result.exit_code == 2
        assert result.stderr == f"weft: --out must be a new folder, but {str(path)!r} exists\n"
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((MODEL, "--format", "int4"), "--format must be one of int8, mxfp4, not 'int4'"),
        ((MODEL, "--format", "int8", "--positions", "0"), "--positions must be at least 1, not 0"),
        ((MODEL / "none", "--format", "int8"), "the checkpoint must be a folder"),
    ],
)
def test_a_mistake_is_one_sentence(tmp_path: Path, arguments: tuple[object, ...], sentence: str) -> None:
    refused(weft("quantize", *arguments, "--out", tmp_path / "out"), sentence)
    assert not (tmp_path / "out").exists()


def test_a_fabric_without_room_for_the_format(tmp_path: Path) -> None:
    out = tmp_path / "model"
    assert weft("quantize", MODEL, "--format", "mxfp4", "--out", out, "--positions", 1).exit_code == 0
    refused(weft("compile", out, "--set", "stages=3", "--out", tmp_path / "out"), "mxfp4 weights need at least")
