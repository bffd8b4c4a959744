"""Text to token ids and back. One kind exists: a token is a byte of the text's UTF-8."""

import codecs
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from weft.compiler.checkpoints.json_fields import read_json_object
from weft.compiler.errors import WeftError
from weft.hw.shown import shown

FILE = "weft_tokenizer.json"
_OTHERS = ("tokenizer*", "vocab*", "merges*", "spiece*", "sentencepiece*", "tekken*", "added_tokens*")
_OTHERS += ("special_tokens*", "*.model", "*.spm", "*.tiktoken", "*.bpe")
_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


class ByteText:
    """A text that grows token by token: a character of several bytes comes whole, with the last of them."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def add(self, ids: Iterable[int]) -> str:
        """What is whole now of the text; U+FFFD for bytes that are no UTF-8 and for tokens that are no bytes."""
        parts = (self._decoder.decode(bytes([token])) if 0 <= token < 256 else self.end() + _UNKNOWN for token in ids)
        return "".join(parts)

    def end(self) -> str:
        """What is left, none of it whole."""
        return self._decoder.decode(b"", final=True)


@dataclass(frozen=True)
class ByteTokenizer:
    """Ids 0 to 255 are bytes; those above, which a larger vocabulary may have, are no text."""

    def encode(self, text: str) -> list[int]:
        """The bytes of a text.

        Raises:
            WeftError: the text is no Unicode, such as an argument of the command line with bytes that are no UTF-8.
        """
        try:
            return list(text.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise WeftError(f"the prompt must be valid UTF-8, and is not from character {error.start + 1} on") from None

    def text(self) -> ByteText:
        """An empty text to add tokens to."""
        return ByteText()

    def decode(self, ids: Iterable[int]) -> str:
        """The text; bytes that are no UTF-8 and ids that are no bytes become U+FFFD."""
        text = ByteText()
        return text.add(ids) + text.end()


def read_tokenizer(folder: Path | str, vocab_size: int) -> ByteTokenizer | None:
    """The tokenizer of a checkpoint folder, or None where there is none and only token ids can be given.

    `weft_tokenizer.json` with `{"type": "byte"}` asks for bytes; a vocabulary of 256 is taken for bytes even
    without it, unless the folder has a tokenizer of another kind.

    Raises:
        WeftError: the file is no JSON object or names another type.
        WeftError: the vocabulary has no room for 256 bytes.
    """
    file = Path(folder) / FILE
    if not file.exists():
        return ByteTokenizer() if vocab_size == 256 and not other_tokenizers(Path(folder)) else None
    fields = read_json_object(file)
    kind = fields.fields.get("type")
    fields.require("type", kind, "'byte'", kind == "byte")
    if vocab_size < 256:
        raise WeftError(f"{file}: a byte vocabulary needs a vocab_size of at least 256, not {vocab_size}")
    return ByteTokenizer()


def other_tokenizers(folder: Path) -> list[str]:
    """Names of the files that say that the folder has a tokenizer of a kind that Weft does not read."""
    return sorted({file.name for pattern in _OTHERS for file in folder.glob(pattern)})


def check_ids(ids: Sequence[int], vocab_size: int, context: int, new_tokens: int = 0) -> None:
    """Checks a prompt against a model.

    Raises:
        WeftError: the prompt is empty, or an id is not in the vocabulary.
        WeftError: prompt and new tokens exceed the context.
    """
    if not ids:
        raise WeftError("the prompt must have at least one token, and has none")
    for token in ids:
        if not 0 <= token < vocab_size:
            raise WeftError(f"a token id must be 0 to {vocab_size - 1}, not {shown(token)}")
    if len(ids) + new_tokens > context:
        raise WeftError(
            f"prompt and new tokens must fit the context of {context} tokens, not {len(ids)} + {shown(new_tokens)}"
        )
