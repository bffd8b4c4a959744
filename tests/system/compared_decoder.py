"""A decoder on RTL beside the functional device."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.decoder import CompiledModel
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice

_DEMO = PRESETS["demo"]
NARROW = _DEMO.replace(lanes=4, columns=8, pmu_lines=1024, channel_bits=64)
WIDE = _DEMO.replace(lanes=16, stages=2, rows=11, fifo_depth=8, channels=2)
"""Fabrics on RTL beside `demo`: one of each for all tests, for it takes long to build."""


def real_and_native(*fabrics: str, rarely: str = "") -> list[Any]:
    """Parameters (fabric, what computes in its RTL) of a test.

    `demo` is simulated with its real logic; the others with native arithmetic, and in the long run with theirs: that of
    another number of lanes takes a minute to compile, for units that have tests of their own. The fabric ``rarely`` is
    one of the long run alone.
    """
    long = pytest.mark.long
    native = [pytest.param(name, "native", id=name) for name in fabrics]
    real = [pytest.param(name, "rtl", id=f"{name}, real logic", marks=long) for name in (*fabrics, rarely) if name]
    rare = [pytest.param(rarely, "native", id=rarely, marks=long)] if rarely else []
    return [pytest.param("demo", "rtl", id="demo"), *native, *real, *rare]


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
