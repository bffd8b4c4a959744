"""What `weft generate` and `weft batch` print of a text, where it ends, and models whose logits are no numbers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import refused, weft
from fixed_text import write_decoder

REFERENCE = ("--device", "reference")


def generated(folder: Path, *arguments: object) -> dict[str, Any]:
    result = weft("generate", folder, *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.parametrize(
    ("said", "prompt", "printed"),
    [
        ("é", ("--prompt", "é"), "ééé"),
        ("日", ("--prompt", "日"), "日日\N{REPLACEMENT CHARACTER}"),  # four of the six bytes behind the prompt
        ("日", ("--prompt-ids", "230"), "日\N{REPLACEMENT CHARACTER}"),  # the character of a prompt that ends within it
    ],
)
def test_characters_are_printed_whole(tmp_path: Path, said: str, prompt: tuple[str, str], printed: str) -> None:
    write_decoder(tmp_path, list(said.encode()))
    result = weft("generate", tmp_path, *prompt, "--tokens", 4, *REFERENCE)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[0] == printed


def test_a_tokenizer_of_another_kind_is_named_and_ids_are_printed(tmp_path: Path) -> None:
    write_decoder(tmp_path, [1, 2])
    (tmp_path / "tokenizer.json").write_text("{}")
    refused(
        weft("generate", tmp_path, "--prompt", "ab", *REFERENCE),
        r"--prompt needs a tokenizer .*, and it has tokenizer\.json and no weft_tokenizer\.json: use --prompt-ids",
    )
    result = weft("generate", tmp_path, "--prompt-ids", "1", "--tokens", 3, *REFERENCE)
    assert result.stdout.splitlines()[0] == "2 1 2 "
    assert weft("quantize", tmp_path, "--format", "int8", "--out", tmp_path / "small").exit_code == 0
    assert (tmp_path / "small" / "tokenizer.json").exists(), "else bytes would be taken for its words"


def test_a_token_that_is_no_byte_is_a_stand_in(tmp_path: Path) -> None:
    write_decoder(tmp_path, [65, 299, 66], vocab_size=300)
    (tmp_path / "weft_tokenizer.json").write_text('{"type": "byte"}')
    value = generated(tmp_path, "--prompt", "A", "--tokens", 3, *REFERENCE)
    assert (value["tokens"], value["text"]) == ([299, 66, 65], "\N{REPLACEMENT CHARACTER}BA")


@pytest.mark.parametrize("options", [REFERENCE, (), ("--one-launch",)])
@pytest.mark.parametrize("end", [46, [3, 46]])
def test_a_text_ends_with_its_end(tmp_path: Path, options: tuple[str, ...], end: object) -> None:
    write_decoder(tmp_path, list(b"ab."), eos_token_id=end)
    logits = tmp_path / "logits.npz"
    value = generated(tmp_path, "--prompt", "a", "--tokens", 8, "--logits", logits, *options)
    assert value["text"] == "b."
    with np.load(logits) as archive:
        assert archive["ids"].tolist() == list(b"ab")
        assert archive["logits"].shape == (2, 256)


def test_texts_of_a_batch_end_each_at_its_own(tmp_path: Path) -> None:
    write_decoder(tmp_path, list(b"abcd."), eos_token_id=46)
    result = weft("batch", tmp_path, "--prompt", "a", "--prompt", "d", "--prompt", "ab", "--tokens", 3, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["text"] == ["bcd", ".", "cd."]


@pytest.mark.parametrize("options", [REFERENCE, (), ("--temperature", "1"), ("--one-launch",)])
def test_logits_that_are_no_numbers_are_a_failed_run(tmp_path: Path, options: tuple[str, ...]) -> None:
    write_decoder(tmp_path, [97, 98], scale=2.0**127)
    sentence = r"the logits at position 1 must be finite, but \d+ of 256 are NaN or infinite: no token can be chosen"
    result = weft("generate", tmp_path, "--prompt-ids", "97,98", "--json", *options)
    refused(result, sentence, code=1)


def test_logits_that_are_no_numbers_in_a_batch(tmp_path: Path) -> None:
    write_decoder(tmp_path, [97, 98], scale=2.0**127)
    result = weft("batch", tmp_path, "--prompt", "a", "--prompt", "b")
    refused(result, "the logits at position 0 must be finite", code=1)


def test_a_smaller_checkpoint_of_such_a_model_is_not_made(tmp_path: Path) -> None:
    write_decoder(tmp_path / "model", [97, 98], scale=2.0**127)
    for form in ("int8", "mxfp4"):
        result = weft("quantize", tmp_path / "model", "--format", form, "--out", tmp_path / "small")
        # Token 0, which the comparison begins with, has no embedding: its logits are zeros.
        refused(result, r"the logits of the model at position \d+ must be finite", code=1)
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_a_figure_that_json_does_not_have_is_null(tmp_path: Path) -> None:
    write_decoder(tmp_path / "model", [97, 98], scale=0)
    for options in (("--json",), ()):
        out = tmp_path / f"small{len(options)}"
        result = weft("quantize", tmp_path / "model", "--format", "int8", "--out", out, *options)
        assert (result.exit_code, result.stderr) == (0, "")
        if options:
            value = json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
            assert (value["cosine"], value["least_cosine"], value["agreement"]) == (None, None, 1)
        else:
            assert "cosine undefined, least undefined" in result.stdout


def test_weights_that_are_rounded_are_told(tmp_path: Path) -> None:
    write_decoder(tmp_path, [97, 98], scale=1 + 2**-10)
    told = "weft: 2 of 6,656 weights are rounded to bf16, by 0.000977 at most, 0.10% of a weight; --device reference"
    for options, line in (((), told), (("--one-launch",), told), (REFERENCE, "")):
        result = weft("generate", tmp_path, "--prompt", "a", "--tokens", 1, "--json", *options)
        assert result.exit_code == 0, result.output
        assert (result.stderr.startswith(line), result.stderr.count("\n")) == (True, bool(line))
    result = weft("generate", tmp_path, "--prompt", "a", "--fabric", "tiny")
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1), "a refusal is one sentence"


def command(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    script = [str(Path(sys.executable).with_name("weft")), *arguments]
    return subprocess.run(script, env={**os.environ, **environment}, capture_output=True, cwd=folder, check=False)


@pytest.mark.parametrize(("encoding", "first"), [("latin-1", b"??"), ("utf-8", "łł".encode())])
def test_what_a_terminal_cannot_show_is_a_question_mark(tmp_path: Path, encoding: str, first: bytes) -> None:
    write_decoder(tmp_path, list("ł".encode()))
    arguments = ("generate", ".", "--prompt-ids", "197,130", "--tokens", "2", *REFERENCE)
    result = command(tmp_path, *arguments, PYTHONIOENCODING=encoding)
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.splitlines()[0] == first


@pytest.mark.parametrize("arguments", ["doctor", "--help", "--version", "elaborate --help"])
def test_standard_output_without_room_is_named(tmp_path: Path, arguments: str) -> None:
    shell = f"{Path(sys.executable).with_name('weft')} {arguments} > /dev/full"
    result = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (2, "weft: standard output: No space left on device\n")
