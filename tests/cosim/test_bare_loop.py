"""A run with cocotb, and the same without, tell the host the same in the same cycles."""

from __future__ import annotations

import numpy as np
from stand_in_chip import stand_in_files

from weft.hw.address_map import HostRegister
from weft.hw.presets import PRESETS
from weft.sim.bare.recording import RecordedDevice
from weft.sim.bare.replay import bare_simulator, replay

SPEC = PRESETS["tiny"]
BEAT = SPEC.channel_bytes
SIZE = 1 << 16


def test_a_recorded_run_repeats_without_cocotb() -> None:
    with RecordedDevice(SPEC, files=stand_in_files(SPEC), memory_bytes=SIZE) as chip:
        design, recorded = chip.design, chip.recorded
        for seed in (1, 2):
            data = np.random.default_rng(seed).integers(0, 256, 100 * BEAT, np.uint8)
            chip.memory[: len(data)] = data
            launch = chip.launch(0, {1: 0, 2: 0x4000 * seed, 3: 100, 4: 0})
            assert launch.buffers
        chip.read_register(HostRegister.ID)
        memory, cycles = chip.memory.tobytes(), chip.cycles
    again = replay(bare_simulator(design), recorded)
    assert again.told == recorded.told
    assert again.memory == memory
    assert cycles.to_bytes(8, "little") in again.told[-32:]
    assert memory[0x8000 : 0x8000 + len(data)] == data.tobytes()
