"""FIFOs on links: scratchpads of single beats, one behind the other, before an input."""

from __future__ import annotations

from dataclasses import replace

from weft.compiler.netlist.netlist import Net, Netlist, Pin, Unit
from weft.hw.program import Pmu, PmuLevel, Port
from weft.hw.program.firings.links import exit_of, sure_capacity
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network

__all__ = ["MOST_FIFOS", "fifo_room", "with_fifos"]

MOST_FIFOS = 16
"""FIFOs that may stand in a row before an input."""


def fifo_room(network: Network, spec: FabricSpec) -> int:
    """Beats for which a FIFO before an input makes room: its lines, and the link behind it."""
    return spec.pmu_lines + sure_capacity(exit_of(_fifo(network, spec), network, spec), 1, spec)


def with_fifos(netlist: Netlist, network: Network, end: Pin, count: int, spec: FabricSpec) -> Netlist:
    """The netlist with ``count`` FIFOs in a row before an input, each as deep as a PMU has lines.

    Before a FIFO that keeps some beats of a stream, the first of them keeps these, and those behind it all they get.
    """
    program = _fifo(network, spec)
    units, nets, first = dict(netlist.units), list(netlist.nets), end
    for _ in range(count):
        name, number = f"{end.unit}.fifo", 2
        while name in units:
            name, number = f"{end.unit}.fifo.{number}", number + 1
        place = next(place for place, net in enumerate(nets) if net.network is network and first in net.targets)
        rest = tuple(sorted({*nets[place].targets, Pin(name)} - {first}))
        nets[place] = Net(network, nets[place].source, rest)
        nets.append(Net(network, Pin(name), (first,)))
        units[name] = Unit(name, program, lines=netlist.units[end.unit].lines)
        behind = units[first.unit].program
        if isinstance(behind, Pmu) and behind.period and not behind.write_rank:  # what it leaves out goes into neither
            choice = {each: getattr(behind, each) for each in ("period", "block_from", "block_to")}
            units[name] = replace(units[name], program=replace(program, **choice))
            units[first.unit] = replace(units[first.unit], program=replace(behind, **dict.fromkeys(choice, 0)))
        first = Pin(name)
    return Netlist(units, (*nets,))


def _fifo(network: Network, spec: FabricSpec) -> Pmu:
    # By length, so that a void beat, of which nothing is kept, goes through as one.
    port = Port[network.name]
    return Pmu(write=port, block_lines=1, blocks=spec.pmu_lines, read=port, levels=(PmuLevel(),), by_length=True)
