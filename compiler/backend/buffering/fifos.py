"""FIFOs on links: scratchpads of single beats, one behind the other, before an input."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from weft.compiler.backend.buffering.network import Channel
from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.program import Pmu, PmuLevel, Port
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network

__all__ = ["MOST_FIFOS", "FifoRow"]

MOST_FIFOS = 16
"""FIFOs that may stand in a row before an input."""


@dataclass(frozen=True)
class FifoRow:
    """The FIFOs before an input.

    Parameters
    ----------
    end
        The input.
    count
        FIFOs before it.
    first
        The input that their stream comes to first: that of the outermost FIFO, or ``end``.
    net
        The stream.
    """

    end: Pin
    count: int
    first: Pin
    net: Net

    @classmethod
    def at(cls, channel: Channel, netlist: Netlist, fifos: Set[str]) -> FifoRow | None:
        """The row that a channel belongs to, of which ``fifos`` are the FIFOs; None for the blocks of a PMU."""
        if channel.net is None:
            return None
        network, end = channel.net.network, channel.pin
        while end.unit in fifos:
            end = next(net.targets[0] for net in netlist.nets if net.source.unit == end.unit)
        first, count = end, 0
        while True:
            net = next(each for each in netlist.nets if each.network is network and first in each.targets)
            if net.source.unit not in fifos:
                return cls(end, count, first, net)
            first, count = Pin(net.source.unit), count + 1

    def longer(self, netlist: Netlist, spec: FabricSpec) -> Netlist:
        """With one more FIFO before the others, as deep as a PMU has lines."""
        port = Port[self.net.network.name]
        name, number = f"{self.end.unit}.fifo", 2
        while name in netlist.units:
            name, number = f"{self.end.unit}.fifo.{number}", number + 1
        # By length, so that a void beat, of which nothing is kept, goes through as one.
        program = Pmu(write=port, block_lines=1, blocks=spec.pmu_lines, read=port, levels=(PmuLevel(),), by_length=True)
        unit = Unit(name, program, lines=netlist.units[self.end.unit].lines)
        rest = tuple(sorted({*self.net.targets, Pin(name)} - {self.first}))
        nets = [Net(self.net.network, self.net.source, rest) if each is self.net else each for each in netlist.nets]
        return Netlist({**netlist.units, name: unit}, (*nets, Net(self.net.network, Pin(name), (self.first,))))

    def fits(self, more: int) -> bool:
        """Whether so many more can stand there; tokens cannot wait in a PMU."""
        return self.net.network is not Network.CONTROL and self.count + more <= MOST_FIFOS
