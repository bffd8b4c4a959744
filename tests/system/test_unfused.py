"""A decoder operator by operator: the same logits as fused, to the last bit, on every device."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from checkpoint_cases import RECORDED, SHIPPED, on_fabrics
from command_line import refused, weft
from compared_decoder import NARROW, WIDE, real_and_native
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.errors import WeftError
from weft.compiler.models.llama.unfused_program import compile_unfused
from weft.hw.presets import PRESETS
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice

DEMO = PRESETS["demo"]
ROOMY = DEMO.replace(rows=11)  # biases take an AGCU each in the fused decoder
FABRICS = {"8 lanes": ROOMY, "16 lanes": ROOMY.replace(lanes=16, channel_bits=256)}
THREE_HEADS = next(each for each in RECORDED if each.name == "three-heads")
OPERATORS = 14
"""Launches a layer: two norms, five products, rotary, three of attention, activation, two additions."""


@pytest.mark.parametrize(("folder", "name"), on_fabrics([SHIPPED, *RECORDED], "8 lanes", "16 lanes"))
def test_logits_are_those_of_the_fused_decoder(folder: Path, name: str) -> None:
    checkpoint, fabric = read_checkpoint(folder), FABRICS[name]
    compiled = compile_decoder(checkpoint.config, fabric), compile_unfused(checkpoint.config, fabric)
    results = Generation(), Generation()
    fused, unfused = (
        ComparedDecoder(each, checkpoint, fabric, result) for each, result in zip(compiled, results, strict=True)
    )
    for token in (3, 1, 4):
        expected, actual = fused.step(token), unfused.step(token)
        np.testing.assert_array_equal(actual.view(np.uint32), expected.view(np.uint32))
    ours, theirs = results[1].offchip, results[0].offchip
    assert (ours["weights"], ours["kv"]) == (theirs["weights"], theirs["kv"])
    assert ours["activations"] > theirs["activations"] == 0
    assert (results[0].launches, results[1].launches) == (3, 3 * (OPERATORS * checkpoint.config.layers + 2))


@pytest.mark.parametrize(("name", "arith"), real_and_native("wide", rarely="narrow"))
def test_rtl_equals_functional_bit_for_bit(name: str, arith: str) -> None:
    fabric, folder = {"demo": (DEMO, SHIPPED), "narrow": (NARROW, THREE_HEADS), "wide": (WIDE, THREE_HEADS)}[name]
    checkpoint = read_checkpoint(folder)
    compiled = compile_unfused(checkpoint.config, fabric)
    result = Generation()
    with RtlDevice(fabric, memory_bytes=compiled.memory_bytes, stalls=3, count=False, arith=arith) as chip:
        decoder = ComparedDecoder(compiled, checkpoint, fabric, result, chip)
        for token in (7, 9):
            decoder.step(token)
    launches = 2 * (OPERATORS * checkpoint.config.layers + 2)
    assert result.launches == launches
    assert result.comparison.compared > 1000
    assert result.comparison.mismatches == 0, result.comparison.first
    assert result.load_cycles > launches * 1000, "with two contexts every launch needs its image loaded"
    assert result.host_cycles > launches * 10


def test_one_image_an_operator_serves_all_layers() -> None:
    config = read_checkpoint(SHIPPED).config
    compiled = compile_unfused(config, DEMO)
    launches = list(compiled.launches(5))
    assert len({program.image for _, program, _ in launches}) == len(compiled.programs) == OPERATORS + 2
    contexts = [program.context for _, program, _ in launches]
    assert contexts == [number % 2 for number in range(len(launches))]
    (argument,) = compiled.layer["qkv"].arguments({"layer": 1, "position": 0})
    places = [arguments[argument] for name, _, arguments in launches if name.endswith(" qkv")]
    beats = compiled.regions["qkv"].strides[0] // DEMO.beat_bytes  # what such an argument counts
    assert places == [layer * beats for layer in range(config.layers)]
    assert len(set(places)) == config.layers


def test_a_fabric_with_too_few_arguments_is_refused() -> None:
    with pytest.raises(WeftError, match=r"at most arguments = 1 sizes .*set arguments=3"):
        compile_unfused(read_checkpoint(SHIPPED).config, DEMO.replace(arguments=1))


def test_generate_tells_launches_and_bytes() -> None:
    values = []
    for more in ((), ("--unfused",)):
        result = weft("generate", SHIPPED, "--prompt", "And ", "--tokens", 3, "--json", *more)
        assert result.exit_code == 0
        values.append(json.loads(result.stdout))
    fused, unfused = values
    assert unfused["tokens"] == fused["tokens"]
    assert (fused["launches_per_token"], unfused["launches_per_token"]) == (1, 4 * OPERATORS + 2)
    per_token = unfused["offchip_bytes_per_token"]
    assert per_token["weights"] == fused["offchip_bytes_per_token"]["weights"]
    assert per_token["activations"] > 0


def test_the_reference_has_no_launches() -> None:
    result = weft("generate", SHIPPED, "--prompt", "a", "--device", "reference", "--unfused")
    refused(result, "--unfused must not be given with --device reference")
