"""Decode on the fabric, batch 1, in simulated RTL: cycles a token and how many of them move data on the channels.

The prompt passes the functional device; then some positions are measured on RTL, where the cache is as long as it was.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from random_checkpoint import write_random_checkpoint
from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.recording import DecoderRecorder
from weft.sim.rtl.device import RtlDevice

_figure = partial(result, command="python benchmarks/bench_decoder.py --out FILE")
_SHIPPED = Path(__file__).parents[1] / "models" / "weft-tiny"
DEMO = PRESETS["demo"]


def measure_decoder(folder: Path, spec: FabricSpec, *, prompt: int, tokens: int) -> tuple[float, float]:
    """Cycles a token, and beats moved over those that the channels could have moved.

    Raises
    ------
    ValueError
        The RTL computed something else than the functional device.
    """
    checkpoint = read_checkpoint(folder)
    compiled = compile_decoder(checkpoint.config, spec)
    ids = np.random.default_rng(1).integers(0, checkpoint.config.vocab_size, prompt).tolist()
    cycles = beats = 0
    with RtlDevice(
        spec, memory_bytes=compiled.memory_bytes, record=False, count=False, checks=False, activity=1024, arith="native"
    ) as chip:
        recorder = DecoderRecorder(compiled, checkpoint, spec, chip, ids)
        for _ in range(tokens):
            recorded, compared = recorder.step()
            if compared.mismatches:
                raise ValueError(f"the RTL must compute what the functional device does, not {compared}")
            cycles += recorded.launch.cycles
            beats += sum(map(sum, recorded.launch.channel_beats))
    return cycles / tokens, beats / (cycles * spec.channels)


def measure(prompt: int, tokens: int) -> list[Result]:
    """Results for the shipped model, and for a larger one with random weights."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as scratch:
        large = Path(scratch) / "hidden-256"
        write_random_checkpoint(
            large, hidden=256, layers=4, heads=8, kv_heads=4, intermediate=704, vocabulary=512, context=256
        )
        for name, folder, target in (("shipped", _SHIPPED, 0.85), ("hidden_256", large, 0.95)):
            cycles, used = measure_decoder(folder, DEMO, prompt=prompt, tokens=tokens)
            results += [
                _figure(f"decode_cycles_per_token_{name}", cycles, "cycles", better="lower"),
                _figure(f"decode_channel_utilisation_{name}", used, "", better="higher", target=target),
            ]
    return results


if __name__ == "__main__":
    run(measure, __doc__, prompt=64, tokens=2)
