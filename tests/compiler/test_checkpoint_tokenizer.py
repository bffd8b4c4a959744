"""Text to ids and back, and prompts that a model cannot take."""

import json
from pathlib import Path

import pytest

from weft.compiler.checkpoints.end_tokens import read_end_tokens
from weft.compiler.checkpoints.tokenizer import FILE, ByteTokenizer, check_ids, other_tokenizers, read_tokenizer
from weft.compiler.errors import WeftError


@pytest.mark.parametrize("text", ["", "And God said", "häßlich, 日本", "\n\0"])
def test_text_comes_back(text: str) -> None:
    ids = ByteTokenizer().encode(text)
    assert ids == list(text.encode())
    assert ByteTokenizer().decode(ids) == text


def test_broken_utf8_is_marked() -> None:
    assert ByteTokenizer().decode([65, 255, 66]) == "A\N{REPLACEMENT CHARACTER}B"


def test_ids_that_are_no_bytes_are_marked() -> None:
    assert ByteTokenizer().decode([65, 256, 195, 299, 169, 66]) == "A\ufffd\ufffd\ufffd\ufffdB"


@pytest.mark.parametrize("text", ["é", "日本", "a😀b", "häßlich"])
def test_a_character_comes_whole_with_its_last_byte(text: str) -> None:
    growing, parts = ByteTokenizer().text(), list[str]()
    for byte in text.encode():
        parts.append(growing.add([byte]))
        assert "".join(parts) == text[: len("".join(parts))], "nothing but whole characters"
    assert "".join(parts) == text
    assert growing.end() == ""


def test_what_is_not_whole_at_the_end_is_one_stand_in() -> None:
    growing = ByteTokenizer().text()
    assert growing.add("😀".encode()[:3]) == ""
    assert growing.end() == "\N{REPLACEMENT CHARACTER}"
    assert growing.add([65]) == "A", "the end of one text is no part of the next"


@pytest.mark.parametrize(("vocab_size", "expected"), [(256, ByteTokenizer()), (255, None), (300, None)])
def test_folder_without_a_tokenizer(tmp_path: Path, vocab_size: int, expected: ByteTokenizer | None) -> None:
    assert read_tokenizer(tmp_path, vocab_size) == expected


def test_folder_with_a_byte_tokenizer(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"type": "byte"}')
    assert read_tokenizer(tmp_path, 300) == ByteTokenizer()
    with pytest.raises(WeftError, match="needs a vocab_size of at least 256, not 255"):
        read_tokenizer(tmp_path, 255)


def test_unknown_tokenizer(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"type": "bpe"}')
    with pytest.raises(WeftError, match="'type' must be 'byte', not 'bpe'"):
        read_tokenizer(tmp_path, 256)


def test_prompt_that_just_fits() -> None:
    check_ids([0, 10], vocab_size=11, context=5, new_tokens=3)


@pytest.mark.parametrize(
    ("ids", "sentence"),
    [
        ([], "the prompt must have at least one token"),
        ([3, 11], "a token id must be 0 to 10, not 11"),
        ([-1], "a token id must be 0 to 10, not -1"),
        ([1, 2, 3], r"must fit the context of 5 tokens, not 3 \+ 3"),
    ],
)
def test_prompt_that_a_model_cannot_take(ids: list[int], sentence: str) -> None:
    with pytest.raises(WeftError, match=sentence):
        check_ids(ids, vocab_size=11, context=5, new_tokens=3)


OTHERS = ("tokenizer.json", "tokenizer_config.json", "tokenizer.model", "vocab.json", "vocab.txt", "merges.txt")
OTHERS += ("spiece.model", "tekken.json", "special_tokens_map.json", "qwen.tiktoken")


@pytest.mark.parametrize("other", OTHERS)
def test_a_vocabulary_of_256_with_another_tokenizer_is_no_bytes(tmp_path: Path, other: str) -> None:
    (tmp_path / other).write_text("{}")
    assert read_tokenizer(tmp_path, 256) is None
    assert other_tokenizers(tmp_path) == [other]
    (tmp_path / FILE).write_text('{"type": "byte"}')
    assert read_tokenizer(tmp_path, 256) == ByteTokenizer(), "said outright"


def test_no_other_tokenizer(tmp_path: Path) -> None:
    for name in (FILE, "config.json", "generation_config.json", "model.safetensors", "training.json"):
        (tmp_path / name).write_text("{}")
    assert other_tokenizers(tmp_path) == []


@pytest.mark.parametrize(
    ("config", "generation", "ends"),
    [
        ({}, None, set()),
        ({"eos_token_id": None}, None, set()),
        ({"eos_token_id": 2}, None, {2}),
        ({"eos_token_id": [2, 7]}, None, {2, 7}),
        ({"eos_token_id": 2}, {"eos_token_id": [3]}, {3}),
        ({"eos_token_id": 2}, {}, set()),
    ],
)
def test_the_tokens_that_end_a_text(
    tmp_path: Path, config: dict[str, object], generation: dict[str, object] | None, ends: set[int]
) -> None:
    """As in transformers, where `generation_config.json` stands in place of `config.json`."""
    (tmp_path / "config.json").write_text(json.dumps(config))
    if generation is not None:
        (tmp_path / "generation_config.json").write_text(json.dumps(generation))
    assert read_end_tokens(tmp_path) == ends


@pytest.mark.parametrize("value", ["2", [2, "7"], True, 2.0, {}])
def test_an_end_that_is_no_token_is_refused(tmp_path: Path, value: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"eos_token_id": value}))
    with pytest.raises(WeftError, match="'eos_token_id' must be a token id or a list of them, not"):
        read_end_tokens(tmp_path)
