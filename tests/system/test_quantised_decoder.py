"""Decoders with smaller weights: reference, functional device and RTL agree as they do with bf16, and RTL is faster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from checkpoint_cases import RECORDED, SHIPPED, enough_accumulators, on_fabrics
from compared_decoder import compared_on_rtl
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.checkpoints.quantised_checkpoint import quantised_files
from weft.compiler.weights.quantised import Quantisation
from weft.hw.presets import PRESETS
from weft.sim.decoder import DecoderSession
from weft.sim.functional.device import FunctionalDevice
from weft.sim.generate import ComparedDecoder, Generation, generate
from weft.sim.reference import Reference
from weft.sim.rtl.device import RtlDevice

ONE_HEAD = next(each for each in RECORDED if each.name == "one-head")
FORMS = list(Quantisation)
DEMO = PRESETS["demo"]
ROOMY = DEMO.replace(rows=11)
FABRICS = {
    "8 lanes": ROOMY,
    "16 lanes": ROOMY.replace(lanes=16, channel_bits=256),
    "few accumulators": ROOMY.replace(rows=14, acc_depth=2),  # gate, up and the head are cut into tiles of columns
}


def quantised(source: Path, form: Quantisation, folder: Path) -> LlamaCheckpoint:
    for name, content in quantised_files(source, form).items():
        (folder / name).write_bytes(content)
    return read_checkpoint(folder)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a.astype(np.float64) @ b / np.linalg.norm(a) / np.linalg.norm(b))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("folder", "name"), on_fabrics(RECORDED, *FABRICS))
def test_functional_follows_the_reference(folder: Path, name: str, form: Quantisation, tmp_path: Path) -> None:
    checkpoint = quantised(folder, form, tmp_path)
    fabric = enough_accumulators(FABRICS[name], checkpoint.config)
    decoder = ComparedDecoder(compile_decoder(checkpoint.config, fabric), checkpoint, fabric, Generation())
    reference = Reference(checkpoint)
    for token in (3, 1, 4):
        assert cosine(decoder.step(token), reference.step(token)) > 0.999


@pytest.mark.parametrize("form", FORMS)
def test_the_shipped_model_says_the_same_as_the_reference(form: Quantisation, tmp_path: Path) -> None:
    checkpoint = quantised(SHIPPED, form, tmp_path)
    result, expected = Generation(), Generation()
    decoder = ComparedDecoder(compile_decoder(checkpoint.config, DEMO), checkpoint, DEMO, result)
    ours = list(generate(decoder.step, list(b"And God "), 16, result))
    assert ours == list(generate(Reference(checkpoint).step, list(b"And God "), 16, expected))
    assert result.offchip["activations"] == 0


@pytest.mark.parametrize("form", FORMS)
def test_rtl_equals_functional_bit_for_bit(form: Quantisation, tmp_path: Path) -> None:
    checkpoint = quantised(SHIPPED, form, tmp_path)
    compiled = compile_decoder(checkpoint.config, DEMO)
    for seed in (1, 2):
        with compared_on_rtl(compiled, checkpoint, DEMO, seed=seed) as decoder:
            for token in (7, 9):
                decoder.step(token)


def test_smaller_weights_take_fewer_cycles(tmp_path: Path) -> None:
    cycles = {}
    for form in (None, *FORMS):
        folder = tmp_path / str(form)
        folder.mkdir()
        checkpoint = read_checkpoint(SHIPPED) if form is None else quantised(SHIPPED, form, folder)
        compiled = compile_decoder(checkpoint.config, DEMO)
        result = Generation()
        with RtlDevice(DEMO, memory_bytes=compiled.memory_bytes, count=False) as chip:
            decoder = ComparedDecoder(compiled, checkpoint, DEMO, result, chip)
            for token in (7, 9):
                decoder.step(token)
        assert result.comparison.mismatches == 0, result.comparison.first
        cycles[form] = result.cycles_by_token[-1]
    assert cycles[None] / cycles[Quantisation.INT8] > 1.65
    assert cycles[None] / cycles[Quantisation.MXFP4] > 2.9


@pytest.mark.parametrize("form", FORMS)
def test_prompts_and_sequences_are_as_they_are_token_by_token(form: Quantisation, tmp_path: Path) -> None:
    """Each row is a product of its own, so both take a larger fabric."""
    checkpoint, spec = quantised(ONE_HEAD, form, tmp_path), DEMO.replace(rows=16, columns=10)
    compiled = compile_decoder(checkpoint.config, spec, prefill=True)
    assert compiled.prefill is not None, compiled.no_prefill
    several, single = (
        DecoderSession(compiled, checkpoint, spec, FunctionalDevice(spec, memory_bytes=compiled.memory_bytes))
        for _ in range(2)
    )
    prompt = [3, 1, 4, 1, 5][: compiled.prefill.rows + 1]
    several.prefill(prompt[:-1])
    expected = [single.step(token) for token in prompt]
    np.testing.assert_array_equal(several.step(prompt[-1]).view(np.uint32), expected[-1].view(np.uint32))
    batch = compile_decoder(checkpoint.config, spec, sequences=2)
    device = FunctionalDevice(spec, memory_bytes=batch.memory_bytes)
    session = DecoderSession(batch, checkpoint, spec, device)
    for position, token in enumerate(prompt[:2]):
        rows = session.step(token, token)
        for row in rows:
            np.testing.assert_array_equal(row.view(np.uint32), expected[position].view(np.uint32))
