"""What lies between units, from routes written by hand."""

from __future__ import annotations

from weft.compiler.backend.mapping import Hop, Route
from weft.compiler.netlist.netlist import Net, Pin
from weft.compiler.timing.routes import Branch, branches
from weft.compiler.timing.stream import Link
from weft.hw.presets import PRESETS
from weft.hw.program.firings.links import Exit
from weft.hw.topology import Network, Tile

TINY = PRESETS["tiny"]  # two vector tracks: links are ports 0 to 7 of a switch, north, east, south, west; then the unit
UNIT, NORTH, EAST, SOUTH, WEST = 8, 0, 2, 4, 6
LEAVING = Exit(capacity=4, latency=2, room=1)


def test_a_straight_way() -> None:
    """Two switches, each with two beats and a cycle each way, then a queue of ``fifo_depth``, a cycle each way."""
    route = Route(
        Net(Network.VECTOR, Pin("a"), (Pin("b"),)),
        (Hop(Tile(0, 1), EAST, UNIT), Hop(Tile(0, 2), UNIT, WEST)),
    )
    branch = branches(route, Tile(0, 1), {(Tile(0, 2), UNIT): Pin("b")}, LEAVING, TINY)
    assert branch == Branch(Link(capacity=4 + 2 * 2 + 4, latency=2 + 2 + 1, room=1 + 2 + 1), Pin("b"))


def test_a_fork() -> None:
    """It parts in the second switch: one beat may have gone to one side and not yet to the other."""
    route = Route(
        Net(Network.VECTOR, Pin("a"), (Pin("b"), Pin("c", 1))),
        (
            Hop(Tile(0, 1), EAST, UNIT),
            Hop(Tile(0, 2), UNIT, WEST),
            Hop(Tile(0, 2), SOUTH, WEST),
            Hop(Tile(1, 2), UNIT + 1, NORTH),
        ),
    )
    targets = {(Tile(0, 2), UNIT): Pin("b"), (Tile(1, 2), UNIT + 1): Pin("c", 1)}
    branch = branches(route, Tile(0, 1), targets, LEAVING, TINY)
    assert branch.pin is None
    assert branch.link == Link(capacity=4 + 2 * 2, latency=2 + 2, room=1 + 2)
    assert branch.parts == (
        Branch(Link(capacity=1 + 4, latency=1, room=1 + 1), Pin("b")),
        Branch(Link(capacity=1 + 2 + 4, latency=1 + 1, room=1 + 1 + 1), Pin("c", 1)),
    )
