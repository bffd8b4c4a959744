"""The chip's registers over AXI4-Lite: images good and bad, launches, arguments, counters."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from amaranth.hdl import Cat, Const
from amaranth.sim import Simulator

from weft.hw.address_map import HEADER_WORDS, IMAGE_MAGIC, IMAGE_VERSION, HostRegister, Status
from weft.hw.chip.control import Control
from weft.hw.chip.crc import CRC_INITIAL, next_crc
from weft.hw.presets import PRESETS
from weft.hw.topology import TileKind, Topology

SPEC = PRESETS["tiny"].replace(columns=9)  # two groups of tiles
RECORDS = [(tile << 8 | word, tile * 1000 + word) for tile in (0, 15, 16, 21) for word in range(3)]
LAUNCH, CLEAR, BEGIN = 1, 2, 4


def image(*, context: int = 1, magic: int = IMAGE_MAGIC, version: int = IMAGE_VERSION, spec_hash: str = SPEC.hash,
          records: list[tuple[int, int]] | None = None) -> list[int]:  # fmt: skip
    records = RECORDS if records is None else records
    number = int(spec_hash, 16)
    head = [magic, version, number & 0xFFFFFFFF, number >> 32, context, len(records)]
    body = [0, *[word for record in records for word in record]]
    crc = zlib.crc32(struct.pack(f"<{len(head) + len(body)}I", *head, *body))
    return [*head, crc, *body]


class Host:
    """An AXI4-Lite manager with random pauses, and what the chip did on its other side."""

    def __init__(self, ctx: Any, dut: Control, rng: random.Random) -> None:
        self.ctx, self.dut, self.axi, self.rng = ctx, dut, dut.host, rng
        self.records: list[tuple[int, int]] = []
        self.arguments: list[tuple[int, int]] = []
        self.launches: list[int] = []
        self.reads: list[int] = []
        self.clears = 0

    async def tick(self) -> None:
        bus, argument = self.dut.bus, self.dut.argument
        signals = (
            *(Cat(bus.valid), bus.payload.address, bus.payload.data, argument.valid, argument.index, argument.data),
            *(self.dut.launch, self.dut.context, bus.clear, bus.read, bus.read_address),
        )
        _, _, *values = await self.ctx.tick().sample(*signals)
        valid, address, data, is_argument, index, value, launch, context, clear, read, read_address = values
        if valid:
            assert valid == 1 << (address >> 8 & 0xFFFF) // 16, "only the group of the tile is to see it"
            self.records.append((address, data))
        self.arguments += [(index, value)] if is_argument else []
        self.launches += [context] if launch else []
        self.reads += [read_address] if read else []
        self.clears += clear

    async def write(self, address: int, data: int, strobe: int = 15) -> int:
        ctx, axi = self.ctx, self.axi
        waits = {"aw": self.rng.randrange(3), "w": self.rng.randrange(3)}
        ctx.set(axi.awaddr, address)
        ctx.set(axi.wdata, data)
        ctx.set(axi.wstrb, strobe)
        ctx.set(axi.bready, 1)
        pending = {"aw", "w"}
        for _ in range(20):
            for name in pending:
                ctx.set(getattr(axi, name + "valid"), waits[name] <= 0)
                waits[name] -= 1
            ready = {name for name in pending if waits[name] < 0 and ctx.get(getattr(axi, name + "ready"))}
            await self.tick()
            for name in ready:
                ctx.set(getattr(axi, name + "valid"), 0)
            pending -= ready
            if ctx.get(axi.bvalid):
                response = ctx.get(axi.bresp)
                await self.tick()
                return response
        raise AssertionError("no write response")

    async def read(self, address: int) -> int:
        ctx, axi = self.ctx, self.axi
        ctx.set(axi.araddr, address)
        ctx.set(axi.arvalid, 1)
        await self.tick()
        ctx.set(axi.arvalid, 0)
        for _ in range(self.rng.randrange(4)):
            await self.tick()
        ctx.set(axi.rready, 1)
        while not ctx.get(axi.rvalid):
            await self.tick()
        data = ctx.get(axi.rdata)
        await self.tick()
        ctx.set(axi.rready, 0)
        return data

    async def load(self, words: list[int]) -> set[str]:
        await self.write(HostRegister.COMMAND, BEGIN)
        for word in words:
            await self.write(HostRegister.IMAGE, word)
        await self.tick()
        return await self.status()

    async def status(self) -> set[str]:
        value = await self.read(HostRegister.STATUS)
        return {bit.name for bit in Status if value >> bit & 1}


def simulate(scenario: Callable[[Host], Awaitable[None]], seed: int = 1) -> None:
    dut = Control(spec=SPEC)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.done, (1 << len(dut.done)) - 1)
        await scenario(Host(ctx, dut, random.Random(seed)))

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


async def is_launchable(host: Host, context: int) -> bool:
    await host.write(HostRegister.COMMAND, LAUNCH | context << 8)
    for _ in range(50):
        await host.tick()
    status = await host.status()
    assert "DONE" in status
    assert host.ctx.get(host.dut.interrupt)
    return "FAILED" not in status


def test_crc_is_zlibs() -> None:
    rng = random.Random(3)
    words = [rng.randrange(1 << 32) for _ in range(5)]
    found = []

    async def bench(ctx: Any) -> None:
        state = CRC_INITIAL
        for word in words:
            state = ctx.get(next_crc(Const(state, 32), Const(word, 32)))
        found.append(state ^ 0xFFFFFFFF)

    sim = Simulator(Control(spec=SPEC))
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    assert found == [zlib.crc32(struct.pack("<5I", *words))]


def test_identity() -> None:
    async def scenario(host: Host) -> None:
        assert await host.read(HostRegister.ID) == IMAGE_MAGIC
        assert await host.read(HostRegister.VERSION) == IMAGE_VERSION
        number = await host.read(HostRegister.HASH_LOW) | await host.read(HostRegister.HASH_HIGH) << 32
        assert number == int(SPEC.hash, 16)
        assert await host.status() == set()
        assert await host.read(0x3FC) == 0

    simulate(scenario)


@pytest.mark.parametrize("seed", [1, 2])
def test_good_image(seed: int) -> None:
    async def scenario(host: Host) -> None:
        assert not await is_launchable(host, 1)
        assert await host.load(image()) == {"DONE", "FAILED"}
        assert host.records == [(1 << 24 | address, data) for address, data in RECORDS]
        assert host.launches == []
        assert await is_launchable(host, 1)
        assert not await is_launchable(host, 0)
        assert not await is_launchable(host, SPEC.contexts)
        assert host.launches == [1]
        assert await host.load(image(context=0, records=[])) == {"DONE", "FAILED"}
        assert await is_launchable(host, 0)

    simulate(scenario, seed)


def flipped(words: list[int], place: int) -> list[int]:
    return [word ^ (1 << place % 32) if place // 32 == number else word for number, word in enumerate(words)]


@pytest.mark.parametrize(
    "words",
    [
        image(magic=IMAGE_MAGIC ^ 1),
        image(version=IMAGE_VERSION + 1),
        image(spec_hash=SPEC.replace(lanes=8).hash),
        image(spec_hash=f"{int(SPEC.hash, 16) ^ 1 << 63:016x}"),
        image(context=SPEC.contexts),
        image(context=256),
    ],
)
def test_image_for_another_chip_writes_nothing(words: list[int]) -> None:
    async def scenario(host: Host) -> None:
        assert "IMAGE_REFUSED" not in await host.load(image())
        count = len(host.records)
        assert "IMAGE_REFUSED" in await host.load(words)
        assert len(host.records) == count
        assert await is_launchable(host, 1), "the image that was there stays"
        assert "IMAGE_REFUSED" not in await host.load(image())

    simulate(scenario)


@pytest.mark.parametrize("word", [6, 7, HEADER_WORDS, HEADER_WORDS + 1, HEADER_WORDS + 2 * len(RECORDS) - 1])
def test_flipped_bit(word: int) -> None:
    async def scenario(host: Host) -> None:
        assert "IMAGE_REFUSED" not in await host.load(image())
        assert "IMAGE_REFUSED" in await host.load(flipped(image(), 32 * word + word))
        assert not await is_launchable(host, 1)

    simulate(scenario)


def test_half_an_image_is_none() -> None:
    async def scenario(host: Host) -> None:
        await host.load(image())
        await host.load(image()[:-2])
        assert not await is_launchable(host, 1)

    simulate(scenario)


def test_launch_waits_for_every_agcu_and_counts() -> None:
    async def scenario(host: Host) -> None:
        dut, ctx = host.dut, host.ctx
        await host.load(image())
        await host.load(image(context=0))
        await host.write(HostRegister.COMMAND, LAUNCH | 1 << 8)
        while not ctx.get(dut.launch):
            await host.tick()
        assert ctx.get(dut.running)
        await host.tick()
        ctx.set(dut.done, 0b1010)
        for _ in range(60):
            await host.tick()
        assert await host.status() == {"BUSY"}
        assert not ctx.get(dut.interrupt)
        # Busy: neither another launch nor an image for the running context, but one for the other.
        await host.write(HostRegister.COMMAND, LAUNCH)
        assert await host.load(image()) == {"BUSY", "IMAGE_REFUSED"}
        assert await host.load(image(context=0)) == {"BUSY"}
        ctx.set(dut.done, 0b1111)
        for _ in range(4):
            await host.tick()
        assert ctx.get(dut.interrupt)
        assert not ctx.get(dut.running)
        assert await host.status() == {"DONE"}
        assert host.launches == [1]
        cycles = await host.read(HostRegister.CYCLES)
        assert cycles > 60
        await host.write(HostRegister.COMMAND, LAUNCH | 1 << 8)
        await host.tick()
        assert await host.status() == {"BUSY"}

    simulate(scenario)


def test_violation() -> None:
    topology = Topology(SPEC)
    second = topology.of_kind(TileKind.AGCU)[1]

    async def scenario(host: Host) -> None:
        await host.load(image())
        host.ctx.set(host.dut.violation, 0b0010)
        assert not await is_launchable(host, 1)
        assert await host.read(HostRegister.VIOLATION) == 1 + topology.number(second)
        host.ctx.set(host.dut.violation, 0)
        assert await is_launchable(host, 1)
        assert await host.read(HostRegister.VIOLATION) == 0

    simulate(scenario)


def test_arguments_counters_and_partial_writes() -> None:
    async def scenario(host: Host) -> None:
        for index in (1, 2, SPEC.arguments):
            assert await host.write(HostRegister.ARGUMENT + 4 * index, 100 + index) == 0
        await host.write(HostRegister.ARGUMENT + 4 * (SPEC.arguments + 1), 9)
        await host.tick()
        assert host.arguments == [(1, 101), (2, 102), (SPEC.arguments, 100 + SPEC.arguments)]
        assert await host.write(HostRegister.ARGUMENT + 4, 5, strobe=3) == 2
        await host.write(HostRegister.READ_ADDRESS, 5 << 8 | 2)
        host.ctx.set(host.dut.read_data, 77)
        assert host.reads == [5 << 8 | 2]
        assert await host.read(HostRegister.READ_DATA) == 77
        await host.write(HostRegister.COMMAND, CLEAR)
        await host.tick()
        assert host.clears == 1
        assert len(host.arguments) == 3
        host.ctx.set(host.dut.read_beats[0], 11)
        host.ctx.set(host.dut.written_beats[0], 12)
        assert await host.read(HostRegister.CHANNEL_BEATS) == 11
        assert await host.read(HostRegister.CHANNEL_BEATS + 4) == 12

    simulate(scenario)
