"""Prompts several tokens a launch: the same bits as token by token, on the functional device and on RTL."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from checkpoint_cases import RECORDED, SHIPPED, enough_accumulators, on_fabrics
from compared_decoder import WIDE, compared_on_rtl, real_and_native
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.models.llama.decoder_program import CompiledDecoder
from weft.hw.presets import PRESETS
from weft.sim.decoder import DecoderSession
from weft.sim.functional.device import FunctionalDevice
from weft.sim.generate import ComparedDecoder, Generation, generate

DEMO = PRESETS["demo"]
ROOMY = DEMO.replace(rows=14)
FABRICS = {
    "8 lanes": ROOMY,
    "16 lanes": ROOMY.replace(lanes=16, channel_bits=256),
    "4 lanes": ROOMY.replace(lanes=4, channel_bits=64, pmu_lines=1024),
    "few accumulators": ROOMY.replace(acc_depth=16),  # gate and up take three passes
    "fewer": ROOMY.replace(rows=16, acc_depth=8),  # two rows, and queries, keys and values in two passes
}
ON_RTL = {"demo": DEMO, "wide": WIDE}
RTL_CHECKPOINTS = [SHIPPED, *(each for each in RECORDED if each.name in ("one-kv-head", "three-heads"))]
PROMPT = [3, 1, 4, 1, 5, 9, 2, 6, 5]


def _cache(compiled: CompiledDecoder, session: DecoderSession, name: str) -> list[bytes]:
    region = compiled.regions[name]
    bases = (region.base + layer * region.turn_stride for layer in range(session.checkpoint.config.layers))
    return [session.device.memory[base : base + region.size].tobytes() for base in bases]


@pytest.mark.parametrize(("folder", "fabric"), on_fabrics([SHIPPED, *RECORDED], *FABRICS))
def test_caches_and_logits_are_those_of_token_by_token(folder: Path, fabric: str) -> None:
    checkpoint = read_checkpoint(folder)
    spec = enough_accumulators(FABRICS[fabric], checkpoint.config, rows=2)
    compiled = compile_decoder(checkpoint.config, spec, prefill=True)
    assert compiled.prefill is not None, compiled.no_prefill
    rows = compiled.prefill.rows
    assert rows > 1
    several, single = (
        DecoderSession(compiled, checkpoint, spec, FunctionalDevice(spec, memory_bytes=compiled.memory_bytes))
        for _ in range(2)
    )
    whole = (len(PROMPT) - 1) // rows * rows
    for begin in range(0, whole, rows):
        several.prefill(PROMPT[begin : begin + rows])
    for token in PROMPT[:whole]:
        single.step(token)
    for name in ("keys", "values"):
        assert any(map(any, _cache(compiled, single, name)))
        assert _cache(compiled, several, name) == _cache(compiled, single, name)
    for token in PROMPT[whole:]:
        np.testing.assert_array_equal(several.step(token).view(np.uint32), single.step(token).view(np.uint32))


@pytest.mark.parametrize("folder", RTL_CHECKPOINTS, ids=lambda path: path.name)
@pytest.mark.parametrize(("fabric", "arith"), real_and_native("wide"))
def test_rtl_equals_functional_bit_for_bit(fabric: str, arith: str, folder: Path) -> None:
    spec, checkpoint = ON_RTL[fabric], read_checkpoint(folder)
    compiled = compile_decoder(checkpoint.config, spec, prefill=True)
    for seed in (1, 2):
        with compared_on_rtl(compiled, checkpoint, spec, seed=seed, arith=arith) as decoder:
            taken = decoder.prefill(PROMPT)
            for token in PROMPT[taken:]:
                decoder.step(token)
        assert taken == 8
        assert decoder.result.prefill_cycles > 0


def test_a_prompt_goes_on_as_it_does_token_by_token() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    compiled = compile_decoder(checkpoint.config, DEMO, prefill=True)
    prompt, texts = list(b"And it ca"), []
    for several in (True, False):
        result = Generation()
        decoder = ComparedDecoder(compiled, checkpoint, DEMO, result)
        texts.append(list(generate(decoder.step, prompt, 6, result, prefill=decoder.prefill if several else None)))
        assert result.prefilled == (8 if several else 0)
        assert result.offchip["activations"] == 0
    assert texts[0] == texts[1]


@pytest.mark.parametrize("length", [1, 2, 4, 5])
def test_short_prompts(length: int) -> None:
    """The last token is never taken: its launch gives the first logits."""
    checkpoint = read_checkpoint(SHIPPED)
    compiled = compile_decoder(checkpoint.config, DEMO, prefill=True)
    result = Generation()
    decoder = ComparedDecoder(compiled, checkpoint, DEMO, result)
    assert len(list(generate(decoder.step, PROMPT[:length], 1, result, prefill=decoder.prefill))) == 1
    assert result.prefilled == (length - 1) // 4 * 4


def test_where_there_is_no_program_for_prompts() -> None:
    checkpoint = read_checkpoint(SHIPPED)
    compiled = compile_decoder(checkpoint.config, DEMO.replace(contexts=1), prefill=True)
    assert compiled.prefill is None
    assert compiled.no_prefill == "contexts must be at least 2 for a program of several rows, not 1"
    decoder = ComparedDecoder(compiled, checkpoint, DEMO.replace(contexts=1), Generation())
    assert decoder.prefill(PROMPT) == 0
    device = FunctionalDevice(DEMO.replace(contexts=1), memory_bytes=compiled.memory_bytes)
    session = DecoderSession(compiled, checkpoint, DEMO.replace(contexts=1), device)
    with pytest.raises(ValueError, match="prefill takes the rows of its program, not 4 tokens"):
        session.prefill(PROMPT[:4])


@pytest.mark.parametrize("change", [{"stages": 3}, {"lanes": 4, "channel_bits": 64, "pmu_lines": 1024}])
def test_rows_are_as_many_as_stages_and_lanes(change: dict[str, int]) -> None:
    spec = ROOMY.replace(**change)
    prefill = compile_decoder(read_checkpoint(SHIPPED).config, spec, prefill=True).prefill
    assert prefill is not None
    assert prefill.rows == min(spec.stages, spec.lanes)
