"""The harness, proved on a chip that is no fabric."""

from __future__ import annotations

import os
import signal
import struct
from pathlib import Path

import numpy as np
import pytest
from stand_in_chip import stand_in_files

from weft.hw.address_map import IMAGE_MAGIC, HostRegister
from weft.hw.presets import PRESETS
from weft.hw.topology import Tile
from weft.sim.device import GIVEN_UP, DeviceError, HangError
from weft.sim.rtl.device import RtlDevice

SPEC = PRESETS["tiny"]
FILES = stand_in_files(SPEC)
BEAT = SPEC.channel_bytes
SIZE = 1 << 16


def device(**options: object) -> RtlDevice:
    return RtlDevice(SPEC, files=FILES, memory_bytes=SIZE, **options)


def copy(chip: RtlDevice, beats: int, source: int = 0, target: int = 0x4000):
    return chip.launch(0, {1: source, 2: target, 3: beats, 4: 0})


@pytest.fixture(scope="module")
def chip():
    with device() as made:
        yield made


def test_registers_are_read(chip):
    assert chip.read_register(HostRegister.ID) == IMAGE_MAGIC


def test_launch_copies_in_shared_memory(chip):
    data = np.random.default_rng(1).integers(0, 256, 100 * BEAT, np.uint8)
    chip.memory[: len(data)] = data
    launch = copy(chip, 100)
    assert (chip.memory[0x4000 : 0x4000 + len(data)] == data).all()
    assert not chip.memory[0x4000 + len(data) :].any()
    assert launch.channel_beats == ((100, 100),)
    assert launch.cycles > 100 * 64  # twice the latency of 32 for each beat


def test_taps_arrive_in_order_with_their_marks(chip):
    chip.memory[: 8 * BEAT] = 0
    values = np.array([5, 0, 7, 8], np.uint32)
    chip.memory[: 4 * BEAT].view(np.uint32)[:: BEAT // 4] = values
    beats = copy(chip, 4).buffers[Tile(0, 1)]
    assert beats.data.shape == (4, SPEC.lanes)
    assert (beats.data.view(np.uint32)[:, 0] == values).all()
    assert beats.stop.tolist() == [0, 0, 0, 1]
    assert beats.void.tolist() == [False, True, False, False]
    # Each launch has its own.
    assert len(copy(chip, 2).buffers[Tile(0, 1)].stop) == 2


def test_counters_of_every_tile(chip):
    counters = copy(chip, 1).counters
    assert len(counters) == SPEC.rows * (SPEC.columns + 2)
    assert counters[Tile(1, 2)] == {"busy": 0x600, "starved": 0x601, "blocked": 0x602, "beats": 0x603}


def test_image_is_streamed_and_a_refusal_is_told(chip):
    chip.load(struct.pack("<5I", IMAGE_MAGIC, 1, 2, 3, 4))
    with pytest.raises(DeviceError, match="refused the image"):
        chip.load(struct.pack("<5I", IMAGE_MAGIC, 2, 2, 3, 4))
    chip.load(struct.pack("<5I", IMAGE_MAGIC, 1, 2, 3, 4))
    with pytest.raises(DeviceError, match="whole words, not 3 bytes"):
        chip.load(b"abc")


def test_latency_is_what_was_set(chip):
    fast, slow = device(latency=4), device(latency=104)
    with fast, slow:
        difference = copy(slow, 10).cycles - copy(fast, 10).cycles
    assert difference == 10 * 2 * 100


def test_bandwidth_is_what_was_set():
    with device(latency=1) as full, device(latency=1, bandwidth=1 / 64) as thin:
        assert copy(thin, 20).cycles >= 2 * 20 * 64 - 128 > 2 * copy(full, 20).cycles


def test_stalls_change_cycles_but_no_value_and_repeat():
    cycles = []
    for seed in (1, 1, 2):
        with device(stalls=seed) as chip:
            chip.memory[: 64 * BEAT] = np.arange(64 * BEAT) % 251
            cycles.append(copy(chip, 64).cycles)
            assert (chip.memory[0x4000 : 0x4000 + 64 * BEAT] == chip.memory[: 64 * BEAT]).all()
    assert cycles[0] == cycles[1] != cycles[2]


def test_stalls_at_ports():
    cycles = []
    for seed in (None, 1, 1, 2):
        with device(stalls=seed) as chip:
            cycles.append(chip.launch(0, {4: 10_000}).cycles)
    assert 10_000 <= cycles[0] <= 10_004
    assert cycles[1] == cycles[2] != cycles[3]
    assert all(12_000 < each < 30_000 for each in cycles[1:]), cycles


def test_hung_launch_names_who_waits(chip):
    with device(watchdog=5000) as hanging:
        sentence = r"nothing moved for 5000 cycles; waiting: pcu \(0,1\) on vector input 0$"
        with pytest.raises(HangError, match=sentence):
            hanging.launch(1, {})
        with pytest.raises(DeviceError, match=f"^{GIVEN_UP}$"):
            hanging.load(bytes(4))


def test_limit_ends_a_launch():
    with device(limit=2000) as chip:
        with pytest.raises(HangError, match="limit of 2000 cycles"):
            copy(chip, 1000)
        with pytest.raises(DeviceError, match=f"^{GIVEN_UP}$"):
            copy(chip, 1)


def test_access_outside_memory_fails_and_says_where(chip):
    with pytest.raises(DeviceError, match=r"failed: channel 0: read of \[0x10000, 0x10008\) outside memory of 0x10000"):
        copy(chip, 2, source=SIZE - BEAT)
    copy(chip, 2)


def test_broken_protocol_is_told(chip):
    with pytest.raises(
        DeviceError, match="broke the AXI4 protocol: channel 0: a read address is no multiple of a beat"
    ):
        copy(chip, 1, source=3)


def test_arguments_are_checked(chip):
    with pytest.raises(DeviceError, match="arguments must be numbered 1 to 15, not 16"):
        chip.launch(0, {16: 1})
    with pytest.raises(DeviceError, match="context must be 0 to 1, not 2"):
        chip.launch(2, {})
    with pytest.raises(ValueError, match="bandwidth must be above 0 and at most 1, not 2"):
        device(bandwidth=2)


def test_dead_simulator_is_a_sentence_and_no_hang():
    with device() as chip:
        os.kill(chip._process.pid, signal.SIGKILL)
        with pytest.raises(DeviceError, match="simulator ended with status -9"):
            copy(chip, 1)
        with pytest.raises(DeviceError, match="simulator is closed"):
            copy(chip, 1)


def test_failed_assertion_is_told():
    with device() as chip, pytest.raises(DeviceError, match=r"ended with status 1: a source must not be dead0000"):
        copy(chip, 1, source=0xDEAD0000)


def test_close_leaves_nothing(chip):
    made = device()
    folder, pid = made._process.folder, made._process.pid
    assert folder.exists()
    made.close()
    made.close()
    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_a_cycle_costs_no_python():
    with device(watchdog=1_000_000) as chip:
        before, seconds = chip.cycles, chip.wall_seconds
        assert chip.launch(0, {1: 0, 2: 0, 3: 0, 4: 300_000}).cycles >= 300_000
        rate = (chip.cycles - before) / (chip.wall_seconds - seconds)
    # Waking Python every cycle gave at most 56 kHz; this is far above on any machine.
    assert rate > 150_000


def test_waves_are_written(tmp_path):
    waves = tmp_path / "run.fst"
    with device(waves=waves) as chip:
        copy(chip, 3)
    written = waves.read_bytes()
    assert written[0] == 0  # an FST header block, finished
    assert len(written) > 1000
