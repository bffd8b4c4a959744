"""The real chip in Verilator: beats cross it from memory to memory."""

from __future__ import annotations

import numpy as np
import pytest
from hand_image import copy_image

from weft.hw.address_map import IMAGE_MAGIC, HostRegister
from weft.hw.presets import PRESETS
from weft.hw.topology import Tile
from weft.sim.device import DeviceError
from weft.sim.functional.device import FunctionalDevice
from weft.sim.rtl.device import RtlDevice

SPEC = PRESETS["tiny"]
SIZE = 1 << 20
BEATS = 100


@pytest.fixture(scope="module")
def chip():
    with RtlDevice(SPEC, memory_bytes=SIZE, watchdog=5000) as made:
        yield made


def copy(chip: RtlDevice, context: int = 0):
    size = BEATS * SPEC.beat_bytes
    data = np.random.default_rng(2).integers(0, 256, size, np.uint8)
    chip.memory[:] = 0
    chip.memory[:size] = data
    launch = chip.launch(context, {1: 0, 2: 0x8000 // SPEC.beat_bytes})
    assert (chip.memory[0x8000 : 0x8000 + size] == data).all()
    assert not chip.memory[0x8000 + size :].any()
    return launch, data


def test_beats_cross_to_beyond_4_gib():
    gib = 1 << 30
    image, arguments = copy_image(SPEC, row=0, beats=BEATS, size=6 * gib), {1: 0, 2: 5 * gib // SPEC.beat_bytes}
    data = np.random.default_rng(3).integers(0, 256, BEATS * SPEC.beat_bytes, np.uint8)
    functional = FunctionalDevice(SPEC, memory_bytes=6 * gib)
    with RtlDevice(SPEC, memory_bytes=6 * gib, watchdog=5000) as far:
        for device in (functional, far):
            device.memory[: len(data)] = data
            device.load(image)
            device.launch(0, arguments)
            assert (device.memory[5 * gib :][: len(data)] == data).all()
            assert not device.memory[gib : gib + len(data)].any(), "the address has not lost its upper bits"


def test_chip_tells_what_it_is(chip):
    assert chip.read_register(HostRegister.ID) == IMAGE_MAGIC
    hash_value = chip.read_register(HostRegister.HASH_HIGH) << 32 | chip.read_register(HostRegister.HASH_LOW)
    assert f"{hash_value:016x}" == SPEC.hash


def test_context_without_an_image_is_refused(chip):
    with pytest.raises(DeviceError, match="failed: context 1 holds no image"):
        chip.launch(1, {})


def test_beats_cross_the_chip(chip):
    chip.load(copy_image(SPEC, row=0, beats=BEATS))
    launch, data = copy(chip)
    beats = BEATS * SPEC.beat_bytes // SPEC.channel_bytes
    assert launch.channel_beats == ((beats, beats),)
    assert launch.cycles > 2 * beats
    stored = launch.buffers[Tile(0, SPEC.columns + 1)]
    assert stored.data.tobytes() == data.tobytes()
    assert stored.stop.tolist() == [0] * (BEATS - 1) + [1]
    assert launch.counters[Tile(0, 0)]["beats"] == BEATS
    assert launch.counters[Tile(0, 0)]["busy"] >= BEATS
    assert launch.counters[Tile(1, 1)] == {"busy": 0, "starved": 0, "blocked": 0, "beats": 0}


def test_second_context_is_resident(chip):
    chip.load(copy_image(SPEC, row=0, beats=BEATS))
    chip.load(copy_image(SPEC, row=1, beats=BEATS, context=1))
    for context in (0, 1, 0):
        launch, _ = copy(chip, context)
        assert set(launch.buffers) == {Tile(context, SPEC.columns + 1)}


def test_stalls_change_no_value():
    cycles = set()
    for seed in (1, 2):
        with RtlDevice(SPEC, memory_bytes=SIZE, watchdog=5000, stalls=seed) as chip:
            chip.load(copy_image(SPEC, row=1, beats=BEATS))
            cycles.add(copy(chip)[0].cycles)
    assert len(cycles) == 2


@pytest.mark.parametrize("word", [0, 1, 2, 3, 6, 20])
def test_flipped_bit_is_refused(chip, word):
    image = bytearray(copy_image(SPEC, row=0, beats=BEATS))
    image[4 * word] ^= 1
    with pytest.raises(DeviceError, match="refused the image"):
        chip.load(bytes(image))
    chip.load(copy_image(SPEC, row=0, beats=BEATS))
    copy(chip)


def test_access_outside_the_segment_is_refused(chip):
    chip.load(copy_image(SPEC, row=0, beats=BEATS, size=0x8000))
    with pytest.raises(DeviceError, match=r"agcu \(0,3\) refused"):
        chip.launch(0, {1: 0, 2: 0x8000 // SPEC.beat_bytes})
    assert not chip.memory[0x9000:].any()


def test_store_without_an_end_hangs_and_says_so():
    with RtlDevice(SPEC, memory_bytes=SIZE, watchdog=3000) as chip:
        chip.load(copy_image(SPEC, row=0, beats=BEATS, ends=False))
        with pytest.raises(
            DeviceError, match=r"nothing moved for 3000 cycles; waiting: agcu \(0,3\) on vector input 0"
        ):
            chip.launch(0, {1: 0, 2: 0x8000 // SPEC.beat_bytes})
