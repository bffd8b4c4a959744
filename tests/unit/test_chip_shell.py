"""The shell around four real AGCUs that copy memory: images, launches, channels, counters, over the AXI ports only."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from amaranth.back import rtlil
from amaranth.hdl import Elaboratable, Module, Mux, Signal, Value
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator
from test_channel import AxiMemory
from test_chip_control import BEGIN, CLEAR, LAUNCH, image

from weft.hw.address_map import AddressMap, Counter, HostRegister, Status
from weft.hw.agcu.agcu import Agcu
from weft.hw.chip.shell import Shell
from weft.hw.fields import Layout
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu as Program
from weft.hw.program import AgcuKind, AgcuLevel
from weft.hw.spec import FabricSpec
from weft.hw.stream.connect import connect_streams
from weft.hw.tile.config import ConfigRegisters, connect_bus
from weft.hw.topology import TileKind, Topology

SPECS = {"tiny": PRESETS["tiny"], "two channels": PRESETS["tiny"].replace(channels=2)}
V = PRESETS["tiny"].beat_bytes
PAGE = 4096


class Ring(Elaboratable):
    """A shell with its AGCUs; the vector output of each leads to the vector input of the next."""

    def __init__(self, spec: FabricSpec) -> None:
        self.spec = spec
        self.shell = Shell(spec=spec)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, topology = self.spec, Topology(self.spec)
        m.submodules.shell = shell = self.shell
        agcus, answers = [], []
        for index, tile in enumerate(topology.of_kind(TileKind.AGCU)):
            m.submodules[f"agcu_{index}"] = agcu = Agcu(spec=spec, checks=True)
            m.submodules[f"config_{index}"] = config = ConfigRegisters(spec=spec, kind=TileKind.AGCU)
            connect(m, agcu=agcu.memory, shell=shell.memory[index])
            connect(m, agcu=agcu.argument, shell=shell.argument[index])
            connect_bus(m, chip=shell.bus, tile=config.bus, number=topology.number(tile))
            busy, answer = Signal(32), Signal(32)
            m.d.sync += busy.eq(Mux(shell.bus.clear, 0, busy + agcu.busy))
            with m.If(shell.bus.read):
                wanted = topology.number(tile) << 8 | Counter.BUSY
                m.d.sync += answer.eq(Mux(shell.bus.read_address == wanted, busy, 0))
            m.d.comb += [
                config.tile.eq(topology.number(tile)),
                config.context.eq(shell.context),
                Value.cast(agcu.program).eq(config.unit),
                agcu.launch.eq(shell.launch),
                shell.done[index].eq(agcu.done),
                shell.violation[index].eq(agcu.violation),
            ]
            agcus.append(agcu)
            answers.append(answer)
        for index, agcu in enumerate(agcus):
            connect_streams(m, producer=agcu.vector_out[0], consumer=agcus[(index + 1) % len(agcus)].vector_in[0])
        m.d.comb += shell.read_data.eq(answers[0] | answers[1] | answers[2] | answers[3])
        return m


class Board:
    """Host and memories around the shell; a clock that keeps the memories going."""

    def __init__(self, ctx: Any, spec: FabricSpec, shell: Shell, seed: int, rate: float) -> None:
        self.ctx, self.spec, self.shell = ctx, spec, shell
        rng = random.Random(seed)
        self.memory = np.random.default_rng(seed).integers(0, 256, 16 * PAGE, dtype=np.uint8)
        self.channels = [AxiMemory(shell.channel[each], self.memory, rng, rate) for each in range(spec.channels)]

    async def tick(self) -> tuple[int, int]:
        for channel in self.channels:
            channel.drive(self.ctx)
        signals = [signal for channel in self.channels for signal in channel.signals]
        host = self.shell.host
        _, _, valid, data, *values = await self.ctx.tick().sample(host.rvalid, host.rdata, *signals)
        for channel in self.channels:
            count = len(channel.signals)
            channel.sampled(*values[:count])
            del values[:count]
        return valid, data

    async def write(self, address: int, value: int) -> None:
        ctx, host = self.ctx, self.shell.host
        for name, content in (("awaddr", address), ("wdata", value), ("wstrb", 15), ("bready", 1)):
            ctx.set(getattr(host, name), content)
        ctx.set(host.awvalid, 1)
        ctx.set(host.wvalid, 1)
        assert ctx.get(host.awready)
        assert ctx.get(host.wready)
        await self.tick()
        ctx.set(host.awvalid, 0)
        ctx.set(host.wvalid, 0)

    async def read(self, address: int) -> int:
        ctx, host = self.ctx, self.shell.host
        ctx.set(host.araddr, address)
        ctx.set(host.arvalid, 1)
        ctx.set(host.rready, 1)
        await self.tick()
        ctx.set(host.arvalid, 0)
        for _ in range(10):
            valid, data = await self.tick()
            if valid:
                return data
        raise AssertionError("no answer to a read")

    async def load(self, context: int, programs: list[Program]) -> None:
        topology, layout = Topology(self.spec), Layout(Program, self.spec)
        records = [
            (AddressMap.address(0, topology.number(tile), word), value)
            for tile, program in zip(topology.of_kind(TileKind.AGCU), programs, strict=True)
            for word, value in enumerate(layout.pack(program))
        ]
        await self.write(HostRegister.COMMAND, BEGIN)
        for word in image(context=context, records=records, spec_hash=self.spec.hash):
            await self.write(HostRegister.IMAGE, word)

    async def launch(self, context: int) -> int:
        await self.write(HostRegister.COMMAND, LAUNCH | context << 8)
        await self.tick()
        await self.tick()
        for _ in range(3000):
            if self.ctx.get(self.shell.interrupt):
                return await self.read(HostRegister.STATUS)
            await self.tick()
        raise AssertionError("the launch hangs")


def copy(source: int, target: int, count: int, **fields: Any) -> list[Program]:
    """AGCU 0 loads and AGCU 1 stores; so do 2 and 3, a page further."""
    levels = (AgcuLevel(bound=count, stride=V, rank=1),)
    whole = {"segment_size": 16 * PAGE, **fields}
    return [
        Program(
            kind=AgcuKind.STORE if number % 2 else AgcuKind.LOAD,
            base=(target if number % 2 else source) + (number // 2) * PAGE,
            arg_a=number % 2, levels=levels, end_rank=2, **whole,
        )
        for number in range(4)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "rate"),
    [("tiny", 0.5), ("two channels", 0.7), pytest.param("tiny", 1.0, marks=pytest.mark.long)],
)
def test_two_contexts_copy_memory(name: str, rate: float) -> None:
    spec = SPECS[name]
    ring = Ring(spec)

    async def bench(ctx: Any) -> None:
        board = Board(ctx, spec, ring.shell, 3, rate)
        await board.load(0, copy(0, 4 * PAGE, 40))
        await board.load(1, copy(8 * PAGE, 12 * PAGE, 7))
        before = board.memory.copy()
        await board.write(HostRegister.ARGUMENT + 4, 8)
        await board.write(HostRegister.COMMAND, CLEAR)
        for context, (source, target, count) in enumerate(((0, 4, 40), (8, 12, 7))):
            assert await board.launch(context) == 1 << Status.DONE
            for page in range(2):
                start, end = (source + page) * PAGE, (target + page) * PAGE + 8 * V
                before[end : end + count * V] = before[start : start + count * V]
            assert np.array_equal(board.memory, before)
        beats = 2 * 47 * V // spec.channel_bytes
        reads = [await board.read(HostRegister.CHANNEL_BEATS + 8 * each) for each in range(spec.channels)]
        writes = [await board.read(HostRegister.CHANNEL_BEATS + 8 * each + 4) for each in range(spec.channels)]
        assert sum(reads) == sum(writes) == beats
        assert await board.read(HostRegister.CYCLES) > 7
        numbers = [Topology(spec).number(tile) for tile in Topology(spec).of_kind(TileKind.AGCU)]
        for number in numbers:
            await board.write(HostRegister.READ_ADDRESS, number << 8 | Counter.BUSY)
            await board.tick()
            assert await board.read(HostRegister.READ_DATA) == 47

    simulate(ring, bench)


def test_refused_access_fails_the_launch_and_names_the_tile() -> None:
    spec = SPECS["tiny"]
    ring = Ring(spec)

    async def bench(ctx: Any) -> None:
        board = Board(ctx, spec, ring.shell, 4, 0.8)
        programs = copy(0, 4 * PAGE, 6)
        programs[3] = copy(0, 4 * PAGE, 6, segment_size=2 * PAGE)[3]
        await board.load(0, programs)
        assert await board.launch(0) == 1 << Status.DONE | 1 << Status.FAILED
        refused = Topology(spec).of_kind(TileKind.AGCU)[3]
        assert await board.read(HostRegister.VIOLATION) == 1 + Topology(spec).number(refused)
        assert all(place < 6 * PAGE for channel in board.channels for _, _, place, _ in channel.bursts)
        await board.load(0, copy(0, 4 * PAGE, 6))
        assert await board.launch(0) == 1 << Status.DONE
        assert await board.read(HostRegister.VIOLATION) == 0

    simulate(ring, bench)


def simulate(ring: Ring, bench: Any) -> None:
    sim = Simulator(ring)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()


def test_port_names() -> None:
    text = rtlil.convert(Shell(spec=SPECS["two channels"]), name="weft_shell")
    for name in (
        "host__awaddr",
        "host__rdata",
        "channel__0__araddr",
        "channel__1__wstrb",
        "channel__0__bid",
        "interrupt",
    ):
        assert f"\\{name}\n" in text
