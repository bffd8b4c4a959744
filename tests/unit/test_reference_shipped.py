"""The shipped model, run by the reference, knows its text."""

import random
import re
from pathlib import Path

import numpy as np
import pytest

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.checkpoints.tokenizer import ByteTokenizer, read_tokenizer
from weft.sim.reference import Reference

SHIPPED = Path(__file__).parents[2] / "models" / "weft-tiny"
VERSE = b"And the LORD spake unto Moses, saying, Speak unto the children of Israel, and say unto them"


@pytest.fixture(scope="module")
def checkpoint() -> LlamaCheckpoint:
    return read_checkpoint(SHIPPED)


def loss(checkpoint: LlamaCheckpoint, text: bytes) -> float:
    """Mean cross entropy of the next byte, in nats."""
    logits = Reference(checkpoint, np.float64).run(list(text[:-1]))
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_shares = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return float(-np.mean(log_shares[np.arange(len(text) - 1), list(text[1:])]))


def test_expects_its_text_and_no_noise(checkpoint: LlamaCheckpoint) -> None:
    noise = bytes(random.Random(1).sample(VERSE, len(VERSE)))
    assert loss(checkpoint, VERSE) < 0.6
    assert loss(checkpoint, noise) > 4.0


def test_greedy_text_is_english_words(checkpoint: LlamaCheckpoint) -> None:
    tokenizer = read_tokenizer(SHIPPED, checkpoint.config.vocab_size)
    assert isinstance(tokenizer, ByteTokenizer)
    reference, ids = Reference(checkpoint), tokenizer.encode("And God ")
    logits = reference.run(ids)[-1]
    for _ in range(64):
        ids.append(int(np.argmax(logits)))
        logits = reference.step(ids[-1])
    words = re.findall(r"[A-Za-z]+", tokenizer.decode(ids))[:-1]
    assert {"LORD", "said", "unto"} <= set(words)
    assert len(set(words)) >= 10
