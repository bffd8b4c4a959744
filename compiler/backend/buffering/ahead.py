"""Free scratchpads let weights run further ahead of their products."""

from __future__ import annotations

from collections import Counter
from math import prod

from weft.compiler.backend.buffering.fifos import with_fifo
from weft.compiler.netlist.netlist import Net, Netlist, Pin
from weft.hw.program import Agcu, Pmu
from weft.hw.program.agcu import AgcuKind
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, TileKind, Topology

__all__ = ["further_ahead"]


def further_ahead(netlist: Netlist, spec: FabricSpec) -> Netlist:
    """One more FIFO before each that keeps beats of memory for later, those that the most go through first.

    While something else keeps a product waiting, as attention does, the channels go on until such FIFOs are full.
    """
    taken = Counter(unit.kind for unit in netlist.units.values())[TileKind.PMU]
    free = len(Topology(spec).of_kind(TileKind.PMU)) - taken
    loads = {name: unit.program for name, unit in netlist.units.items() if isinstance(unit.program, Agcu)}
    fed: list[tuple[int, Pin]] = []
    for net in netlist.nets:
        load = loads.get(net.source.unit)
        if load is not None and load.kind is AgcuKind.LOAD and net.network is Network.VECTOR:
            fed += [(-_beats(load), pin) for pin in net.targets if _is_fifo(netlist, pin)]
    for _, pin in sorted(fed)[: max(0, free)]:
        netlist = with_fifo(netlist, pin, Network.VECTOR, spec)
    return netlist


def _beats(load: Agcu) -> int:
    """Beats of a turn, a launch's sizes as 1."""
    return prod(max(1, level.bound) for level in load.levels)


def _is_fifo(netlist: Netlist, pin: Pin) -> bool:
    program = netlist.units[pin.unit].program
    return isinstance(program, Pmu) and not program.write_rank and not program.levels and program.blocks > 1
