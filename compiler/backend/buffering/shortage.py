"""Which channel of a deadlocked program is too small, and what it would have to hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from weft.compiler.backend.buffering.execute import Execution, Wait
from weft.compiler.backend.buffering.network import Channel, ProcessNetwork

__all__ = ["Shortage", "find_shortage", "shortages_of"]


@dataclass(frozen=True)
class Shortage:
    """A full channel in a deadlock's circle of waits.

    ``needed`` is the least capacity with which it is not full in a deadlock; ``sentence`` says all of this, and who
    waits for whom.
    """

    channel: Channel
    needed: int
    sentence: str


def find_shortage(networks: Iterable[ProcessNetwork]) -> list[Shortage]:
    """The shortages of the first network that deadlocks; empty if none does."""
    return next((found for network in networks if (found := shortages_of(Execution(network)))), [])


def shortages_of(execution: Execution) -> list[Shortage]:
    """The full channels in which a network deadlocks, the one that lacks least before the others; empty if it ends.

    Every deadlock has one: processes that only wait for beats would wait with endless buffers, too, and such networks
    are not made.
    """
    circle = execution.run()
    found = [_shortage(execution, circle, wait) for wait in circle if wait.full]
    assert found or not circle, f"{execution.network.units[circle[0].waiter]} waits for what must have come"
    return sorted(found, key=lambda each: each.needed - each.channel.capacity)


def _shortage(execution: Execution, circle: list[Wait], wait: Wait) -> Shortage:
    """Bisects for the capacity: more never makes a deadlock."""
    network = execution.network
    channel = network.channels[wait.channel]
    low, high = channel.capacity, channel.held + network.total(wait.channel)
    while high - low > 1:
        middle = (low + high) // 2
        stuck = execution.run({wait.channel: middle})
        if any(each.full and each.channel == wait.channel for each in stuck):
            low = middle
        else:
            high = middle
    begin = circle.index(wait)
    waits = ", ".join(_words(network, each) for each in (*circle[begin:], *circle[:begin]))
    return Shortage(channel, high, f"{_holds(network, channel)} but needs {high}, or the program stops: {waits}")


def _holds(network: ProcessNetwork, channel: Channel) -> str:
    source, target = network.units[channel.source], network.units[channel.target]
    if channel.net is None:
        return f"buffer {target} holds {channel.capacity} blocks"
    kind = channel.net.network.value
    return f"the {kind} link from {source} to {target} is sure to hold {channel.capacity} beats"


def _words(network: ProcessNetwork, wait: Wait) -> str:
    waiter, other = network.units[wait.waiter], network.units[wait.other]
    if network.channels[wait.channel].net is None:
        return f"{waiter} waits for a {'free' if wait.full else 'whole'} block"
    return f"{waiter} waits for {'room at' if wait.full else 'a beat from'} {other}"
