"""The next token from logits, and when a text ends."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["LogitsError", "check_logits", "choose", "until_end"]

Floats = NDArray[np.floating]


class LogitsError(RuntimeError):
    """Logits from which no token can be chosen."""


def check_logits(logits: Floats, position: int, whose: str = "") -> None:
    """Check the logits that follow the token at a position, from 0; ``whose`` says of which model, if of several.

    Raises
    ------
    LogitsError
        One of them is NaN or infinite.
    """
    bad = int(np.count_nonzero(~np.isfinite(logits)))
    if bad:
        of = f" of {whose}" if whose else ""
        raise LogitsError(
            f"the logits{of} at position {position} must be finite, but {bad} of {logits.size} are NaN or infinite: no "
            "token can be chosen"
        )


def choose(logits: Floats, temperature: float, random: np.random.Generator) -> int:
    """The next token: the likeliest, or with a temperature above 0 a sample."""
    if temperature <= 0:
        return int(logits.argmax())
    with np.errstate(over="ignore"):  # far below the likeliest at a low temperature: never taken
        scaled = (logits - logits.max()).astype(np.float64) / temperature
    weights = np.exp(scaled)
    return int(random.choice(len(weights), p=weights / weights.sum()))


def until_end(tokens: Sequence[int], ends: Collection[int]) -> list[int]:
    """Tokens up to the first that ends a text, with it."""
    end = next((place for place, token in enumerate(tokens) if token in ends), len(tokens))
    return list(tokens[: end + 1])
