"""A recorded decoder, on a device that stands for RTL: the functional one, with an activity."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.models.llama.decoder_program import CompiledDecoder
from weft.hw.presets import PRESETS
from weft.hw.topology import Topology
from weft.sim.decoder import DecoderSession
from weft.sim.device import Activity, Launch
from weft.sim.functional.device import FunctionalDevice
from weft.sim.recording import DecoderRecorder

DEMO = PRESETS["demo"]
PROMPT = list(b"And God ")


class Sampled(FunctionalDevice):
    """Says that each tile did nothing in each of ten windows."""

    def launch(self, context: int, arguments: dict[int, int]) -> Launch:
        tiles = {tile: np.zeros((10, 4), np.uint32) for tile in Topology(self.spec).tiles}
        launch = super().launch(context, arguments)
        return replace(launch, cycles=320, channel_beats=((1, 1),), activity=Activity(32, tiles))


@pytest.fixture(scope="module")
def model() -> tuple[LlamaCheckpoint, CompiledDecoder]:
    checkpoint = read_checkpoint(Path(__file__).resolve().parents[2] / "models" / "weft-tiny")
    return checkpoint, compile_decoder(checkpoint.config, DEMO)


def test_it_goes_on_where_the_prompt_ended(model: tuple[LlamaCheckpoint, CompiledDecoder]) -> None:
    checkpoint, compiled = model
    plain = DecoderSession(compiled, checkpoint, DEMO, FunctionalDevice(DEMO, memory_bytes=compiled.memory_bytes))
    tokens = list(PROMPT)
    for position in range(len(PROMPT) + 2):
        logits = plain.step(tokens[position])
        if position >= len(PROMPT) - 1:
            tokens.append(int(logits.argmax()))
    device = Sampled(DEMO, memory_bytes=compiled.memory_bytes)
    recorder = DecoderRecorder(compiled, checkpoint, DEMO, device, PROMPT)
    for position in (7, 8, 9):
        launch, compared = recorder.step()
        assert (launch.name, launch.program) == (f"token {position}", "decoder")
        assert launch.mapping == compiled.program.mapping
        assert (compared.compared, compared.mismatches) == (checkpoint.config.vocab_size, 0)
    assert recorder.token == tokens[-1]


def test_a_wrong_device_is_found(model: tuple[LlamaCheckpoint, CompiledDecoder]) -> None:
    checkpoint, compiled = model
    device = Sampled(DEMO, memory_bytes=compiled.memory_bytes)
    recorder = DecoderRecorder(compiled, checkpoint, DEMO, device, PROMPT[:2])
    device.memory[compiled.regions["lm_head"].base] ^= 0x40
    _, compared = recorder.step()
    assert compared.mismatches > 0
    assert compared.first == ("logits",)


def test_an_empty_prompt_is_refused(model: tuple[LlamaCheckpoint, CompiledDecoder]) -> None:
    checkpoint, compiled = model
    device = Sampled(DEMO, memory_bytes=compiled.memory_bytes)
    with pytest.raises(ValueError, match="the prompt must have at least one token"):
        DecoderRecorder(compiled, checkpoint, DEMO, device, [])
