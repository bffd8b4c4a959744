"""A queue in Verilator, and what runs its bench."""

from __future__ import annotations

import random

import pytest

from weft.hw.presets import PRESETS
from weft.hw.stream.beat import beat_layout
from weft.hw.stream.queue import Queue
from weft.hw.topology import Network
from weft.sim.bench.run import run_bench


def queue(depth: int) -> Queue:
    return Queue(layout=beat_layout(PRESETS["tiny"], Network.VECTOR), depth=depth)


@pytest.mark.parametrize("seed", [1, random.SystemRandom().getrandbits(30)], ids=["fixed", "fresh"])
def test_queue(seed, tmp_path):
    assert run_bench(queue(3), "bench_queue", tmp_path, seed=seed) == 5


def test_failure_is_told(tmp_path):
    with pytest.raises(AssertionError, match="1 of 1 tests failed"):
        run_bench(queue(3), "bench_broken", tmp_path, seed=1)


def test_no_tests_are_no_success(tmp_path):
    with pytest.raises(AssertionError, match="must"):
        run_bench(queue(3), "stand_in_chip", tmp_path, seed=1)
