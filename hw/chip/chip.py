"""The whole chip: fabric, memory channels, host interface."""

from __future__ import annotations

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import connect, flipped

from hw.fabric import Fabric
from hw.spec import FabricSpec
from hw.topology import TileKind, Topology

from .shell import Shell, outer_members

__all__ = ["Chip"]


class Chip(wiring.Component):
    """A fabric with AXI ports: the top of every simulation and of every board.

    In Verilog the ports are called ``host__awaddr``, ``channel__0__araddr`` and so on; ``rst`` is synchronous.

    Parameters
    ----------
    spec
        Of the fabric.
    checks
        Assertions and taps, for simulation.
    instances
        Place tiles as Verilog instances of modules that are converted apart, see :class:`hw.fabric.Fabric`.

    Members
    -------
    host, channel, interrupt
        See :func:`hw.chip.shell.outer_members`.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False, instances: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        self._instances = instances
        super().__init__(outer_members(spec))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        m.submodules.fabric = fabric = Fabric(spec=spec, checks=self._checks, instances=self._instances)
        m.submodules.shell = shell = Shell(spec=spec)

        connect(m, outside=flipped(self.host), inside=shell.host)
        for number in range(spec.channels):
            connect(m, inside=shell.channel[number], outside=flipped(self.channel[number]))
        connect(m, shell=shell.bus, fabric=fabric.bus)
        m.d.comb += [
            self.interrupt.eq(shell.interrupt),
            fabric.context.eq(shell.context),
            fabric.launch.eq(shell.launch),
            fabric.running.eq(shell.running),
            shell.read_data.eq(fabric.read_data),
        ]
        for index in range(len(Topology(spec).of_kind(TileKind.AGCU))):
            connect(m, shell=shell.memory[index], fabric=fabric.memory[index])
            connect(m, shell=shell.argument[index], fabric=fabric.argument[index])
            m.d.comb += [shell.done[index].eq(fabric.done[index]), shell.violation[index].eq(fabric.violation[index])]
        return m
