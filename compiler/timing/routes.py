"""A net on its switches: what lies between its source, the switches where it parts, and its targets."""

from __future__ import annotations

from dataclasses import dataclass

from weft.compiler.backend.mapping import Hop, Route, link_input, switch_pin
from weft.compiler.netlist.netlist import Pin
from weft.compiler.timing.stream import Link
from weft.hw.program.firings.links import FORK, SKID, Exit
from weft.hw.spec import FabricSpec
from weft.hw.topology import Direction, Network, Tile, tracks

__all__ = ["Branch", "branches"]


@dataclass(frozen=True)
class Branch:
    """A part of a net without a fork: over ``link`` to an input, or to a fork of other branches."""

    link: Link
    pin: Pin | None
    parts: tuple[Branch, ...] = ()


def branches(
    route: Route, source: Tile, targets: dict[tuple[Tile, int], Pin], leaving: Exit, spec: FabricSpec
) -> Branch:
    """The tree of a route from a unit in the tile ``source``; ``targets`` are pins by tile and switch output."""
    network = route.net.network
    outputs: dict[tuple[Tile, int], list[Hop]] = {}
    for hop in route.hops:
        outputs.setdefault((hop.tile, hop.input), []).append(hop)
    first = source, switch_pin(spec, network, route.net.source.port)
    return _branch(first, outputs, targets, leaving, network, spec)


def _branch(
    place: tuple[Tile, int],
    outputs: dict[tuple[Tile, int], list[Hop]],
    targets: dict[tuple[Tile, int], Pin],
    leaving: Exit,
    network: Network,
    spec: FabricSpec,
    switches: int = 1,
) -> Branch:
    """The branch that comes to a switch's input as the last of ``switches`` that it passes without parting."""
    while len(hops := outputs[place]) == 1:
        hop = hops[0]
        if hop.output >= len(Direction) * tracks(spec, network):
            capacity = leaving.capacity + SKID * switches + spec.fifo_depth
            link = Link(capacity, leaving.latency + switches + 1, leaving.room + switches + 1)
            return Branch(link, targets[hop.tile, hop.output])
        place, switches = link_input(spec, network, hop.tile, hop.output), switches + 1
    link = Link(leaving.capacity + SKID * switches, leaving.latency + switches, leaving.room + switches)
    return Branch(link, None, tuple(_part(hop, outputs, targets, network, spec) for hop in hops))


def _part(
    hop: Hop,
    outputs: dict[tuple[Tile, int], list[Hop]],
    targets: dict[tuple[Tile, int], Pin],
    network: Network,
    spec: FabricSpec,
) -> Branch:
    """The branch that leaves a fork at a switch's output."""
    if hop.output >= len(Direction) * tracks(spec, network):
        link = Link(FORK.capacity + spec.fifo_depth, FORK.latency + 1, FORK.room + 1)
        return Branch(link, targets[hop.tile, hop.output])
    return _branch(link_input(spec, network, hop.tile, hop.output), outputs, targets, FORK, network, spec)
