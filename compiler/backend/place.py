"""Placement: a tile for each unit, by simulated annealing on wire length.

The cost of a net is half the perimeter of the box around its units, times a factor for its fan-out (a multicast tree
is longer than half the perimeter) and a weight for its network. A move takes a unit to a free tile of its kind near
it, or swaps it with the unit there; how near shrinks as the temperature does (VPR, Betz and Rose, FPL 1997).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import exp
from operator import itemgetter
from random import Random

from weft.compiler.backend.mapping import FitError
from weft.compiler.netlist.netlist import Netlist, Unit
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile, TileKind, Topology, channel_agcus

__all__ = ["place"]

_Net = tuple[float, int, int, Callable[[list[int]], tuple[int, ...]] | None]
"""The factor of its cost, its first two units, and what picks the coordinates of all, unless it has but two."""

_MOVES_PER_UNIT = 1000
_TEMPERATURES = 60
_HOT, _COLD = 2.5, 0.05
_OTHER_SIDE = 0.25
"""Part of an AGCU's moves that lead to the other column."""
_WEIGHT = {Network.VECTOR: 1.0, Network.SCALAR: 1.0, Network.CONTROL: 1.5}
_FAN_OUT = (0.0, 1.0, 1.0, 1.0, 1.08, 1.15, 1.22, 1.28, 1.34, 1.4, 1.45)
_MORE_FAN_OUT = 0.027
"""Length of a tree over half the perimeter, by the tiles it joins, and what each more adds (Cheng, ICCAD 1994)."""


def place(netlist: Netlist, spec: FabricSpec, *, seed: int = 0) -> dict[str, Tile]:
    """A tile for each unit: of its kind, its own where it is pinned, on its channel where it asks for one.

    The same for equal arguments, and independent of the number of tracks. Time grows a little faster than linearly
    with the number of units.

    Raises
    ------
    FitError
        No free tile for a unit.
    """
    topology = Topology(spec)
    sites = _Sites(topology)
    start = _first_fit(netlist, topology, sites)
    return _Annealing(netlist, spec, sites, start, Random(seed)).run()


class _Sites:
    """The tiles that units may take, column by column. Units of a kind without further wishes share theirs."""

    def __init__(self, topology: Topology) -> None:
        channels = topology.spec.channels
        agcus = topology.of_kind(TileKind.AGCU)
        self._of_kind = {kind: sorted(topology.of_kind(kind), key=_by_column) for kind in TileKind}
        self._of_channel = [
            sorted(agcus[channel_agcus(topology.spec.rows, channels, channel)], key=_by_column)
            for channel in range(channels)
        ]

    def of(self, unit: Unit) -> list[Tile]:
        """The same list for all units that may take the same tiles, but for those that are pinned."""
        if unit.tile is not None:
            return [unit.tile]
        if unit.channel is None:
            return self._of_kind[unit.kind]
        return self._of_channel[unit.channel] if unit.channel < len(self._of_channel) else []


def _by_column(tile: Tile) -> tuple[int, int]:
    return tile.column, tile.row


def _first_fit(netlist: Netlist, topology: Topology, sites: _Sites) -> dict[str, Tile]:
    """A legal placement: the units with the least choice first, each in the first free tile.

    So they begin at one side, if it has room for them; what begins at both sides of a wide fabric stays there.
    """
    spec = topology.spec
    tiles: dict[str, Tile] = {}
    taken: set[Tile] = set()
    remaining: dict[int, Iterator[Tile]] = {}
    by_choice = sorted(netlist.units.values(), key=lambda unit: (unit.tile is None, unit.channel is None))
    for unit in by_choice:
        allowed = sites.of(unit)
        # What was taken once stays so: no need to look at it again. A pinned unit's list is its own.
        rest = iter(allowed) if unit.tile is not None else remaining.setdefault(id(allowed), iter(allowed))
        tile = next((tile for tile in rest if tile not in taken), None)
        if tile is None or topology.tiles.get(tile) is not unit.kind:
            where = f"tile {unit.tile}" if unit.tile is not None else f"a free {unit.kind.value.upper()} tile"
            if unit.tile is None and unit.channel is not None:
                where += f" on channel {unit.channel}"
            raise FitError(f"unit {unit.name!r} needs {where}, which fabric {spec.name!r} does not have")
        tiles[unit.name] = tile
        taken.add(tile)
    return {name: tiles[name] for name in netlist.units}


class _Annealing:
    """The state of one run: units and places by number, so that a move costs a few list look-ups."""

    def __init__(
        self, netlist: Netlist, spec: FabricSpec, sites: _Sites, start: dict[str, Tile], random: Random
    ) -> None:
        self.random = random
        self.height, self.width = spec.rows, spec.columns + 2
        self.names = list(netlist.units)
        number = {name: index for index, name in enumerate(self.names)}
        self.x = [start[name].column for name in self.names]
        self.y = [start[name].row for name in self.names]
        units = list(netlist.units.values())
        allowed = [sites.of(unit) for unit in units]
        places = {id(each): [(tile.column, tile.row) for tile in each] for each in allowed}
        sets = {key: frozenset(each) for key, each in places.items()}
        self.sites = [places[id(each)] for each in allowed]
        self.site_sets = [sets[id(each)] for each in allowed]
        self.edge = [unit.kind is TileKind.AGCU for unit in units]
        self.occupant = {(self.x[unit], self.y[unit]): unit for unit in range(len(units))}
        self.movable = [unit for unit in range(len(units)) if len(self.sites[unit]) > 1]
        self.nets: list[_Net] = []
        self.nets_of: list[list[int]] = [[] for _ in units]
        for net in netlist.nets:
            pins = tuple(dict.fromkeys(number[pin.unit] for pin in (net.source, *net.targets)))
            if len(pins) < 2:
                continue
            listed = min(len(pins), len(_FAN_OUT) - 1)
            factor = _WEIGHT[net.network] * (_FAN_OUT[listed] + _MORE_FAN_OUT * (len(pins) - listed))
            for unit in pins:
                self.nets_of[unit].append(len(self.nets))
            self.nets.append((factor, pins[0], pins[1], itemgetter(*pins) if len(pins) > 2 else None))
        self.costs = self._costs(range(len(self.nets)))

    def _costs(self, nets: Iterable[int]) -> list[float]:
        """What nets cost as their units lie."""
        x, y, all_nets = self.x, self.y, self.nets
        costs: list[float] = []
        for net in nets:
            factor, first, second, all_of = all_nets[net]
            if all_of is None:
                costs.append(factor * (abs(x[first] - x[second]) + abs(y[first] - y[second])))
            else:
                columns, rows = all_of(x), all_of(y)
                costs.append(factor * (max(columns) - min(columns) + max(rows) - min(rows)))
        return costs

    def run(self) -> dict[str, Tile]:
        """Anneal, and give the tiles."""
        if self.movable and self.nets:
            reach = float(max(self.height, self.width))
            moves = _MOVES_PER_UNIT * len(self.movable) // _TEMPERATURES
            temperature = _HOT
            cooling = (_COLD / _HOT) ** (1 / _TEMPERATURES)
            for _ in range(_TEMPERATURES):
                accepted = self._moves(moves, round(reach), temperature)
                temperature *= cooling
                reach = min(max(reach * (0.56 + accepted / moves), 2.0), float(max(self.height, self.width)))
            self._moves(moves, 3, 1e-6)
        return {name: Tile(self.y[unit], self.x[unit]) for unit, name in enumerate(self.names)}

    def _moves(self, count: int, reach: int, temperature: float) -> int:
        """Try so many moves, and accept some; how many.

        A move takes a random unit to a random place near it; AGCUs, whose two columns lie far apart, also change sides.
        Most of the time to place is spent in this loop: what it needs is in local variables, and it calls little.
        """
        accepted, span, mirror = 0, 2 * reach + 1, self.width - 1
        draw, movable, choices = self.random.random, self.movable, len(self.movable)
        x, y, edge, site_sets = self.x, self.y, self.edge, self.site_sets
        occupant, nets_of, costs = self.occupant, self.nets_of, self.costs
        for _ in range(count):
            unit = movable[int(draw() * choices)]
            old_x, old_y = x[unit], y[unit]
            new_x, new_y = old_x, old_y + int(draw() * span) - reach
            if not edge[unit]:
                new_x += int(draw() * span) - reach
            elif draw() < _OTHER_SIDE:
                new_x = mirror - new_x
            old, new = (old_x, old_y), (new_x, new_y)
            if new == old or new not in site_sets[unit]:
                continue
            other = occupant.get(new)
            touched = nets_of[unit]
            if other is not None:
                if old not in site_sets[other]:
                    continue
                touched = list(dict.fromkeys(touched + nets_of[other]))
                x[other], y[other] = old
            x[unit], y[unit] = new
            after = self._costs(touched)
            change = sum(after) - sum([costs[net] for net in touched])
            if change > 0 and draw() >= exp(-change / temperature):
                x[unit], y[unit] = old
                if other is not None:
                    x[other], y[other] = new
                continue
            for net, cost in zip(touched, after, strict=True):
                costs[net] = cost
            occupant[new] = unit
            if other is None:
                del occupant[old]
            else:
                occupant[old] = other
            accepted += 1
        return accepted
