"""What a link is sure to hold."""

from __future__ import annotations

from weft.compiler.netlist.netlist import Net, Program
from weft.hw.program import Agcu, Pcu, Pmu
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network

__all__ = ["link_capacity"]

_SKID = 2
"""Beats in the buffer at each input of a switch."""
_OUTPUT = {Pcu: 3, Pmu: 4, Agcu: 0}
"""Beats that a unit can have sent without anybody taking them: a PCU's output queue and the end of its pipeline, a
PMU's output queue. An AGCU is not done while it holds one."""
_TOKENS = {Pmu: 2, Agcu: 0}
"""Of them on the control network."""


def link_capacity(net: Net, program: Program, spec: FabricSpec) -> int:
    """Beats that one branch of a net is sure to hold, wherever its units are placed.

    Two units are never in one tile, so a beat passes at least two switches. Where a net has several targets its last
    switch may be where it parts, and then only the target's own queue is sure; the beat at the head is seen by all.
    """
    if len(net.targets) > 1:
        return spec.fifo_depth + 1
    waiting = _TOKENS if net.network is Network.CONTROL else _OUTPUT
    return spec.fifo_depth + 2 * _SKID + waiting[type(program)]
