"""A program as a network of processes and channels: all that decides whether it can run dry or full."""

from __future__ import annotations

from dataclasses import dataclass, field

from weft.compiler.netlist.netlist import Net, Pin, Unit
from weft.hw.program.firings.process import Process, Side

__all__ = ["Channel", "ProcessNetwork"]


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

    def left_over(self, channel: int) -> int:
        """How many of them are never taken; only in a ring."""
        return self.total(channel) - _total(self.takes[self.channels[channel].target], channel)


def _total(sides: list[tuple[int, Side]], channel: int) -> int:
    return next(side.total for number, side in sides if number == channel)
