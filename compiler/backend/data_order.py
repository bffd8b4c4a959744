"""The units of a netlist in the order in which data passes them."""

from __future__ import annotations

from collections.abc import Iterator

import networkx as nx

from weft.compiler.netlist.netlist import Netlist

__all__ = ["data_order"]


def data_order(netlist: Netlist) -> list[str]:
    """Names of all units: each after those that feed it, and what feeds it from aside (a weight's load) just before it.

    Where data goes round (the residual stream from a layer's end to its begin), the order begins behind the net that
    leads back from the end. Equal netlists give equal orders.
    """
    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(netlist.units)
    for net in netlist.nets:
        graph.add_edges_from((net.source.unit, pin.unit) for pin in net.targets)
    # The longest way first, so that the short ones come late.
    lengths = {unit: len(nx.ancestors(graph, unit)) for unit in graph}
    feeding = {unit: sorted(graph.predecessors(unit), key=lambda each: -lengths[each]) for unit in graph}
    ends = [unit for unit in graph if not graph.out_degree(unit)]
    done: dict[str, None] = {}
    for unit in sorted(ends, key=lambda each: -lengths[each]) + list(graph):
        for each in _back_from(unit, feeding, done):
            done[each] = None
    return list(done)


def _back_from(end: str, feeding: dict[str, list[str]], done: dict[str, None]) -> Iterator[str]:
    """Depth first from a unit against the nets, each unit after what feeds it."""
    if end in done:
        return
    entered = {end}
    way = [(end, iter(feeding[end]))]
    while way:
        unit, rest = way[-1]
        following = next((each for each in rest if each not in entered and each not in done), None)
        if following is None:
            way.pop()
            yield unit
        else:
            entered.add(following)
            way.append((following, iter(feeding[following])))
