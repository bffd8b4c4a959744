"""Several sequences a launch: each gets the bits that it gets alone, on the functional device and on RTL."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from checkpoint_cases import RECORDED, SHIPPED, on_fabrics
from command_line import refused, weft
from compared_decoder import WIDE, compared_on_rtl, real_and_native
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.errors import WeftError
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.decoder import DecoderSession
from weft.sim.functional.device import FunctionalDevice
from weft.sim.generate import ComparedDecoder, Generation, generate, generate_batch

DEMO = PRESETS["demo"]
FABRICS = {
    "demo": DEMO,
    "16 lanes": WIDE,
    "few accumulators": DEMO.replace(acc_depth=16, rows=12),  # gate, up and the head take several passes
}


def _alone(folder: Path, spec: FabricSpec, tokens: list[int]) -> list[np.ndarray]:
    checkpoint = read_checkpoint(folder)
    compiled = compile_decoder(checkpoint.config, spec)
    device = FunctionalDevice(spec, memory_bytes=compiled.memory_bytes)
    session = DecoderSession(compiled, checkpoint, spec, device)
    return [session.step(token) for token in tokens]


@pytest.mark.parametrize(
    ("folder", "fabric"),
    on_fabrics([SHIPPED, *(p for p in RECORDED if p.name in ("three-heads", "wide-heads"))], *FABRICS),
)
def test_each_sequence_is_as_it_is_alone(folder: Path, fabric: str) -> None:
    spec, checkpoint = FABRICS[fabric], read_checkpoint(folder)
    count = min(spec.stages, 3)
    compiled = compile_decoder(checkpoint.config, spec, sequences=count)
    device = FunctionalDevice(spec, memory_bytes=compiled.memory_bytes)
    session = DecoderSession(compiled, checkpoint, spec, device)
    tokens = np.random.default_rng(3).integers(0, checkpoint.config.vocab_size, (4, count))
    together = [session.step(*row) for row in tokens.tolist()]
    for number in range(count):
        for ours, alone in zip(together, _alone(folder, spec, tokens[:, number].tolist()), strict=True):
            np.testing.assert_array_equal(ours[number].view(np.uint32), alone.view(np.uint32))


@pytest.mark.parametrize(("fabric", "arith"), real_and_native("16 lanes"))
def test_rtl_equals_functional_bit_for_bit(fabric: str, arith: str) -> None:
    spec, checkpoint = FABRICS[fabric], read_checkpoint(SHIPPED)
    count = min(spec.stages, 4)
    compiled = compile_decoder(checkpoint.config, spec, sequences=count)
    for seed in (1, 2):
        with compared_on_rtl(compiled, checkpoint, spec, seed=seed, arith=arith) as decoder:
            for token in (7, 90):
                decoder.step(*range(token, token + count))


def test_prompts_of_different_lengths() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    prompts = [list(text) for text in (b"And ", b"In", b"The LOR")]
    compiled = compile_decoder(checkpoint.config, DEMO, sequences=len(prompts))
    result = Generation()
    together = generate_batch(ComparedDecoder(compiled, checkpoint, DEMO, result).step, prompts, 3, result)
    assert result.offchip["activations"] == 0
    single = compile_decoder(checkpoint.config, DEMO)
    for prompt, tokens in zip(prompts, together, strict=True):
        alone = Generation()
        assert list(generate(ComparedDecoder(single, checkpoint, DEMO, alone).step, prompt, 3, alone)) == tokens


def test_what_cannot_be_is_refused() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    with pytest.raises(WeftError, match="sequences must be 1 to 4, stages and lanes of fabric 'demo', not 5"):
        compile_decoder(checkpoint.config, DEMO, sequences=5)
    compiled = compile_decoder(checkpoint.config, DEMO, sequences=2)
    device = FunctionalDevice(DEMO, memory_bytes=compiled.memory_bytes)
    with pytest.raises(ValueError, match="a step takes 2 tokens, one of each sequence, not 1"):
        DecoderSession(compiled, checkpoint, DEMO, device).step(3)


def test_the_command_gives_what_generate_gives() -> None:
    prompts = ["And God ", "In"]
    options = [part for prompt in prompts for part in ("--prompt", prompt)]
    result = weft("batch", SHIPPED, *options, "--tokens", 5, "--json")
    assert result.exit_code == 0, result.output
    value = json.loads(result.stdout)
    assert value["launches_per_token"] == 1 / 2
    for prompt, text in zip(prompts, value["text"], strict=True):
        alone = weft("generate", SHIPPED, "--prompt", prompt, "--tokens", 5, "--json")
        assert json.loads(alone.stdout)["text"] == text
    options += ["--device", "rtl", "--stalls", "1", "--arith", "rtl"]  # the simulator that other tests have
    on_rtl = json.loads(weft("batch", SHIPPED, *options, "--tokens", 2, "--json").stdout)
    assert on_rtl["text"] == [text[:2] for text in value["text"]]
    assert (on_rtl["mismatches"], on_rtl["arith"], value["arith"]) == (0, "rtl", None)
    assert on_rtl["compared"] > 2 * 256


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--prompt", "a"], "--prompt or --prompt-ids must be given at least twice, not 1 times"),
        (["--prompt", "a"] * 5, "sequences must be 1 to 4, stages and lanes of fabric 'demo', not 5"),
        (["--prompt", "a", "--prompt-ids", "1,x"], "--prompt-ids must be whole numbers"),
        (["--prompt", "a", "--prompt", "b", "--stalls", "3"], "--stalls must be given with --device rtl"),
        (["--prompt", "a", "--prompt", "b", "--device", "reference"], "--device must be one of functional, rtl"),
        (["--prompt", "a", "--prompt", "b", "--tokens", "300"], "300"),
    ],
)
def test_mistakes_are_one_sentence(options: list[str], sentence: str) -> None:
    refused(weft("batch", SHIPPED, *options), sentence)
