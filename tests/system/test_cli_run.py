"""``weft run``: a step program on arrays, on both devices."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import refused, weft
from typer.testing import Result

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def weft_run(program: Path, inputs: Path, out: Path, *more: str) -> Result:
    return weft("run", program, "--inputs", inputs, "--out", out, "--fabric", "tiny", *more)


def test_both_devices_write_the_same(tmp_path: Path, inputs: Path) -> None:
    outputs = {}
    for device in ("functional", "rtl"):
        out = tmp_path / f"{device}.npz"
        stalls = ("--stalls", "1") if device == "rtl" else ()
        result = weft_run(EXAMPLES / "elementwise.mlir", inputs, out, "--device", device, *stalls, "--json")
        assert result.exit_code == 0, result.output
        value = json.loads(result.stdout)
        assert (value["device"], value["mismatches"], value["outputs"]) == (device, 0, {"y": [6, 21]})
        assert (value["compared"] > 6 * 21) == (value["cycles"] > 0) == (device == "rtl")
        with np.load(out) as archive:
            outputs[device] = archive["y"]
    assert outputs["functional"].tobytes() == outputs["rtl"].tobytes()


@pytest.mark.parametrize(
    ("arrays", "sentence"),
    [
        ({"a": (6, 21)}, r"input 'b' with the shape \[6, 21\] is missing"),
        ({"a": (6, 21), "b": (6, 20)}, r"input 'b' must have the shape \[6, 21\], not \[6, 20\]"),
        ({"a": (6, 21), "c": (6, 21)}, "input 'c' is not an input or weight of the program"),
    ],
)
def test_wrong_inputs_are_one_sentence(tmp_path: Path, arrays: dict[str, tuple[int, ...]], sentence: str) -> None:
    path = tmp_path / "in.npz"
    np.savez(path, **{name: np.zeros(shape, np.float32) for name, shape in arrays.items()})  # pyright: ignore
    refused(weft_run(EXAMPLES / "elementwise.mlir", path, tmp_path / "out.npz"), sentence)


def test_broken_files_are_one_sentence(tmp_path: Path, inputs: Path) -> None:
    out, text = tmp_path / "out.npz", tmp_path / "program.mlir"
    refused(weft_run(tmp_path / "none.mlir", inputs, out), r"none\.mlir: No such file")
    text.write_text("builtin.module { step.nothing }")
    refused(weft_run(text, inputs, out), r"program\.mlir")
    refused(weft_run(EXAMPLES / "elementwise.mlir", text, out), r"--inputs must be an \.npz file of plain arrays")
    refused(weft_run(EXAMPLES / "elementwise.mlir", inputs, inputs), "--out must be a new file")
    refused(weft_run(EXAMPLES / "top1.mlir", inputs, out), "fabric 'tiny' has 2 and 2: set columns=3")
    assert not out.exists()


def test_shards_give_the_same_numbers(tmp_path: Path, inputs: Path) -> None:
    """Element by element nothing depends on the cut."""
    outputs: dict[str, bytes] = {}
    fabric = ("--set", "channels=2", "--set", "rows=6", "--set", "columns=4")
    for name, more in (("one", ("--shards", "1")), ("three", ("--shards", "3")), ("chosen", ())):
        out = tmp_path / f"{name}.npz"
        result = weft_run(EXAMPLES / "elementwise.mlir", inputs, out, *fabric, *more)
        assert result.exit_code == 0, result.output
        with np.load(out) as archive:
            outputs[name] = archive["y"].tobytes()
    assert outputs["one"] == outputs["three"] == outputs["chosen"]


def test_a_plan_says_how_many_shards_a_tensor_has(tmp_path: Path, inputs: Path) -> None:
    out, plan = tmp_path / "out.npz", tmp_path / "plan.json"
    program = EXAMPLES / "elementwise.mlir"
    plan.write_text('{"shards": 4, "tensors": {"y": 2}}')
    fabric = ("--set", "channels=2", "--set", "rows=6", "--set", "columns=4")
    assert weft_run(program, inputs, out, *fabric, "--plan", str(plan)).exit_code == 0
    refused(
        weft_run(program, inputs, tmp_path / "2", "--plan", str(plan), "--shards", "2"),
        "--shards must not be given with",
    )
    plan.write_text('{"shards": 4, "tensors": {"z": 2}}')
    refused(weft_run(program, inputs, tmp_path / "2", "--plan", str(plan)), "a plan must name tensors of the program")
    plan.write_text("shards: 4")
    refused(weft_run(program, inputs, tmp_path / "2", "--plan", str(plan)), r"plan plan\.json must be JSON, and is not")
    refused(weft_run(program, inputs, tmp_path / "2", "--shards", "0"), "--shards must be at least 1, not 0")
    refused(weft_run(program, inputs, tmp_path / "2", "--shards", "65"), "shards must be 1 to 64, not 65")
