"""A tile: a unit, the switch beside it, and its configuration."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Const, Instance, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from weft.hw.agcu.agcu import Agcu
from weft.hw.agcu.ports import agcu_members
from weft.hw.clock_gate import add_gated
from weft.hw.pcu.pcu import Pcu
from weft.hw.pmu.pmu import Pmu
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.stream.connect import connect_streams, payload_shape
from weft.hw.switch import Switch
from weft.hw.tile.config import ConfigBus, ConfigRegisters, context_bits
from weft.hw.tile.counters import TileCounters
from weft.hw.topology import NETWORKS, Direction, Network, TileKind, tracks, unit_ports

__all__ = ["Tile", "extra_members", "link_name", "tile_members"]


def link_name(network: Network, direction: Direction, *, out: bool) -> str:
    """Name of a tile's array of links to or from a neighbour."""
    return f"{network.value}_{direction.name.lower()}_{'out' if out else 'in'}"


def extra_members(spec: FabricSpec, kind: TileKind) -> dict[str, Any]:
    """What a unit has beyond the ports of all units; its tile passes it outward under the same names."""
    return agcu_members(spec) if kind is TileKind.AGCU else {}


def tile_members(spec: FabricSpec, kind: TileKind) -> dict[str, Any]:
    """Members of a tile, see :class:`Tile`."""
    members: dict[str, Any] = {
        "tile": In(16),
        "bus": In(ConfigBus()),
        # Not "context", which is a keyword of SystemVerilog.
        "active_context": In(context_bits(spec)),
        "launch": In(1),
        "running": In(1),
        "read_data": Out(32),
    }
    for network in NETWORKS:
        links = beat_stream(spec, network)
        for direction in Direction:
            members[link_name(network, direction, out=False)] = In(links).array(tracks(spec, network))
            members[link_name(network, direction, out=True)] = Out(links).array(tracks(spec, network))
    return {**members, **extra_members(spec, kind)}


class Tile(wiring.Component):
    """A unit with everything that makes it a place of the fabric.

    Tiles of a kind are the same to the last wire, so one is elaborated for all. No output depends on an input within
    a cycle, so that a simulator can evaluate a tile by itself.

    Parameters
    ----------
    spec
        Of the fabric.
    kind
        What unit it holds.
    checks
        Assert in simulation what the parts promise each other.
    tap
        Let a PMU or an AGCU report the beats it takes to the simulation's ``weft_tap``.
    clock_gating
        Stop the clock of parts of a PCU that have nothing to do, for a fast simulation; not for synthesis.
    native
        Let the host compute in a PCU, for a faster one; needs ``clock_gating``, not for synthesis.
    stalls
        Let the simulation's ``weft_stall`` hold back the beats at the unit's ports at random, if its seed says so.

    Members
    -------
    tile : In(16)
        Number of the tile, tied.
    bus : In(ConfigBus())
        Configuration, counters; from registers.
    active_context : In(context_bits(spec))
        The active context, to be stable from 2 cycles before a launch.
    launch : In(1)
        One cycle high: a launch begins.
    running : In(1)
        A launch runs, counters count.
    read_data : Out(32)
        See :class:`weft.hw.tile.counters.TileCounters`.
    {network}_{direction}_in, {network}_{direction}_out : arrays of beat streams
        Links to the four neighbours, ``tracks`` of each; tied off where there is no neighbour.
    memory, argument, done, violation
        Those of the unit, AGCU only, see :func:`weft.hw.agcu.ports.agcu_members`.
    """

    def __init__(
        self,
        *,
        spec: FabricSpec,
        kind: TileKind,
        checks: bool = False,
        tap: bool = False,
        clock_gating: bool = False,
        native: bool = False,
        stalls: bool = False,
    ) -> None:
        self._spec = spec
        self._kind = kind
        self._checks = checks
        self._tap = tap and kind is not TileKind.PCU
        self._clock_gating = clock_gating
        self._native = native
        self._stalls = stalls
        super().__init__(tile_members(spec, kind))

    def _unit(self) -> Any:
        if self._kind is TileKind.PCU:
            return Pcu(spec=self._spec, checks=self._checks, clock_gating=self._clock_gating, native=self._native)
        unit = Pmu if self._kind is TileKind.PMU else Agcu
        return unit(spec=self._spec, checks=self._checks, tap=self._tap)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, kind = self._spec, self._kind
        m.submodules.unit = unit = self._unit()
        m.submodules.switch = switch = Switch(spec=spec, kind=kind, checks=self._checks)
        config = ConfigRegisters(spec=spec, kind=kind)
        add_gated(m, name="config", part=config, advance=Const(1), clock_gating=self._clock_gating)
        m.submodules.counters = counters = TileCounters()

        connect(m, bus=flipped(self.bus), config=config.bus)
        connect(m, bus=flipped(self.bus), counters=counters.bus)
        m.d.comb += [
            config.tile.eq(self.tile),
            config.context.eq(self.active_context),
            Value.cast(unit.program).eq(config.unit),
            Value.cast(switch.program).eq(config.switch),
            unit.launch.eq(self.launch),
            counters.tile.eq(self.tile),
            counters.running.eq(self.running),
            counters.busy.eq(unit.busy),
            counters.starved.eq(unit.starved),
            counters.blocked.eq(unit.blocked),
            counters.waits.eq(unit.waits),
            self.read_data.eq(counters.read_data),
        ]
        if self._tap:
            m.d.comb += unit.tile_id.eq(self.tile)

        for network in NETWORKS:
            self._connect_network(m, network, unit=unit, switch=switch, counters=counters)
        for name in extra_members(spec, kind):
            self._pass_outward(m, name, unit)
        return m

    def _connect_network(self, m: Module, network: Network, *, unit: Any, switch: Any, counters: Any) -> None:
        name = network.value
        switch_in, switch_out = getattr(switch, f"{name}_in"), getattr(switch, f"{name}_out")
        each = tracks(self._spec, network)
        for direction in Direction:
            for track in range(each):
                port = direction.number * each + track
                arriving = getattr(self, link_name(network, direction, out=False))[track]
                leaving = getattr(self, link_name(network, direction, out=True))[track]
                connect_streams(m, producer=arriving, consumer=switch_in[port])
                connect_streams(m, producer=switch_out[port], consumer=leaving)

        links = len(Direction) * each
        inputs, outputs = unit_ports(self._spec, self._kind, network)
        for port in range(inputs):
            taken = getattr(unit, f"{name}_in")[port]
            self._connect_unit(m, network, port, producer=switch_out[links + port], consumer=taken)
        for port in range(outputs):
            leaving = getattr(unit, f"{name}_out")[port]
            self._connect_unit(m, network, inputs + port, producer=leaving, consumer=switch_in[links + port])
            if port == 0 and network is not Network.CONTROL:
                m.d.comb += getattr(counters, f"{name}_sent").eq(leaving.valid & leaving.ready)

    def _connect_unit(self, m: Module, network: Network, port: int, *, producer: Any, consumer: Any) -> None:
        """Let beats go through a unit's port; with ``stalls`` only in cycles in which ``weft_stall`` lets them."""
        if not self._stalls:
            connect_streams(m, producer=producer, consumer=consumer)
            return
        name = f"{network.value}_stall_{port}"
        gate = stream.Signature(payload_shape(producer)).create(path=(name,))
        go = Signal(name=f"{name}_go")
        connect_streams(m, producer=gate, consumer=consumer)
        m.d.comb += [
            gate.payload.eq(producer.payload),
            gate.valid.eq(producer.valid & go),
            producer.ready.eq(gate.ready & go),
        ]
        m.submodules[name] = Instance(
            "weft_stall",
            i_clk=ClockSignal(),
            i_tile=self.tile,
            i_port=Const(NETWORKS.index(network) << 6 | port, 8),
            i_offer=producer.valid,
            i_hold=gate.valid & ~gate.ready,
            o_go=go,
        )

    def _pass_outward(self, m: Module, name: str, unit: Any) -> None:
        member, mine, its = self.signature.members[name], getattr(self, name), getattr(unit, name)
        if member.is_signature:
            connect(m, outside=flipped(mine), inside=its)
        elif member.flow is Out:
            m.d.comb += mine.eq(its)
        else:
            m.d.comb += its.eq(mine)
