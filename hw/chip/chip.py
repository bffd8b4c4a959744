"""The whole chip: fabric, memory channels, host interface."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect, flipped

from weft.hw.fabric import FABRIC, Fabric, fabric_members
from weft.hw.spec import FabricSpec
from weft.hw.topology import TileKind, Topology
from weft.hw.verilog_ports import verilog_ports

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
        Assertions in a fabric that is not an instance, for simulation.
    instance
        Place the fabric as an instance of the Verilog module :data:`weft.hw.fabric.FABRIC`, which is written apart.
        Amaranth's simulator needs False.

    Members
    -------
    host, channel, interrupt
        See :func:`weft.hw.chip.shell.outer_members`.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False, instance: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        self._instance = instance
        super().__init__(outer_members(spec))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec = self._spec
        fabric = self._place_fabric(m)
        m.submodules.shell = shell = Shell(spec=spec)

        connect(m, outside=flipped(self.host), inside=shell.host)
        for number in range(spec.channels):
            connect(m, inside=shell.channel[number], outside=flipped(self.channel[number]))
        connect(m, shell=shell.bus, fabric=fabric.bus)
        m.d.comb += [
            self.interrupt.eq(shell.interrupt),
            fabric.active_context.eq(shell.context),
            fabric.launch.eq(shell.launch),
            fabric.running.eq(shell.running),
            shell.read_data.eq(fabric.read_data),
        ]
        for index in range(len(Topology(spec).of_kind(TileKind.AGCU))):
            connect(m, shell=shell.memory[index], fabric=fabric.memory[index])
            connect(m, shell=shell.argument[index], fabric=fabric.argument[index])
            m.d.comb += [shell.done[index].eq(fabric.done[index]), shell.violation[index].eq(fabric.violation[index])]
        return m

    def _place_fabric(self, m: Module) -> Any:
        """Add the fabric; its ports."""
        if not self._instance:
            m.submodules.fabric = fabric = Fabric(spec=self._spec, checks=self._checks)
            return fabric
        ports = wiring.Signature(fabric_members(self._spec)).create(path=("fabric",))
        named = verilog_ports(ports).items()
        wires = {f"{'i' if flow is In else 'o'}_{name}": value for name, (flow, value) in named}
        m.submodules.fabric = Instance(FABRIC, i_clk=ClockSignal(), i_rst=ResetSignal(), **wires)
        return ports
