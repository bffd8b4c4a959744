"""What lies between units: how many beats leave a unit before anybody takes them, what switches hold, and cycles."""

from __future__ import annotations

from dataclasses import dataclass

from weft.hw.program.agcu import Agcu
from weft.hw.program.firings.pipeline import pipeline_depth
from weft.hw.program.pcu import Pcu
from weft.hw.program.pmu import Pmu
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network

__all__ = ["FORK", "SKID", "Exit", "exit_of", "sure_capacity"]

SKID = 2
"""Beats in the buffer at each input of a switch."""


@dataclass(frozen=True)
class Exit:
    """How beats leave a unit or a fork.

    Parameters
    ----------
    capacity
        Beats that it can have given without anybody taking them.
    latency
        Cycles to the beat at the unit's port.
    room
        Cycles from there back.
    sure
        Beats that it is sure to have given before it stops for want of room. An AGCU is not done while it holds one; a
        PCU stops with a result at the end of its pipeline.
    """

    capacity: int
    latency: int
    room: int
    sure: int = 0


FORK = Exit(1, 0, 1)
"""A fork gives a beat to each of its branches as soon as it has room, though not yet the next (eager)."""


def exit_of(program: Pcu | Pmu | Agcu, network: Network, spec: FabricSpec) -> Exit:
    """How a unit's beats leave for a network."""
    if isinstance(program, Pcu):
        return Exit(2, pipeline_depth(program, spec) + 1, 1, sure=3)
    if isinstance(program, Pmu):
        return Exit(2, 1, 1, sure=2) if network is Network.CONTROL else Exit(4, 2, 1, sure=4)
    return Exit(1, 1, 0) if network is Network.VECTOR else Exit(1, 0, 0)


def sure_capacity(leaving: Exit, targets: int, spec: FabricSpec) -> int:
    """Beats that one branch of a net with so many targets is sure to hold, wherever its units are placed.

    Two units are never in one tile, so a beat passes at least two switches. Where a net has several targets its last
    switch may be where it parts, and then only the target's own queue is sure; the beat at the head is seen by all.
    """
    return spec.fifo_depth + 1 if targets > 1 else spec.fifo_depth + 2 * SKID + leaving.sure
