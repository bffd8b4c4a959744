"""Tiles that sleep in the simulation count, and end, as if they had been simulated in every cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from weft.compiler.compile import compile_module
from weft.compiler.mapped import parse_module
from weft.hw.presets import PRESETS
from weft.sim.rtl.device import RtlDevice
from weft.sim.run import memory_needed, run_program

SPEC = PRESETS["tiny"]
EXAMPLES = Path(__file__).parents[2] / "tests" / "data" / "mapped"
WINDOW = 100


def launch(*, flat: bool, stalls: int | None = None):
    compiled = compile_module(parse_module((EXAMPLES / "prefix_sum.mlir").read_text()), SPEC)
    inputs = {"x": np.random.default_rng(5).normal(size=(3, 9, 14)).astype(np.float32)}
    # test_native_rtl.py has real logic take the same cycles: a flat build of it takes minutes.
    options = {"memory_bytes": memory_needed(compiled), "flat": flat, "stalls": stalls, "arith": "native"}
    with RtlDevice(SPEC, activity=0 if flat else WINDOW, **options) as chip:
        return run_program(compiled, SPEC, chip, inputs)[1]


@pytest.fixture(scope="module")
def sleeping():
    return launch(flat=False)


@pytest.mark.parametrize("stalls", [None, 7])
def test_sleep_changes_no_cycle_no_counter_and_no_beat(stalls):
    """In a flat build no tile sleeps, and Verilator simulates the wires between tiles."""
    sleeping, awake = launch(flat=False, stalls=stalls), launch(flat=True, stalls=stalls)
    assert sleeping.cycles == awake.cycles
    assert sleeping.counters == awake.counters
    assert sleeping.channel_beats == awake.channel_beats
    assert any(each["starved"] > 100 for each in awake.counters.values())
    assert sleeping.buffers.keys() == awake.buffers.keys() != set()
    for tile, beats in awake.buffers.items():
        assert (sleeping.buffers[tile].data.view(np.uint32) == beats.data.view(np.uint32)).all()
        assert (sleeping.buffers[tile].stop == beats.stop).all()
        assert (sleeping.buffers[tile].void == beats.void).all()


def test_activity_sums_to_the_counters(sleeping):
    activity = sleeping.activity
    assert activity.window == WINDOW
    assert activity.tiles.keys() == sleeping.counters.keys()
    for tile, windows in activity.tiles.items():
        assert windows.sum(axis=0).tolist() == list(sleeping.counters[tile].values())
        assert len(windows) == pytest.approx(sleeping.cycles / WINDOW, abs=1)
        assert (windows[:, :3].sum(axis=1) <= WINDOW).all()


@pytest.mark.parametrize(("flat", "window"), [(True, 100), (False, 31), (False, -1)])
def test_activity_that_cannot_be_sampled_is_refused(flat, window):
    with pytest.raises(ValueError, match=f"activity must be 0 or at least 32, and 0 if flat, not {window}"):
        RtlDevice(SPEC, memory_bytes=1, flat=flat, activity=window)
