"""A decoder on RTL beside the functional device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.hw.spec import FabricSpec
from weft.sim.decoder import CompiledModel
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice


def real_and_native(*fabrics: str) -> list[Any]:
    """Parameters (fabric, what computes in its RTL) of a test.

    `demo` is simulated with its real logic; the others with native arithmetic, and in the long run with theirs: that of
    another number of lanes takes a minute to compile, for units that have tests of their own.
    """
    native = [pytest.param(name, "native", id=name) for name in fabrics]
    real = [pytest.param(name, "rtl", id=f"{name}, real logic", marks=pytest.mark.long) for name in fabrics]
    return [pytest.param("demo", "rtl", id="demo"), *native, *real]


@contextmanager
def compared_on_rtl(
    compiled: CompiledModel, checkpoint: LlamaCheckpoint, spec: FabricSpec, *, seed: int, arith: str = "rtl"
) -> Iterator[ComparedDecoder]:
    """A decoder with random stalls; every logit and every buffer of what it processes within must be the same bits."""
    result = Generation()
    with RtlDevice(spec, memory_bytes=compiled.memory_bytes, stalls=seed, count=False, arith=arith) as chip:
        yield ComparedDecoder(compiled, checkpoint, spec, result, chip)
    assert result.comparison.compared > 10_000
    assert result.comparison.mismatches == 0, (seed, result.comparison.first)
