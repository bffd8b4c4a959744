"""The tokens that end a text, as transformers finds them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from weft.compiler.checkpoints.json_fields import JsonFields, read_json_object

__all__ = ["GENERATION", "read_end_tokens"]

GENERATION = "generation_config.json"
_FIELD = "eos_token_id"


def read_end_tokens(folder: Path) -> frozenset[int]:
    """Those that `generation_config.json` of a checkpoint names, or `config.json` where there is no such file.

    Raises
    ------
    WeftError
        A file cannot be read, or what it names is no token or list of tokens.
    """
    own = folder / GENERATION
    return _tokens(read_json_object(own if own.exists() else folder / "config.json"))


def _tokens(fields: JsonFields) -> frozenset[int]:
    if not fields.has(_FIELD):
        return frozenset()
    given = fields.fields[_FIELD]
    tokens = cast(list[object], given) if isinstance(given, list) else [given]
    found = [token for token in tokens if isinstance(token, int) and not isinstance(token, bool)]
    fields.require(_FIELD, given, "a token id or a list of them", len(found) == len(tokens))
    return frozenset(found)
