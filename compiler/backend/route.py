"""Routing: a tree of links for each net, by negotiated congestion.

Nets are routed one by one over the cheapest links. Where more nets want a link than it has tracks, its price rises,
for the moment and for good, and the nets on it are routed again, until each has found its way or the iterations are
used up (PathFinder, McMurchie and Ebeling, FPGA 1995).

The tracks between two switches are alike, and a stream may change track at every switch. So the search runs over
(tile, direction) with the tracks as capacity, and numbers of tracks are given out at the end. A tree enters a tile
once at most, so it never turns back.
"""

from __future__ import annotations

from collections import Counter
from heapq import heappop, heappush

from weft.compiler.backend.mapping import FitError, Hop, Route, switch_pin
from weft.compiler.netlist.netlist import Net, Netlist
from weft.hw.spec import FabricSpec
from weft.hw.topology import NETWORKS, Direction, Network, Tile, Topology, tracks

__all__ = ["route"]

Edge = tuple[int, int]
"""From a tile in a direction, both by number."""

_ITERATIONS = 40
_MAX_TRACKS = 8


def route(netlist: Netlist, tiles: dict[str, Tile], spec: FabricSpec) -> tuple[Route, ...]:
    """A route for each net of a placed netlist, in its order; the same for equal arguments.

    Raises
    ------
    FitError
        More tracks are needed; the sentence names a tile, and the least numbers of tracks for this placement.
    """
    routes: dict[int, Route] = {}
    missing: list[str] = []
    changes: dict[str, int] = {}
    for network in NETWORKS:
        nets = {index: net for index, net in enumerate(netlist.nets) if net.network is network}
        router = _Router(spec, network, list(nets.values()), tiles)
        crowded = router.negotiate(tracks(spec, network))
        if crowded is None:
            routes |= dict(zip(nets, router.routes(), strict=True))
            continue
        missing.append(_crowded_sentence(router, crowded))
        enough = _enough_tracks(router, tracks(spec, network))
        if enough is not None:
            changes[f"{network.value}_tracks"] = enough
    if missing:
        sentence = f"needs {' and '.join(missing)} on fabric {spec.name!r}"
        raise FitError(sentence, changes if len(changes) == len(missing) else None)
    return tuple(routes[index] for index in range(len(netlist.nets)))


def _crowded_sentence(router: _Router, crowded: tuple[Edge, int]) -> str:
    (number, direction), wanted = crowded
    tile = router.tile_of[number]
    name, side = router.network.value, list(Direction)[direction].name.lower()
    return f"{wanted} {name} tracks {side} of tile {tile} where there are {tracks(router.spec, router.network)}"


def _enough_tracks(router: _Router, have: int) -> int | None:
    return next((count for count in range(have + 1, _MAX_TRACKS + 1) if router.negotiate(count) is None), None)


class _Router:
    """One network: tiles by number, and for each net the edges of its tree, outwards."""

    def __init__(self, spec: FabricSpec, network: Network, nets: list[Net], tiles: dict[str, Tile]) -> None:
        topology = Topology(spec)
        self.spec, self.network, self.nets, self.tiles = spec, network, nets, tiles
        self.tile_of = list(topology.tiles)
        self.number = number = {tile: index for index, tile in enumerate(self.tile_of)}
        self.neighbours = [
            [(direction.number, number[other]) for direction, other in topology.neighbours(tile)]
            for tile in self.tile_of
        ]
        self.position = [(tile.row, tile.column) for tile in self.tile_of]
        self.sources = [number[tiles[net.source.unit]] for net in nets]
        self.ends = [list(dict.fromkeys(number[tiles[pin.unit]] for pin in net.targets)) for net in nets]
        self.trees: list[dict[Edge, int]] = []
        self.use: Counter[Edge] = Counter()
        self.history: Counter[Edge] = Counter()
        self.pressure = 0.0
        self.capacity = 0

    def negotiate(self, capacity: int) -> tuple[Edge, int] | None:
        """Route all nets; the worst edge and the nets that want it if they do not all find room."""
        self.capacity, self.pressure = capacity, 0.5
        self.use, self.history = Counter(), Counter()
        self.trees = [{} for _ in self.nets]
        pending = list(range(len(self.nets)))
        crowded: dict[Edge, int] = {}
        for _ in range(_ITERATIONS):
            for net in pending:
                self.use.subtract(self.trees[net].keys())
                self.trees[net] = self._tree(self.sources[net], self.ends[net])
                self.use.update(self.trees[net].keys())
            crowded = {edge: count for edge, count in self.use.items() if count > capacity}
            if not crowded:
                return None
            for edge, count in crowded.items():
                self.history[edge] += count - capacity
            self.pressure = min(self.pressure * 1.5, 1000.0)
            pending = [net for net, tree in enumerate(self.trees) if not crowded.keys().isdisjoint(tree)]
        return max(crowded.items(), key=lambda item: (item[1], (-item[0][0], -item[0][1])))

    def _price(self, edge: Edge) -> float:
        over = self.use[edge] + 1 - self.capacity
        price = 1.0 + 0.5 * self.history[edge]
        return price * (1.0 + self.pressure * over) if over > 0 else price

    def _tree(self, source: int, ends: list[int]) -> dict[Edge, int]:
        """The edges of a tree from a tile to others, outwards, each with the tile it leads to."""
        tree: dict[Edge, int] = {}
        reached = {source: None}
        row, column = self.position[source]
        for end in sorted(ends, key=lambda e: abs(self.position[e][0] - row) + abs(self.position[e][1] - column)):
            if end in reached:
                continue
            for edge, tile in self._path(reached, end):
                tree[edge] = tile
                reached[tile] = None
        return tree

    def _path(self, reached: dict[int, None], end: int) -> list[tuple[Edge, int]]:
        """The cheapest way from a tree to a tile (A*: every edge costs at least 1)."""
        row, column = self.position[end]
        position = self.position
        best = dict.fromkeys(reached, 0.0)
        came: dict[int, Edge] = {}
        heap = [(float(abs(position[t][0] - row) + abs(position[t][1] - column)), 0.0, t) for t in reached]
        heap.sort()
        done: set[int] = set()
        while True:
            _, cost, tile = heappop(heap)
            if tile == end:
                break
            if tile in done:
                continue
            done.add(tile)
            for direction, other in self.neighbours[tile]:
                if other in done:
                    continue
                total = cost + self._price((tile, direction))
                if total < best.get(other, 1e30):
                    best[other] = total
                    came[other] = (tile, direction)
                    ahead = abs(position[other][0] - row) + abs(position[other][1] - column)
                    heappush(heap, (total + ahead, total, other))
        path: list[tuple[Edge, int]] = []
        while tile not in reached:
            path.append((came[tile], tile))
            tile = came[tile][0]
        return path[::-1]

    # -- from edges to switch settings ------------------------------------------------------------------

    def routes(self) -> list[Route]:
        """The routes of a settled negotiation; a net keeps its track from switch to switch where it can."""
        taken: dict[Edge, set[int]] = {}
        return [self._route(net, tree, taken) for net, tree in zip(self.nets, self.trees, strict=True)]

    def _route(self, net: Net, tree: dict[Edge, int], taken: dict[Edge, set[int]]) -> Route:
        count = tracks(self.spec, self.network)
        directions = list(Direction)
        entry = {self.number[self.tiles[net.source.unit]]: switch_pin(self.spec, self.network, net.source.port)}
        hops: list[Hop] = []
        for edge, target in tree.items():
            tile, direction = edge
            used = taken.setdefault(edge, set())
            keep = entry[tile] % count if entry[tile] < len(directions) * count else 0
            track = next(t for t in (keep, *range(count)) if t not in used)
            used.add(track)
            hops.append(Hop(self.tile_of[tile], direction * count + track, entry[tile]))
            entry[target] = directions[direction].opposite.number * count + track
        for pin in net.targets:
            place = self.tiles[pin.unit]
            hops.append(Hop(place, switch_pin(self.spec, self.network, pin.port), entry[self.number[place]]))
        return Route(net, tuple(hops))
