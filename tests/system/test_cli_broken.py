"""Broken inputs at the command line: each is one sentence that says what, the rule and the value, and exit code 2.

What is refused before a subcommand looks at its files is in ``test_cli_basic.py``; each rule for the fields and tensors
of a checkpoint has its own test in ``tests/compiler``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import refused, weft
from safetensors.numpy import load_file, save_file
from typer.testing import Result

from weft.arrays import load_arrays

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
MODEL = ROOT / "models" / "weft-tiny"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
UP = "model.layers.1.mlp.up_proj.weight"
MATRIX = np.ones((6, 21), np.float32)

Damage = Callable[[Path], object]


# -- checkpoints ----------------------------------------------------------------------------------------


def text(name: str, content: str) -> Damage:
    return lambda folder: (folder / name).write_text(content)


def folder_instead(name: str) -> Damage:
    def change(folder: Path) -> None:
        (folder / name).unlink()
        (folder / name).mkdir()

    return change


def config(**changes: object) -> Damage:
    """Changes fields of ``config.json``; a field changed to ``...`` is left out."""

    def change(folder: Path) -> None:
        fields = json.loads((folder / "config.json").read_text()) | changes
        kept = {name: value for name, value in fields.items() if value is not ...}
        (folder / "config.json").write_text(json.dumps(kept))

    return change


def tensors(edit: Callable[[dict[str, Any]], object]) -> Damage:
    def change(folder: Path) -> None:
        values = load_file(folder / WEIGHTS)
        edit(values)
        save_file(values, folder / WEIGHTS)

    return change


def index(content: object) -> Damage:
    def change(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        (folder / INDEX).write_text(json.dumps(content))

    return change


BROKEN_CHECKPOINTS: dict[str, tuple[Damage, str]] = {
    "empty config": (text("config.json", ""), r"config\.json: must hold valid JSON, but"),
    "config without fields": (text("config.json", "{}"), r"config\.json: field 'architectures' is missing"),
    "config is a folder": (folder_instead("config.json"), r"config\.json"),
    "weights are a folder": (folder_instead(WEIGHTS), rf"{WEIGHTS}"),
    "unknown architecture": (
        config(architectures=["GPT2LMHeadModel"]),
        r"'architectures' must be \['LlamaForCausalLM'\], not \['GPT2LMHeadModel'\]",
    ),
    "hidden_size": (config(hidden_size=66, head_dim=...), "'hidden_size' must be a multiple of 4 heads .*, not 66"),
    "key heads": (config(num_key_value_heads=3), "'num_key_value_heads' must be a divisor of 4 heads, not 3"),
    "epsilon": (config(rms_norm_eps=1e60), r"'rms_norm_eps' must be a normal float32, not 1e\+60"),
    "vocabulary": (
        config(vocab_size=200),
        r"tensor 'model\.embed_tokens\.weight' must have shape \[200, 64\], not \[256",
    ),
    "missing tensor": (tensors(lambda values: values.pop(UP)), f"tensor '{UP}' is missing"),
    "wrong shape": (
        tensors(lambda values: values.update({UP: np.ascontiguousarray(values[UP].T)})),
        rf"tensor '{UP}' must have shape \[192, 64\], not \[64, 192\]",
    ),
    "not finite": (tensors(lambda values: values[UP].fill(np.inf)), f"tensor '{UP}' must be finite, but 12288 of"),
    "dtype": (
        tensors(lambda values: values.update({UP: values[UP].astype(np.int8)})),
        f"tensor '{UP}' must be BF16, F16 or F32, not I8",
    ),
    "truncated": (
        lambda folder: os.truncate(folder / WEIGHTS, (folder / WEIGHTS).stat().st_size - 100),
        rf"{WEIGHTS}: must hold \d+ bytes of tensors, not \d+: truncated\?",
    ),
    "missing shard": (
        index({"weight_map": {UP: "model-00001-of-00002.safetensors"}}),
        r"model-00001-of-00002\.safetensors: the file is missing",
    ),
    "index without a map": (index({"weight_map": []}), f"{INDEX}: field 'weight_map' must be a JSON object"),
}


@pytest.mark.parametrize(("damage", "sentence"), BROKEN_CHECKPOINTS.values(), ids=BROKEN_CHECKPOINTS)
def test_a_broken_checkpoint(tmp_path: Path, damage: Damage, sentence: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(MODEL, folder)
    damage(folder)
    refused(weft("generate", folder, "--prompt", "a", "--tokens", 1), sentence)
    refused(weft("compile", folder, "--out", tmp_path / "out"), sentence)
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_that_is_no_folder(tmp_path: Path) -> None:
    for path in (MODEL / "config.json", tmp_path / "none"):
        refused(weft("generate", path, "--prompt", "a"), f"{path.name}: the checkpoint must be a folder")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", r"weft_tokenizer\.json: must hold valid JSON"),
        ('{"type": "bpe"}', "'type' must be 'byte', not 'bpe'"),
        ('{"type": "byte"}', "a byte vocabulary needs a vocab_size of at least 256, not 53"),
        (None, "--prompt needs a tokenizer that Weft reads in .*, and it has none: use --prompt-ids"),
    ],
)
def test_a_tokenizer_that_does_not_fit(tmp_path: Path, content: str | None, sentence: str) -> None:
    folder = tmp_path / "model"
    shutil.copytree(ROOT / "tests" / "data" / "checkpoints" / "one-head", folder)
    if content is not None:
        (folder / "weft_tokenizer.json").write_text(content)
    refused(weft("generate", folder, "--prompt", "a"), sentence)


# -- options --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--prompt", "a\udc80"], "the prompt must be valid UTF-8, and is not from character 2 on"),
        (["--prompt", ""], "the prompt must have at least one token, and has none"),
        (["--prompt", "a" * 257, "--tokens", "1"], r"must fit the context of 256 tokens, not 257 \+ 1"),
        (["--prompt-ids", "-1"], "a token id must be 0 to 255, not -1"),
        (["--prompt-ids", ""], "--prompt-ids must be whole numbers with commas between them, not ''"),
        (["--prompt", "a", "--tokens", "0"], "--tokens must be at least 1, not 0"),
        (["--prompt", "a", "--temperature", "nan"], "--temperature must be at least 0, not nan"),
        (["--prompt", "a", "--stalls", "-1"], "--stalls must be 0 to 2147483647, not -1"),
        (["--prompt", "a", "--stalls", str(1 << 31)], "--stalls must be 0 to 2147483647, not 2147483648"),
        (
            ["--prompt", "a", "--logits", "none/logits.npz"],
            "--logits must be a file in a folder that exists, not 'none/",
        ),
        (
            ["--prompt", "a", "--device", "rtl", "--waves", "none/waves.fst"],
            "--waves must be a file in a folder that exists, not 'none/",
        ),
        (["--prompt", "a", "--waves", "waves.fst"], "--waves must be given with --device rtl, not functional"),
        (["--prompt", "a", "--stalls", "1"], "--stalls must be given with --device rtl, not functional"),
        (["--prompt", "a", "--arith", "rtl"], "--arith must be given with --device rtl, not functional"),
        (
            ["--prompt", "a", "--device", "reference", "--stalls", "0"],
            "--stalls must be given with --device rtl, not reference",
        ),
        (["--prompt", "a", "--seed", "-1"], "--seed must be at least 0, not -1"),
        (["--prompt", "a", "--set", "rowz=1"], "--set must be FIELD=VALUE with a field .*, not 'rowz=1'"),
        (["--prompt", "a", "--set", "rows=abc"], "rows must be a valid integer, not 'abc'"),
    ],
)
def test_a_wrong_option(arguments: list[str], sentence: str) -> None:
    refused(weft("generate", MODEL, *arguments), sentence)


def test_stalls_of_a_program_without_rtl(tmp_path: Path) -> None:
    np.savez(tmp_path / "in.npz", a=MATRIX)
    example = EXAMPLES / "elementwise.mlir"
    result = weft("run", example, "--inputs", tmp_path / "in.npz", "--out", tmp_path / "out.npz", "--stalls", "1")
    refused(result, "--stalls must be given with --device rtl, not functional")


def test_out_in_a_folder_that_takes_no_files() -> None:
    result = weft("compile", EXAMPLES / "elementwise.mlir", "--out", "/proc/out")
    refused(result, "--out must be in a folder that can be written to, not '/proc/out': ")


def test_a_field_that_there_is_not() -> None:
    program = EXAMPLES / "elementwise.mlir"
    for text, sentence in (("lane=4", "; near it are lanes"), ("foo=3", "; its fields are name, .*lanes, ")):
        refused(weft("compile", program, "--out", "out", "--set", text), f"spec, not '{text}'{sentence}")


def test_a_pass_that_there_is_not() -> None:
    result = weft("compile", EXAMPLES / "elementwise.mlir", "--out", "out", "--print-after", "none")
    refused(result, "--print-after must be all or one of fix-sizes, fold-empty, .*, not 'none'")


def test_out_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    refused(weft("compile", MODEL, "--out", tmp_path / "file" / "out"), "file: File exists")


def test_no_compiler_on_the_machine(tmp_path: Path) -> None:
    """Said at once, before the Verilog is made."""
    command = [Path(sys.executable).with_name("weft"), "generate", MODEL, "--device", "rtl", "--prompt", "a"]
    variables = {**os.environ, "PATH": str(tmp_path), "WEFT_CACHE": str(tmp_path / "cache")}
    result = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stdout == ""
    assert re.fullmatch(r"weft: no C\+\+ compiler: g\+\+ must be on PATH to build a simulator .*\n", result.stderr)
    assert not (tmp_path / "cache").exists()


# -- arrays ---------------------------------------------------------------------------------------------


def run(program: Path, inputs: Path, out: Path, *more: str) -> Result:
    return weft("run", program, "--inputs", inputs, "--out", out, "--fabric", "tiny", *more)


def saved(path: Path, **arrays: Any) -> Path:
    np.savez(path, **arrays)
    return path


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (MATRIX[0], r"input 'b' must have the shape \[6, 21\], not \[21\]"),
        (MATRIX.astype(complex), "input 'b' must hold real numbers, not complex128"),
        (np.full((6, 21), "1"), "input 'b' must hold real numbers, not <U1"),
        (np.full((6, 21), 1e300), "input 'b' must fit float32, but 126 of its 126 values do not"),
        (
            np.full((6, 21), None, object),
            r"--inputs must be an \.npz file of plain arrays, as numpy\.savez writes it, and 'b' in .* is no",
        ),
    ],
    ids=["shape", "complex", "text", "too large", "objects"],
)
def test_a_wrong_array(tmp_path: Path, values: Any, sentence: str) -> None:
    inputs = saved(tmp_path / "in.npz", a=MATRIX, b=values)
    refused(run(EXAMPLES / "elementwise.mlir", inputs, tmp_path / "out.npz"), sentence)
    assert not (tmp_path / "out.npz").exists()


def test_a_missing_array(tmp_path: Path) -> None:
    inputs = saved(tmp_path / "in.npz", a=MATRIX)
    refused(run(EXAMPLES / "elementwise.mlir", inputs, tmp_path / "out.npz"), "input 'b' .* is missing")


def test_files_that_hold_no_arrays(tmp_path: Path) -> None:
    good = saved(tmp_path / "good.npz", a=MATRIX, b=MATRIX).read_bytes()
    flipped = bytearray(good)
    flipped[300] ^= 0xFF
    for name, content in {
        "cut": good[:-200],
        "flipped": flipped,
        "empty": b"",
        "noise": b"PK\x03\x04" + bytes(99),
    }.items():
        path = tmp_path / f"{name}.npz"
        path.write_bytes(content)
        sentence = (
            rf"--inputs must be an \.npz file of plain arrays, as numpy\.savez writes it, and .*'.*{name}\.npz' is n"
        )
        refused(run(EXAMPLES / "elementwise.mlir", path, tmp_path / "out.npz"), sentence)
    np.save(tmp_path / "one.npy", MATRIX)
    one = (tmp_path / "one.npy").read_bytes()
    refused(run(EXAMPLES / "elementwise.mlir", tmp_path / "one.npy", tmp_path / "out.npz"), "one array without a name")
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as archive:
        archive.writestr("a.npy", one)
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a.npy", one)
    refused(run(EXAMPLES / "elementwise.mlir", tmp_path / "zip.npz", tmp_path / "out.npz"), "has two arrays 'a'")
    with zipfile.ZipFile(tmp_path / "zip.npz", "w") as archive:
        archive.writestr("a", "text")
    refused(
        run(EXAMPLES / "elementwise.mlir", tmp_path / "zip.npz", tmp_path / "out.npz"), "'a' in .* is no such array"
    )
    refused(
        run(EXAMPLES / "elementwise.mlir", tmp_path, tmp_path / "out.npz"), "--inputs must be an .npz file, not the fol"
    )


HEADER = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }"


def archive_of(path: Path, header: str, values: bytes = bytes(8), **more: Any) -> Path:
    with zipfile.ZipFile(path, "w", **more) as archive:
        content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + values
        archive.writestr("b.npy", content)
    return path


@pytest.mark.parametrize(
    "header",
    [
        HEADER.replace("(2,)", "(1 << 40,)"),
        HEADER.replace("(2,)", "(1099511627776,)"),
        HEADER.replace("(2,)", "(-2,)"),
        HEADER.replace("(2,)", "(" * 500),
        HEADER.replace("'<f4'", "'|O'"),
        HEADER.replace("'<f4'", "[('a', '<f4')]"),
        HEADER.replace("'<f4'", "'<f3'"),
        HEADER.replace("'shape'", "'size'"),
        HEADER.removesuffix("}"),
        HEADER + "(",
        "",
    ],
)
def test_an_array_whose_header_is_broken(tmp_path: Path, header: str) -> None:
    program, out = EXAMPLES / "elementwise.mlir", tmp_path / "out.npz"
    inputs = archive_of(tmp_path / "in.npz", header)
    refused(
        run(program, inputs, out), r"plain arrays, as numpy\.savez writes it, and 'b' in '.*in\.npz' is no such array"
    )


def test_an_archive_of_another_kind(tmp_path: Path) -> None:
    program, out = EXAMPLES / "elementwise.mlir", tmp_path / "out.npz"
    inputs = archive_of(tmp_path / "in.npz", HEADER, compression=zipfile.ZIP_LZMA)
    refused(run(program, inputs, out), "'b' in '.*in.npz' is no such array")
    content = bytearray(archive_of(tmp_path / "in.npz", HEADER).read_bytes())
    for place in (6, content.rindex(b"PK\x01\x02") + 8):  # encrypted, both say
        content[place] |= 1
    inputs.write_bytes(content)
    refused(run(program, inputs, out), "'b' in '.*in.npz' is no such array")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_arrays_are_read_as_they_were_written(tmp_path: Path, save: Any) -> None:
    arrays = {
        "f": np.asfortranarray(MATRIX),
        "whole": np.arange(6, dtype=">i8").reshape(1, 2, 3),
        "one": np.float16(3),
        "none": np.zeros((0, 4), bool),
    }
    save(tmp_path / "in.npz", **arrays)
    for name, values in load_arrays(tmp_path / "in.npz").items():
        assert values.dtype == arrays[name].dtype
        assert np.array_equal(values, arrays.pop(name))
        assert values.flags.writeable
    assert not arrays


def test_what_run_cannot_do(tmp_path: Path) -> None:
    program, inputs = EXAMPLES / "elementwise.mlir", saved(tmp_path / "in.npz", a=MATRIX, b=MATRIX)
    out = tmp_path / "none" / "out.npz"
    refused(run(program, inputs, out), "--out must be a file in a folder that exists, not '.*none/out")
    refused(
        run(program, inputs, tmp_path / "out.npz", "--device", "gpu"),
        "--device must be one of functional, rtl, not 'gpu'",
    )
    refused(run(tmp_path, inputs, tmp_path / "out.npz"), "Is a directory")
    for size in ("-1", "9" * 23):
        sentence = f"--arg must be NAME=SIZE with a whole number from 0 to 999999999, not 'n={size}'"
        refused(run(program, inputs, tmp_path / "out.npz", "--arg", f"n={size}"), sentence)
    result = weft("run", program, "--inputs", "", "--out", tmp_path / "out.npz")
    refused(result, "--inputs must be an .npz file, not the folder '.'")


def test_a_program_with_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "program.mlir").write_text(PROGRAM, "utf-8-sig")
    inputs = saved(tmp_path / "in.npz", x=MATRIX[0, :8])
    assert run(tmp_path / "program.mlir", inputs, tmp_path / "out.npz").exit_code == 0


# -- programs -------------------------------------------------------------------------------------------

PROGRAM = """step.tensor @x : f32 [8] input
step.tensor @y : f32 [8] output
%x = step.load @x : !step.stream<f32, [8]>
%b = step.bufferize %x rank 1 : !step.buffer<f32, [] of [8]>
%z = step.streamify %b walk [0] : !step.stream<f32, [8]>
step.store %z in @y
"""
BROKEN_PROGRAMS = [
    (PROGRAM, "hello", "line 1: hello is not an operation of the language"),
    ("load @x", "load @q", r"line 3: step.load \(%x\): @q must be declared by a step.tensor"),
    ("%z in", "%q in", r"line 6: step.store: %q must be defined before it is used"),
    ("output", "result", "line 2: .*role must be one of input, .*, not 'result'"),
    ("@x : f32", "@x : f64", "line 1: .*element type must be one of f32, .*, not 'f64'"),
    ("rank 1", "rank 2", r"line 4: .*rank must be 1 to 1, the stream's, not 2"),
    ("walk [0]", "walk [1]", r"line 5: .*walk must be _ or below 1, the dimensions of the buffer, not 1"),
    ("walk [0]", "walk [0] from [3]", r"line 5: .*dimension 0 of the buffer has 8, and the stream goes up to index 10"),
    ("[8]", "[n]", r"line 1: .*shape of @x must be .* all numbers, not \[n\]"),
    ("8", "999999999999", "tensors must fit 1 TiB of addresses of a channel, not 8000000000000 bytes"),
    (PROGRAM, "builtin.module {" * 3000, "line 1: only operations of step are allowed, not builtin.module"),
]


def test_the_program_is_good_until_it_is_broken(tmp_path: Path) -> None:
    (tmp_path / "program.mlir").write_text(PROGRAM)
    inputs = saved(tmp_path / "in.npz", x=MATRIX[0, :8])
    assert run(tmp_path / "program.mlir", inputs, tmp_path / "out.npz").exit_code == 0


@pytest.mark.parametrize(
    ("old", "new", "sentence"), BROKEN_PROGRAMS, ids=[sentence for *_, sentence in BROKEN_PROGRAMS]
)
def test_a_broken_program(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = tmp_path / "program.mlir"
    path.write_text(PROGRAM.replace(old, new))
    result = run(path, saved(tmp_path / "in.npz", x=MATRIX[0, :8]), tmp_path / "out.npz")
    refused(result, sentence)


def test_a_program_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "program.mlir"
    path.write_bytes(b"builtin\xff")
    inputs = saved(tmp_path / "in.npz", x=MATRIX[0, :8])
    refused(run(path, inputs, tmp_path / "out.npz"), r"program\.mlir must be UTF-8 text, and is not at byte 7")
