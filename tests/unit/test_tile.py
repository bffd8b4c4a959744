"""A tile by itself: configuration and contexts, a unit behind its switch, counters."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import pytest
from amaranth.back import verilog
from amaranth.hdl import Value
from amaranth.sim import Simulator
from stream_bench import combinational_paths

from weft.hw.address_map import AddressMap, Counter
from weft.hw.presets import PRESETS
from weft.hw.program import Input, InputMode, Pcu, Pmu, Port, switch_program
from weft.hw.program import Switch as SwitchProgram
from weft.hw.tile.config import ConfigRegisters
from weft.hw.tile.tile import Tile, link_name
from weft.hw.topology import NETWORKS, Direction, Network, TileKind, tracks, unit_ports

# What a tile is made of does not depend on lanes and stages; the time to elaborate it does.
SPEC = PRESETS["tiny"].replace(lanes=2, stages=1, channel_bits=32)
NUMBER = 0x1203
MAP = AddressMap(SPEC)
LINKS = 4 * tracks(SPEC, Network.VECTOR)


def words_of(kind: TileKind, unit: Any, routes: dict[tuple[Network, int], int]) -> list[int]:
    """Configuration words of a tile."""
    fields = {SwitchProgram.field(network, output): source + 1 for (network, output), source in routes.items()}
    return MAP.unit(kind).pack(unit) + MAP.switch(kind).pack(switch_program(SPEC, kind)(**fields))


class Host:
    """Drives a tile's bus and its vector links."""

    def __init__(self, ctx: Any, tile: Any) -> None:
        self.ctx = ctx
        self.tile = tile

    async def load(self, context: int, words: Sequence[int], number: int = NUMBER) -> None:
        self.ctx.set(self.tile.bus.valid, 1)
        for word, value in enumerate(words):
            self.ctx.set(self.tile.bus.payload.address, MAP.address(context, number, word))
            self.ctx.set(self.tile.bus.payload.data, value)
            await self.ctx.tick()
        self.ctx.set(self.tile.bus.valid, 0)

    async def launch(self, context: int) -> None:
        self.ctx.set(self.tile.active_context, context)
        await self.ctx.tick().repeat(2)
        self.ctx.set(self.tile.launch, 1)
        self.ctx.set(self.tile.running, 1)
        await self.ctx.tick()
        self.ctx.set(self.tile.launch, 0)

    async def read(self, counter: int, number: int = NUMBER) -> int:
        self.ctx.set(self.tile.bus.read, 1)
        self.ctx.set(self.tile.bus.read_address, number << 8 | counter)
        await self.ctx.tick()
        self.ctx.set(self.tile.bus.read, 0)
        await self.ctx.tick().repeat(3)
        return self.ctx.get(self.tile.read_data)

    async def send(self, direction: Direction, beats: Sequence[int], to: Sequence[Direction]) -> list[list[int]]:
        """Send beats on track 0 of a direction; what comes out on track 0 of others within some time."""
        source = getattr(self.tile, link_name(Network.VECTOR, direction, out=False))[0]
        sinks = [getattr(self.tile, link_name(Network.VECTOR, each, out=True))[0] for each in to]
        got: list[list[int]] = [[] for _ in sinks]
        left = list(beats)
        for _ in range(4 * len(beats) + 60):
            self.ctx.set(source.valid, bool(left))
            self.ctx.set(Value.cast(source.payload), left[0] if left else 0)
            for sink, taken in zip(sinks, got, strict=True):
                self.ctx.set(sink.ready, 1)
                if self.ctx.get(sink.valid):
                    taken.append(self.ctx.get(Value.cast(sink.payload)))
            if left and self.ctx.get(source.ready):
                left.pop(0)
            await self.ctx.tick()
        assert not left
        return got


def run(tile: Any, bench: Any) -> None:
    async def testbench(ctx: Any) -> None:
        ctx.set(tile.tile, NUMBER)
        await bench(Host(ctx, tile))

    simulator = Simulator(tile)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def beats(count: int) -> list[int]:
    """Vector beats of normal numbers, which pass a PCU unchanged; stop and void are 0."""
    rng = random.Random(count)
    return [
        sum(rng.randrange(0x3F80_0000, 0x4080_0000) << 32 * lane for lane in range(SPEC.lanes)) for _ in range(count)
    ]


def through_unit(source: Direction, target: Direction) -> dict[tuple[Network, int], int]:
    """Routes from a link through the unit to a link."""
    each = tracks(SPEC, Network.VECTOR)
    return {(Network.VECTOR, LINKS): source.number * each, (Network.VECTOR, target.number * each): LINKS}


PASS = Pcu(vector=(Input(InputMode.EACH),), vector_out=True)


def test_two_contexts_of_a_pcu_and_its_counters():
    tile = Tile(spec=SPEC, kind=TileKind.PCU, checks=True)

    async def bench(host: Host) -> None:
        await host.load(0, words_of(TileKind.PCU, PASS, through_unit(Direction.WEST, Direction.EAST)))
        await host.load(1, words_of(TileKind.PCU, PASS, through_unit(Direction.NORTH, Direction.SOUTH)))
        # Words for another tile, and for a context that does not exist, change nothing.
        await host.load(0, [0xFFFFFFFF] * 20, number=NUMBER + 1)
        await host.load(SPEC.contexts, [0xFFFFFFFF] * 20)
        await host.launch(0)
        sent = beats(9)
        assert await host.send(Direction.WEST, sent, [Direction.EAST, Direction.SOUTH]) == [sent, []]
        assert await host.read(Counter.BEATS) == 9
        assert await host.read(Counter.BUSY) >= 9
        # Loading a context while the other runs.
        await host.load(1, words_of(TileKind.PCU, PASS, through_unit(Direction.SOUTH, Direction.WEST)))
        sent = beats(5)
        assert await host.send(Direction.WEST, sent, [Direction.EAST, Direction.WEST]) == [sent, []]
        await host.launch(1)
        sent = beats(7)
        assert await host.send(Direction.SOUTH, sent, [Direction.WEST, Direction.EAST]) == [sent, []]
        assert await host.read(Counter.BEATS) == 9 + 5 + 7
        assert await host.read(Counter.BEATS, NUMBER + 1) == 0
        assert await host.read(Counter.STATUS + 1) == 0
        host.ctx.set(tile.bus.clear, 1)
        await host.ctx.tick()
        host.ctx.set(tile.bus.clear, 0)
        assert await host.read(Counter.BEATS) == 0
        host.ctx.set(tile.running, 0)
        starved = await host.read(Counter.STARVED)
        assert await host.read(Counter.STARVED) == starved > 0

    run(tile, bench)


def test_a_pmu_behind_its_switch():
    tile = Tile(spec=SPEC, kind=TileKind.PMU, checks=True)
    fifo = Pmu(write=Port.VECTOR, block_lines=1, blocks=8, read=Port.VECTOR)

    async def bench(host: Host) -> None:
        await host.load(0, words_of(TileKind.PMU, fifo, through_unit(Direction.EAST, Direction.NORTH)))
        await host.launch(0)
        sent = beats(20)
        assert await host.send(Direction.EAST, sent, [Direction.NORTH, Direction.WEST]) == [sent, []]
        assert await host.read(Counter.BEATS) == 20

    run(tile, bench)


@pytest.mark.parametrize("kind", TileKind)
def test_no_output_depends_on_an_input(kind: TileKind):
    assert combinational_paths(Tile(spec=SPEC, kind=kind)) == set()


@pytest.mark.parametrize("kind", TileKind)
def test_stalls_are_at_every_port_of_the_unit(kind: TileKind):
    text = verilog.convert(Tile(spec=SPEC, kind=kind, stalls=True), emit_src=False)
    ports = re.findall(r"\.port\((.*?)\)", "\n".join(re.findall(r"weft_stall .*?;", text, re.S)))
    assert len(set(ports)) == len(ports) == sum(sum(unit_ports(SPEC, kind, network)) for network in NETWORKS)


@pytest.mark.parametrize("kind", TileKind)
def test_program_bits_lie_where_the_layout_says(kind: TileKind):
    dut = ConfigRegisters(spec=SPEC, kind=kind)
    rng = random.Random(3)
    contexts = [[rng.getrandbits(32) for _ in range(MAP.words(kind))] for _ in range(SPEC.contexts)]
    unit, switch = MAP.unit(kind), MAP.switch(kind)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.tile, NUMBER)
        ctx.set(dut.bus.valid, 1)
        for context, words in enumerate(contexts):
            for word, value in enumerate(words):
                ctx.set(dut.bus.payload.address, MAP.address(context, NUMBER, word))
                ctx.set(dut.bus.payload.data, value)
                await ctx.tick()
        ctx.set(dut.bus.valid, 0)
        for context, words in enumerate(contexts):
            ctx.set(dut.context, context)
            await ctx.tick()
            for port, layout, part in (
                (dut.unit, unit, words[: unit.words]),
                (dut.switch, switch, words[unit.words :]),
            ):
                whole = sum(value << 32 * index for index, value in enumerate(part))
                assert ctx.get(port) == whole & ((1 << layout.bits) - 1)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    simulator.run()
