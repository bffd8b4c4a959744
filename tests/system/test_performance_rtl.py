"""The performance model against RTL: cycles and beats of launches on `demo`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.compile import compile_module
from weft.compiler.mapped import parse_module
from weft.compiler.timing import Memory, predict
from weft.hw.presets import PRESETS
from weft.sim.decoder import DecoderSession
from weft.sim.rtl.device import RtlDevice

ROOT = Path(__file__).parents[2]
MAPPED = ROOT / "tests" / "data" / "mapped"
DEMO = PRESETS["demo"]
_ALLOWED = 0.02
"""What the model may be wrong by for a small program, and ``_OF_TOKEN`` for a token; the requirement is 0.08."""
_OF_TOKEN = 0.005


@pytest.mark.parametrize("latency", [32, 300])
def test_a_token_of_the_shipped_model(latency: int) -> None:
    checkpoint = read_checkpoint(ROOT / "models" / "weft-tiny")
    compiled = compile_decoder(checkpoint.config, DEMO)
    with RtlDevice(DEMO, memory_bytes=compiled.memory_bytes, latency=latency, record=False, count=False) as chip:
        session = DecoderSession(compiled, checkpoint, DEMO, chip)
        for position in (3, 200):
            session.position = position
            session.step(1)
            prediction = predict(compiled.program.mapping, compiled.arguments(position), memory=Memory(latency))
            launch = session.launch
            assert prediction.cycles == pytest.approx(launch.cycles, rel=_OF_TOKEN)
            assert prediction.channel * prediction.cycles == pytest.approx(sum(map(sum, launch.channel_beats)))


def test_step_programs() -> None:
    """Reads and writes that share the channel, sums, runs for tokens, turns."""
    with RtlDevice(DEMO, memory_bytes=1 << 20, record=False, count=False) as chip:
        for name in ("elementwise", "matmul", "prefix_sum", "top1", "transpose", "turns"):
            program = compile_module(parse_module((MAPPED / f"{name}.mlir").read_text()), DEMO)
            chip.memory[:] = np.zeros(1, np.uint8)
            chip.load(program.image)
            measured = chip.launch(program.context, {}).cycles
            assert predict(program.mapping, {}).cycles == pytest.approx(measured, rel=_ALLOWED), name
