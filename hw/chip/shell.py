"""What surrounds a fabric: registers, launch control and memory channels."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from weft.hw.agcu.ports import argument_signature, memory_signature
from weft.hw.spec import FabricSpec
from weft.hw.tile.config import ConfigBus, bus_groups, context_bits
from weft.hw.topology import TileKind, Topology

from .axi import Axi4, AxiLite
from .channel import Channel
from .control import Control

__all__ = ["Shell", "outer_members"]


def outer_members(spec: FabricSpec) -> dict[str, Any]:
    """Ports of a chip.

    ``host``
        AXI4-Lite, the registers of :class:`weft.hw.address_map.HostRegister`.
    ``channel``
        AXI4, off-chip memory.
    ``interrupt``
        High from the end of a launch to the beginning of the next.
    """
    return {
        "host": In(AxiLite()),
        "channel": Out(Axi4(data_bits=spec.channel_bits)).array(spec.channels),
        "interrupt": Out(1),
    }


class Shell(wiring.Component):
    """Everything of a chip but the fabric.

    The AGCUs of a channel share its AXI4 port; an AGCU's number on the channel is its AXI ID.

    Parameters
    ----------
    spec
        Of the fabric.

    Members
    -------
    host, channel, interrupt
        See :func:`outer_members`.
    bus : Out(ConfigBus(groups=bus_groups(spec))), context, launch, running : Out, read_data : In(32)
        To and from every tile, see :class:`weft.hw.tile.tile.Tile`.
    memory, argument, done, violation : arrays
        Those of each AGCU, in the order of :meth:`weft.hw.topology.Topology.of_kind`.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        count = len(Topology(spec).of_kind(TileKind.AGCU))
        super().__init__(
            {
                **outer_members(spec),
                "bus": Out(ConfigBus(groups=bus_groups(spec))),
                "context": Out(context_bits(spec)),
                "launch": Out(1),
                "running": Out(1),
                "read_data": In(32),
                "memory": In(memory_signature(spec)).array(count),
                "argument": Out(argument_signature(spec)).array(count),
                "done": In(1).array(count),
                "violation": In(1).array(count),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, topology = self._spec, Topology(self._spec)
        agcus = topology.of_kind(TileKind.AGCU)
        m.submodules.control = control = Control(spec=spec)

        connect(m, outside=flipped(self.host), inside=control.host)
        connect(m, outside=flipped(self.bus), inside=control.bus)
        m.d.comb += [
            self.interrupt.eq(control.interrupt),
            self.context.eq(control.context),
            self.launch.eq(control.launch),
            self.running.eq(control.running),
            control.read_data.eq(self.read_data),
            control.done.eq(Cat(self.done[index] for index in range(len(agcus)))),
            control.violation.eq(Cat(self.violation[index] for index in range(len(agcus)))),
        ]
        for index in range(len(agcus)):
            m.d.comb += [
                self.argument[index].valid.eq(control.argument.valid),
                self.argument[index].index.eq(control.argument.index),
                self.argument[index].data.eq(control.argument.data),
            ]

        for number in range(spec.channels):
            users = [index for index, tile in enumerate(agcus) if topology.channel(tile) == number]
            m.submodules[f"channel_{number}"] = channel = Channel(spec=spec, ports=len(users))
            for port, index in enumerate(users):
                connect(m, agcu=flipped(self.memory[index]), channel=channel.port[port])
            connect(m, inside=channel.axi, outside=flipped(self.channel[number]))
            m.d.comb += [
                channel.clear.eq(control.bus.clear),
                control.read_beats[number].eq(channel.read_beats),
                control.written_beats[number].eq(channel.written_beats),
            ]
        return m
