"""A program as a network of processes and channels: all that decides whether it can run dry or full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from weft.compiler.netlist.netlist import Net, Pin, Unit
from weft.hw.program.firings.process import Process, Side
from weft.hw.topology import Network

__all__ = ["Channel", "Input", "ProcessNetwork"]


class Input(NamedTuple):
    """An input of a unit."""

    network: Network
    pin: Pin


@dataclass(frozen=True)
class Channel:
    """A stream on its way to one input, or the ring of a PMU.

    Parameters
    ----------
    source, target
        Processes, by number.
    net
        The net that it is a branch of; None for a ring.
    pin
        The input, or the PMU.
    capacity
        Beats that it is sure to hold, or buffers of a ring.
    held
        Of them there when a launch begins.
    """

    source: int
    target: int
    net: Net | None
    pin: Pin
    capacity: int
    held: int = 0

    @property
    def input(self) -> Input | None:
        """The input that it leads to; None for a ring."""
        return None if self.net is None else Input(self.net.network, self.pin)


@dataclass(frozen=True)
class ProcessNetwork:
    """Processes with their units, and the channels between them.

    ``takes[p]`` and ``gives[p]`` are the sides of process ``p`` with the channel of each; an output has one for each
    branch of its net. ``longest`` is the most beats in a block of each PMU that reads by length.
    """

    units: list[Unit] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    takes: list[list[tuple[int, Side]]] = field(default_factory=list)
    gives: list[list[tuple[int, Side]]] = field(default_factory=list)
    longest: dict[str, int] = field(default_factory=dict)

    def total(self, channel: int) -> int:
        """Beats or buffers that a channel is given in a launch, with those that it holds at the beginning."""
        return _total(self.gives[self.channels[channel].source], channel)

    def with_room(self, more: Mapping[Input | None, int]) -> ProcessNetwork:
        """With room for so many more beats before inputs."""
        channels = [replace(each, capacity=each.capacity + more.get(each.input, 0)) for each in self.channels]
        return replace(self, channels=channels)

    def left_over(self, channel: int) -> int:
        """How many of them are never taken; only in a ring."""
        return self.total(channel) - _total(self.takes[self.channels[channel].target], channel)


def _total(sides: list[tuple[int, Side]], channel: int) -> int:
    return next(side.total for number, side in sides if number == channel)
