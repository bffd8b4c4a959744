"""Text to ids and back, and prompts that a model cannot take."""

from pathlib import Path

import pytest

from weft.compiler.checkpoints.tokenizer import FILE, ByteTokenizer, check_ids, read_tokenizer
from weft.compiler.errors import WeftError


@pytest.mark.parametrize("text", ["", "And God said", "häßlich, 日本", "\n\0"])
def test_text_comes_back(text: str) -> None:
    ids = ByteTokenizer().encode(text)
    assert ids == list(text.encode())
    assert ByteTokenizer().decode(ids) == text


def test_broken_utf8_is_marked() -> None:
    assert ByteTokenizer().decode([65, 255, 66]) == "A\N{REPLACEMENT CHARACTER}B"


@pytest.mark.parametrize("token", [-1, 256])
def test_id_that_is_no_byte(token: int) -> None:
    with pytest.raises(WeftError, match=f"must be 0 to 255, not {token}"):
        ByteTokenizer().decode([token])


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
