"""The fabric of real components is wired as the Verilog that is written for it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from amaranth.hdl import Cat, Module, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

from weft.hw.address_map import HostRegister
from weft.hw.chip.chip import Chip
from weft.hw.fabric import Fabric, instance_name
from weft.hw.fabric_verilog import fabric_verilog
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.hw.tile.tile import tile_members
from weft.hw.topology import TileKind, Topology
from weft.hw.verilog_ports import verilog_ports

SPEC = PRESETS["tiny"].replace(rows=3)
TOPOLOGY = Topology(SPEC)
CLEAR = 2  # of COMMAND
Pin = tuple[str, str]
"""A tile's name, or none for the fabric, and the name of its port."""


class Probe(wiring.Component):
    """The ports of a tile and nothing behind them, to be set and read."""

    def __init__(self, *, spec: FabricSpec, kind: TileKind, checks: bool) -> None:
        self.kind = kind
        super().__init__(tile_members(spec, kind))

    def elaborate(self, platform: object) -> Module:
        return Module()


@pytest.fixture
def probes(monkeypatch: pytest.MonkeyPatch) -> list[Probe]:
    """The tiles of the fabric that is elaborated next, row by row."""
    made: list[Probe] = []

    def make(**arguments: Any) -> Probe:
        made.append(Probe(**arguments))
        return made[-1]

    monkeypatch.setattr("weft.hw.fabric.Tile", make)
    return made


def run(simulator: Simulator, testbench: Any) -> None:
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()


def ends(fabric: Any, tiles: list[Probe], *, driving: bool) -> Iterator[tuple[Pin, Value]]:
    """What drives the nets between tiles and fabric, or what they drive; without the answers and the tied numbers."""
    for name, (flow, value) in verilog_ports(fabric).items():
        if (flow is In) == driving and name != "read_data":
            yield ("", name), value
    for place, tile in zip(TOPOLOGY.tiles, tiles, strict=True):
        for name, (flow, value) in verilog_ports(tile).items():
            if (flow is In) != driving and name not in ("read_data", "tile"):
                yield (instance_name(place), name), value


def written() -> dict[Pin, str]:
    """The nets at the pins of the Verilog."""
    text = fabric_verilog(SPEC)
    nets = {("", name): name for name in re.findall(r"^  (?:in|out)put wire (?:\[\S+ )?(\w+),?$", text, re.MULTILINE)}
    for tile, body in re.findall(r"^  weft_tile_\w+ (\w+) \((.*?)\n  \);", text, re.MULTILINE | re.DOTALL):
        nets |= {(tile, port): net for port, net in re.findall(r"\.(\w+)\((.*)\)", body)}
    return nets


def test_nets_are_those_of_the_verilog(probes: list[Probe]):
    fabric = Fabric(spec=SPEC, checks=True)
    simulator = Simulator(fabric)
    drivers, driven = dict(ends(fabric, probes, driving=True)), dict(ends(fabric, probes, driving=False))
    numbers = {pin: number for number, pin in enumerate(drivers, 1)}
    seen = dict.fromkeys(driven, 0)

    async def tell_numbers(ctx: Any) -> None:
        for bit in range(len(drivers).bit_length()):
            for pin, value in drivers.items():
                ctx.set(value, numbers[pin] >> bit & 1)
            for pin, value in driven.items():
                seen[pin] |= ctx.get(value) << bit

    run(simulator, tell_numbers)
    nets = written()
    driver_of = {nets[pin]: number for pin, number in numbers.items() if nets[pin]}
    assert len(driver_of) == sum(bool(nets[pin]) for pin in numbers) > 300
    assert seen == {pin: driver_of.get(nets[pin], 0) for pin in driven}


def test_every_tile_has_its_number_and_answers(probes: list[Probe]):
    fabric = Fabric(spec=SPEC)
    simulator = Simulator(fabric)
    assert [probe.kind for probe in probes] == list(TOPOLOGY.tiles.values())

    async def ask(ctx: Any) -> None:
        for number, tile in enumerate(probes):
            assert ctx.get(tile.tile) == number
            ctx.set(tile.read_data, 0xA5000000 | number)
            await ctx.tick()
            assert ctx.get(fabric.read_data) == 0xA5000000 | number
            ctx.set(tile.read_data, 0)
        await ctx.tick()
        assert ctx.get(fabric.read_data) == 0

    run(simulator, ask)


def test_a_chip_of_real_components_reaches_its_tiles(probes: list[Probe]):
    chip = Chip(spec=SPEC)
    simulator = Simulator(chip)

    async def clear_counters_then_ask_for_memory(ctx: Any) -> None:
        ctx.set(chip.host.awaddr, HostRegister.COMMAND)
        ctx.set(chip.host.wdata, CLEAR)
        ctx.set(chip.host.wstrb, 0b1111)
        ctx.set(Cat(chip.host.awvalid, chip.host.wvalid), 0b11)
        await ctx.tick()
        ctx.set(Cat(chip.host.awvalid, chip.host.wvalid), 0)
        clears = [tile.bus.clear for tile in probes]
        seen = [(await ctx.tick().sample(*clears))[2:] for _ in range(8)]
        assert [each for each in seen if any(each)] == [(1,) * len(probes)]

        ctx.set(chip.channel[0].arready, 1)
        agcus = [tile for tile in probes if tile.kind is TileKind.AGCU]
        for number, agcu in enumerate(agcus):
            ctx.set(agcu.memory.request.payload.address, 64 * number)
            ctx.set(agcu.memory.request.valid, 1)
            await ctx.tick()
            ctx.set(agcu.memory.request.valid, 0)
            assert ctx.get(chip.channel[0].arvalid)
            assert ctx.get(chip.channel[0].arid) == number
            assert ctx.get(chip.channel[0].araddr) == 64 * number

    run(simulator, clear_counters_then_ask_for_memory)
