"""A decoder on RTL beside the functional device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.hw.spec import FabricSpec
from weft.sim.decoder import CompiledModel
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice


@contextmanager
def compared_on_rtl(
    compiled: CompiledModel, checkpoint: LlamaCheckpoint, spec: FabricSpec, *, seed: int
) -> Iterator[ComparedDecoder]:
    """A decoder with random stalls; every logit and every buffer of what it processes within must be the same bits."""
    result = Generation()
    with RtlDevice(spec, memory_bytes=compiled.memory_bytes, stalls=seed, count=False) as chip:
        yield ComparedDecoder(compiled, checkpoint, spec, result, chip)
    assert result.comparison.compared > 10_000
    assert result.comparison.mismatches == 0, (seed, result.comparison.first)
