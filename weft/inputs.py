"""What a run is given as text: a prompt, or a program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from weft.compiler.checkpoints.tokenizer import ByteTokenizer

__all__ = ["load_text", "prompt_tokens"]


def prompt_tokens(
    prompt: str | None, prompt_ids: str | None, tokenizer: ByteTokenizer | None, checkpoint: Path
) -> list[int]:
    """The tokens of ``--prompt`` or ``--prompt-ids`` for a model in that folder.

    Raises
    ------
    WeftError
        Both or none of them; ids that are no numbers; a text without a tokenizer.
    """
    from weft.compiler.errors import WeftError
    from weft.hw.shown import shown

    if (prompt is None) == (prompt_ids is None):
        raise WeftError("exactly one of --prompt and --prompt-ids must be given")
    if prompt_ids is not None:
        try:
            return [int(token) for token in prompt_ids.split(",")]
        except ValueError:
            raise WeftError(
                f"--prompt-ids must be whole numbers with commas between them, not {shown(prompt_ids)}"
            ) from None
    if tokenizer is None:
        from weft.compiler.checkpoints.tokenizer import FILE, other_tokenizers

        files = ", ".join(other_tokenizers(checkpoint))
        found = f"it has {files} and no {FILE}" if files else "it has none"
        raise WeftError(f"--prompt needs a tokenizer that Weft reads in {checkpoint}, and {found}: use --prompt-ids")
    return list(tokenizer.encode(prompt or ""))


def load_text(path: Path) -> str:
    """The text of a program, without a byte order mark.

    Raises
    ------
    WeftError
        It is no UTF-8.
    """
    from weft.compiler.errors import WeftError

    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise WeftError(f"{path} must be UTF-8 text, and is not at byte {error.start}") from None
