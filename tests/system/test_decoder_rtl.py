"""Decoders on RTL equal the functional device bit for bit: every logit and every buffer, whatever the stalls."""

from __future__ import annotations

from pathlib import Path

import pytest
from compared_decoder import NARROW, WIDE, compared_on_rtl, real_and_native
from decoders import compile_decoder

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.hw.presets import PRESETS

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "data" / "checkpoints"
CHECKPOINTS = [ROOT / "models" / "weft-tiny", *(RECORDED / n for n in ("eight-kv-heads", "one-kv-head", "three-heads"))]
DEMO = PRESETS["demo"]
FABRICS = {
    "demo": DEMO,
    "narrow": NARROW,  # 4 lanes on RTL: fabric tiny, too
    "wide": WIDE,
}
SEEDS = [pytest.param((1, 2), id="two stalls"), pytest.param((3, 4, 5), id="more stalls", marks=pytest.mark.long)]


@pytest.mark.parametrize("seeds", SEEDS)
@pytest.mark.parametrize("folder", CHECKPOINTS, ids=lambda path: path.name)
@pytest.mark.parametrize(("fabric", "arith"), real_and_native("wide", rarely="narrow"))
def test_rtl_equals_functional_bit_for_bit(fabric: str, arith: str, folder: Path, seeds: tuple[int, ...]) -> None:
    spec, checkpoint = FABRICS[fabric], read_checkpoint(folder)
    compiled = compile_decoder(checkpoint.config, spec)
    cycles = set()
    for seed in seeds:
        with compared_on_rtl(compiled, checkpoint, spec, seed=seed, arith=arith) as decoder:
            for token in (7, 9):
                decoder.step(token)
        cycles.add(sum(decoder.result.cycles_by_token))
    assert len(cycles) > 1, "stalls must make a difference"
