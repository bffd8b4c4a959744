"""Decoders: the functional device against the reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.errors import WeftError
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.generate import ComparedDecoder, Generation, generate
from weft.sim.reference import Reference

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "weft-tiny"
DATA = ROOT / "tests" / "data" / "checkpoints"
RECORDED = sorted(path for path in DATA.iterdir() if path.is_dir())
DEMO = PRESETS["demo"]
ROOMY = DEMO.replace(rows=11)  # biases take an AGCU each
WIDE = ROOMY.replace(lanes=16, channel_bits=256)


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a.astype(np.float64) @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("fabric", [ROOMY, WIDE], ids=["8 lanes", "16 lanes"])
@pytest.mark.parametrize("folder", RECORDED, ids=lambda path: path.name)
def test_functional_follows_the_reference(folder: Path, fabric: FabricSpec) -> None:
    checkpoint = read_checkpoint(folder)
    decoder = ComparedDecoder(compile_decoder(checkpoint.config, fabric), checkpoint, fabric, Generation())
    reference = Reference(checkpoint)
    for token in (3, 1, 4, 1):
        assert _cosine(decoder.step(token), reference.step(token)) > 0.999


def test_shipped_model_says_the_same_as_the_reference() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    result, expected = Generation(), Generation()
    decoder = ComparedDecoder(compile_decoder(checkpoint.config, DEMO), checkpoint, DEMO, result)
    prompt = list(b"And God ")
    ours = list(generate(decoder.step, prompt, 24, result))
    assert ours == list(generate(Reference(checkpoint).step, prompt, 24, expected))
    assert min(_cosine(a, b) for a, b in zip(result.logits, expected.logits, strict=True)) > 0.999
    assert result.offchip["activations"] == 0
    assert result.offchip["weights"] > 0


def test_a_fabric_too_small_is_refused_with_what_would_fit() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    with pytest.raises(WeftError, match=r"needs \d+ PCUs.*set (rows|columns)="):
        compile_decoder(checkpoint.config, DEMO.replace(rows=4))
    with pytest.raises(WeftError, match="set acc_depth=4"):
        compile_decoder(checkpoint.config, DEMO.replace(acc_depth=2))
