"""The phases of a program: its weighted products one after the other, and what is computed in between."""

from __future__ import annotations

from dataclasses import dataclass

from weft.compiler.netlist.netlist import Netlist, Pin
from weft.compiler.timing.timeline import Span, Timeline
from weft.hw.program import Accumulate, Agcu, AgcuKind, Pcu, Pmu, Trigger
from weft.hw.topology import Network

__all__ = ["Group", "groups_of", "weighted_products"]


@dataclass(frozen=True)
class Group:
    """PCUs that are one phase, called after the last that is done; of a product, after all of them."""

    name: str
    units: tuple[str, ...]


def weighted_products(netlist: Netlist) -> set[str]:
    """PCUs that multiply with weights: they accumulate, and unpack what memory sends without being told when."""
    sources = {(pin, net.network): net.source.unit for net in netlist.nets for pin in net.targets}

    def source_of(unit: str) -> str:
        return sources[Pin(unit), Network.VECTOR]

    found: set[str] = set()
    for name, unit in netlist.units.items():
        program = unit.program
        if not isinstance(program, Pcu) or not program.unpack or program.accumulate is not Accumulate.DRAIN:
            continue
        source = source_of(name)
        while isinstance(before := netlist.units[source].program, Pmu) and before.trigger is Trigger.BLOCK:
            source = source_of(source)
        if isinstance(before, Agcu) and before.kind is AgcuKind.LOAD and not before.wait_token:
            found.add(name)
    return found


def groups_of(timeline: Timeline) -> list[Group]:
    """Phases in the order in which they end.

    Products that overlap in time are one. What ends between two of them is one phase, too, if it has work in the same
    turns.
    """
    products = weighted_products(timeline.machine.mapping.netlist)
    spans = timeline.spans
    turns = {name: tuple(turn for turn, each in enumerate(spans) if name in each) for name in timeline.units}
    groups: list[list[str]] = []
    for name in _in_order(spans):
        last = groups[-1] if groups else []
        if last and turns[last[-1]] == turns[name] and _belong(last, name, products, spans[turns[name][-1]]):
            last.append(name)
        else:
            groups.append([name])
    return [Group(", ".join(each) if each[0] in products else each[-1], tuple(each)) for each in groups]


def _in_order(spans: list[dict[str, Span]]) -> list[str]:
    """All PCUs by when they end in the last turn in which they work."""
    ends = {name: span.end for each in spans for name, span in each.items()}
    return sorted(ends, key=lambda name: ends[name])


def _belong(group: list[str], name: str, products: set[str], spans: dict[str, Span]) -> bool:
    if (name in products) != (group[0] in products):
        return False
    return name not in products or spans[name].begin < spans[group[-1]].end
