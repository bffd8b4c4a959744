"""The rules of a legal mapping, checked from the words of the hardware's description and not from the router's."""

from weft.compiler.backend.mapping import Mapping
from weft.hw.topology import Network, Tile, TileKind

SIDES = ((-1, 0), (0, 1), (1, 0), (0, -1))  # north, east, south, west


def check_mapping(mapping: Mapping) -> None:
    """Fails unless every unit has a tile of its own kind and every net reaches exactly its targets."""
    spec, netlist = mapping.spec, mapping.netlist
    columns = spec.columns + 2
    assert set(mapping.tiles) == set(netlist.units)
    assert len(set(mapping.tiles.values())) == len(mapping.tiles), "two units in one tile"
    for name, tile in mapping.tiles.items():
        assert 0 <= tile.row < spec.rows
        assert 0 <= tile.column < columns
        if tile.column in (0, columns - 1):
            kind = TileKind.AGCU
        else:
            letters = spec.pattern[tile.row % len(spec.pattern)]
            letter = letters[(tile.column - 1) % len(letters)]
            kind = TileKind.PCU if letter == "C" else TileKind.PMU
        assert netlist.units[name].kind is kind
        assert netlist.units[name].tile in (None, tile)
    assert [route.net for route in mapping.routes] == list(netlist.nets)
    used: set[tuple[Network, Tile, int]] = set()
    for route in mapping.routes:
        count = {
            Network.VECTOR: spec.vector_tracks,
            Network.SCALAR: spec.scalar_tracks,
            Network.CONTROL: spec.control_tracks,
        }[route.net.network]
        source = route.net.source
        fed = {(mapping.tiles[source.unit], 4 * count + source.port)}
        ends: list[tuple[Tile, int]] = []
        for hop in route.hops:
            assert (hop.tile, hop.input) in fed, "a hop sends what does not arrive there"
            assert (route.net.network, hop.tile, hop.output) not in used, "an output is used twice"
            used.add((route.net.network, hop.tile, hop.output))
            if hop.output >= 4 * count:
                ends.append((hop.tile, hop.output - 4 * count))
                continue
            side, track = divmod(hop.output, count)
            assert hop.input >= 4 * count or hop.input // count != side, "a U-turn"
            rows, shift = SIDES[side]
            to = Tile(hop.tile.row + rows, hop.tile.column + shift)
            assert 0 <= to.row < spec.rows
            assert 0 <= to.column < columns
            arrival = (to, (side + 2) % 4 * count + track)
            assert arrival not in fed, "a stream meets itself"
            fed.add(arrival)
        wanted = [(mapping.tiles[pin.unit], pin.port) for pin in route.net.targets]
        assert sorted(ends) == sorted(wanted)
        sent = {(hop.tile, hop.input) for hop in route.hops}
        assert fed == sent, "a link leads nowhere"
