"""Several tokens in one launch: the same tokens and logits as a launch each, on the functional device and on RTL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from checkpoint_cases import RECORDED, SHIPPED, telling
from compared_decoder import compared_on_rtl
from decoders import compile_decoder
from numpy.typing import NDArray

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.compile import compile_program
from weft.compiler.errors import WeftError
from weft.compiler.models.llama import TOKENS
from weft.compiler.models.llama.token import likeliest
from weft.compiler.step.builder import ProgramBuilder
from weft.compiler.step.tensor import Role
from weft.compiler.step.types import Element
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.choosing import LogitsError, choose
from weft.sim.compare import compare_launches
from weft.sim.decoder import DecoderSession
from weft.sim.functional.device import FunctionalDevice
from weft.sim.generate import ComparedDecoder, Generation, generate
from weft.sim.rtl.device import RtlDevice
from weft.sim.run import memory_needed, run_program

THREE_HEADS = next(each for each in RECORDED if each.name == "three-heads")
DEMO = PRESETS["demo"]
ROOMY = DEMO.replace(rows=14)
WIDE = ROOMY.replace(lanes=16, channel_bits=256)


@pytest.mark.parametrize("folder", telling([SHIPPED, *RECORDED]))
def test_tokens_and_logits_are_those_of_a_launch_each(folder: Path) -> None:
    _tokens_and_logits_are_those_of_a_launch_each(folder, ROOMY)


@pytest.mark.parametrize("spec", [DEMO, WIDE], ids=["few AGCUs", "16 lanes"])
def test_on_other_fabrics_they_are_those_of_a_launch_each(spec: FabricSpec) -> None:
    _tokens_and_logits_are_those_of_a_launch_each(SHIPPED, spec)


def _tokens_and_logits_are_those_of_a_launch_each(folder: Path, spec: FabricSpec) -> None:
    checkpoint, count = read_checkpoint(folder), 5
    sessions = []
    for tokens in (0, count):
        compiled = compile_decoder(checkpoint.config, spec, tokens=tokens)
        device = FunctionalDevice(spec, memory_bytes=compiled.memory_bytes)
        sessions.append(DecoderSession(compiled, checkpoint, spec, device))
    single, looped = sessions
    for token in (3, 1):
        np.testing.assert_array_equal(single.step(token).view(np.uint32), looped.step(token).view(np.uint32))
    token, expected, logits = 4, [], []
    for _ in range(count + 2):
        logits.append(single.step(token))
        token = int(logits[-1].argmax())
        expected.append(token)
    made, rows = looped.run(4, count)
    assert made == expected[:count]
    np.testing.assert_array_equal(rows.view(np.uint32), np.stack(logits[:count]).view(np.uint32))
    made, rows = looped.run(made[-1], 2)  # a launch of fewer, after one
    assert made == expected[count:]
    np.testing.assert_array_equal(rows.view(np.uint32), np.stack(logits[count:]).view(np.uint32))


def test_a_text_goes_on_as_it_does_launch_by_launch() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    prompt, texts = list(b"And it ca"), []
    for tokens in (0, 8):
        result = Generation()
        compiled = compile_decoder(checkpoint.config, DEMO, prefill=True, tokens=tokens)
        decoder = ComparedDecoder(compiled, checkpoint, DEMO, result)
        run = decoder.run if tokens else None
        texts.append(list(generate(decoder.step, prompt, 8, result, prefill=decoder.prefill, run=run)))
        assert result.tokens == texts[-1]
        assert result.looped == tokens
        assert result.offchip["activations"] == 0
        assert [int(row.argmax()) for row in result.logits[-8:]] == texts[-1]
    assert texts[0] == texts[1]


@pytest.mark.parametrize("folder", [SHIPPED, THREE_HEADS], ids=lambda path: path.name)
def test_rtl_equals_functional_bit_for_bit(folder: Path) -> None:
    checkpoint, cycles = read_checkpoint(folder), set()
    compiled = compile_decoder(checkpoint.config, DEMO, tokens=3)
    for seed in (1, 2):
        with compared_on_rtl(compiled, checkpoint, DEMO, seed=seed) as decoder:
            decoder.step(7)
            made, rows = decoder.run(9, 3)
        assert made == rows.argmax(axis=1).tolist()
        cycles.add(decoder.result.looped_cycles)
    assert len(cycles) == 2, "stalls must make a difference"


INF, NAN = np.inf, np.nan
LOGITS = {
    "the largest": [3.0, -1.0, 7.0, 2.0],
    "the first of equals": [3.0, 7.0, 7.0, 7.0],
    "all below zero": [-3.0, -2.0, -9.0, -2.5],
    "either zero": [-1.0, -0.0, 0.0, -4.0],
    "tiny": [-1e30, -1e30, -1e38, -1e30],
    "beyond fp32": [-INF, 2.0, INF, INF],
    "all beyond fp32": [-INF, -INF, -INF, -INF],
    "a NaN before larger ones": [1.0, NAN, 7.0, NAN],
    "a NaN behind infinity": [1.0, INF, -NAN, 7.0],
    "all NaN": [NAN, NAN, NAN, NAN],
}


def _rows(vocabulary: int) -> NDArray[np.float32]:
    """Logits [tokens, vocabulary]: each number six times or more; lists as they are, in random order, and one more."""
    rows = np.array(list(LOGITS.values()))
    rows = np.concatenate([rows, np.random.default_rng(1).permuted(np.repeat(rows, 3, axis=0), axis=1)])
    rows = rows.repeat(max(6, -(-vocabulary // 4)), axis=1)[:, :vocabulary]
    last = np.full((1, vocabulary), -5)
    last[0, -1] = -4
    return np.concatenate([rows, last]).astype(np.float32)


@pytest.mark.parametrize(
    ("vocabulary", "spec", "rtl"),
    [(21, DEMO, True), (24, DEMO, False), (4096, DEMO, False), (5003, DEMO.replace(pmu_lines=1024), False)],
    ids=["filled up", "whole vectors", "a full buffer", "a larger buffer, filled up"],
)
def test_the_next_token_is_the_one_that_the_host_would_take(vocabulary: int, spec: FabricSpec, rtl: bool) -> None:
    rows = _rows(vocabulary)
    build = ProgramBuilder()
    build.dimension("count", len(rows))
    build.loop(1, round="round", rounds="count")
    build.tensor("logits", Element.F32, rows.shape, Role.INPUT)
    build.tensor(TOKENS, Element.I32, [len(rows), 1], Role.OUTPUT)
    token = likeliest(build, build.load("logits", [vocabulary], walk=[1], start=["round", 0]))
    build.store(build.reshape(token, [1]), TOKENS, walk=[1], start=["round", 0])

    program, inputs = compile_program(build.module, spec), {"logits": rows}
    arguments, memory = program.arguments({"count": len(rows)}), memory_needed(program)
    device = FunctionalDevice(spec, memory_bytes=memory)
    outputs, expected = run_program(program, spec, device, inputs, arguments=arguments)
    assert outputs[TOKENS][:, 0].tolist() == [choose(each, 0, np.random.default_rng()) for each in rows]
    if rtl:
        with RtlDevice(spec, memory_bytes=memory, stalls=1, count=False) as chip:
            theirs, launch = run_program(program, spec, chip, inputs, arguments=arguments)
        np.testing.assert_array_equal(theirs[TOKENS], outputs[TOKENS])
        compared = compare_launches(expected, launch)
        assert compared.compared > 400
        assert compared.mismatches == 0, compared.first


def test_a_model_with_a_nan_makes_the_tokens_that_it_makes_launch_by_launch() -> None:
    """One row of the tied embedding: its logit is NaN first, and as the token behind, all are. Said at the first."""
    checkpoint = read_checkpoint(SHIPPED)
    embedding = checkpoint.tensors["model.embed_tokens.weight"].copy()
    embedding[77, 3] = np.nan
    broken = LlamaCheckpoint(checkpoint.config, {**checkpoint.tensors, "model.embed_tokens.weight": embedding})
    made = []
    for tokens in (0, 4):
        compiled = compile_decoder(broken.config, DEMO, tokens=tokens)
        decoder, result = ComparedDecoder(compiled, broken, DEMO, Generation()), Generation()
        with pytest.raises(LogitsError, match="the logits at position 0 must be finite, but 1 of 256 are NaN"):
            list(generate(decoder.step, [65], 4, result, run=decoder.run if tokens else None))
        assert (result.tokens, len(result.logits)) == ([], 1)
        decoder = ComparedDecoder(compiled, broken, DEMO, Generation())
        if tokens:
            made.append(decoder.run(65, tokens)[0])
            continue
        alone = [65]
        for _ in range(4):
            alone.append(choose(decoder.step(alone[-1]), 0, np.random.default_rng()))
        made.append(alone[1:])
    assert made == [[77, 0, 0, 0]] * 2


@pytest.mark.parametrize("tokens", [-1, 257])
def test_more_tokens_than_positions_are_refused(tokens: int) -> None:
    with pytest.raises(WeftError, match=f"tokens must be 0 to the context = 256, not {tokens}"):
        compile_decoder(read_checkpoint(SHIPPED).config, DEMO, tokens=tokens)


def test_a_fabric_too_small_is_refused_with_what_would_fit() -> None:
    with pytest.raises(WeftError, match=r"needs \d+ AGCUs.*set rows=10"):
        compile_decoder(read_checkpoint(SHIPPED).config, DEMO.replace(rows=9, columns=10), tokens=4)
