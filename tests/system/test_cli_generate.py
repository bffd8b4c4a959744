"""`weft generate` on the devices without a clock, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from command_line import refused, weft

MODEL = str(Path(__file__).parents[2] / "models" / "weft-tiny")
KEYS = {
    "text", "tokens", "device", "cycles", "cycles_per_token", "compared", "mismatches", "offchip_bytes",
    "channel_utilisation", "wall_seconds", "simulated_khz",
}  # fmt: skip


def _weft(*arguments: str) -> tuple[int, str, str]:
    result = weft("generate", *arguments)
    return result.exit_code, result.stdout, result.stderr


def test_functional_and_reference_write_the_same_text(tmp_path: Path) -> None:
    values = []
    for device in ("functional", "reference"):
        file = tmp_path / f"{device}.npz"
        code, out, _ = _weft(
            MODEL, "--prompt", "And God ", "--tokens", "5", "--device", device, "--logits", str(file), "--json"
        )
        assert code == 0
        values.append(json.loads(out))
        with np.load(file) as archive:
            assert archive["ids"].tolist() == [*b"And God ", *values[-1]["tokens"][:-1]]
            assert archive["logits"].shape == (12, 256)
    assert values[0].keys() >= KEYS
    assert values[0]["text"] == values[1]["text"] == "said,"
    assert values[0]["arith"] is values[1]["arith"] is None
    assert values[0]["offchip_bytes"]["activations"] == 0


def test_one_launch_writes_the_same_text(tmp_path: Path) -> None:
    values = []
    for name, options in (("single", ()), ("one", ("--one-launch",))):
        file = tmp_path / f"{name}.npz"
        code, out, _ = _weft(MODEL, "--prompt", "And God ", "--tokens", "5", "--logits", str(file), "--json", *options)
        assert code == 0
        with np.load(file) as archive:
            values.append((json.loads(out)["text"], archive["ids"].tolist(), archive["logits"].tobytes()))
        assert json.loads(out)["one_launch_tokens"] == (5 if options else 0)
    assert values[0] == values[1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--prompt", "a", "--prompt-ids", "1"), "exactly one of --prompt and --prompt-ids"),
        ((), "exactly one of --prompt and --prompt-ids"),
        (("--prompt-ids", "1,x"), "--prompt-ids must be whole numbers"),
        (("--prompt-ids", "256"), "a token id must be 0 to 255"),
        (("--prompt", "a" * 250, "--tokens", "20"), "256"),
        (("--prompt", "a", "--device", "gpu"), "--device must be one of functional, rtl, reference, not 'gpu'"),
        (("--prompt", "a", "--arith", "host"), "--arith must be one of native, rtl, not 'host'"),
        (("--prompt", "a", "--set", "rows=4"), "set rows="),
        (("--prompt", "a", "--one-launch", "--temperature", "0.5"), "--temperature must be 0, not 0.5"),
        (("--prompt", "a", "--one-launch", "--device", "reference"), "functional or rtl, not 'reference'"),
        (("--prompt", "a", "--logits", __file__), "--logits must be a new file"),
    ],
)
def test_a_mistake_is_one_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    refused(weft("generate", MODEL, *arguments), sentence)
