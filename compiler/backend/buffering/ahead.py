"""Free scratchpads let what is loaded run further ahead of its use."""

from __future__ import annotations

from collections import Counter
from math import prod

from weft.compiler.backend.buffering.fifos import with_fifos
from weft.compiler.netlist.netlist import Net, Netlist, Pin
from weft.hw.program import Agcu, Pmu
from weft.hw.program.agcu import AgcuKind
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, TileKind, Topology

__all__ = ["further_ahead"]

_LONG = 4
"""FIFOs that a long load fills."""


def further_ahead(netlist: Netlist, spec: FabricSpec) -> Netlist:
    """The netlist with one more FIFO before each that a load fills, the longest loads first, while PMUs are free.

    While something else keeps the use of it waiting, as attention does products, channels go on until FIFOs are full.
    A load that a few FIFOs would hold whole gets none: it gains less than ways through a fuller array cost.
    """
    used = Counter(unit.kind for unit in netlist.units.values())
    free = len(Topology(spec).of_kind(TileKind.PMU)) - used[TileKind.PMU]
    filled = [
        (-_beats(netlist, net, pin), pin)
        for net in netlist.nets
        if net.network is Network.VECTOR
        for pin in net.targets
        if _is_fifo(netlist, pin) and _beats(netlist, net, pin) >= _LONG * spec.pmu_lines
    ]
    for _, pin in sorted(filled)[: max(0, free)]:
        netlist = with_fifos(netlist, Network.VECTOR, pin, 1, spec)
    return netlist


def _beats(netlist: Netlist, net: Net, pin: Pin) -> int:
    """Beats of a turn that a load sends for a FIFO, launch sizes counted as 1; 0 if it comes from no load."""
    program, fifo = netlist.units[net.source.unit].program, netlist.units[pin.unit].program
    if not isinstance(program, Agcu) or program.kind is not AgcuKind.LOAD:
        return 0
    if isinstance(fifo, Pmu) and fifo.period:
        return fifo.block_to - fifo.block_from
    return prod(max(1, level.bound) for level in program.levels)


def _is_fifo(netlist: Netlist, pin: Pin) -> bool:
    program = netlist.units[pin.unit].program
    return isinstance(program, Pmu) and not program.write_rank and program.block_lines == 1 and not program.levels
