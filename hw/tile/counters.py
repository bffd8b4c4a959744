"""What a tile tells of its work."""

from __future__ import annotations

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.address_map import Counter
from weft.hw.tile.config import ConfigBus

__all__ = ["TileCounters"]


class TileCounters(wiring.Component):
    """Counts a unit's cycles and beats while a launch runs, and answers reads over the configuration bus.

    A counter of 32 bits wraps around. ``read_data`` follows ``bus.read`` by one cycle and holds until the next read;
    it is zero if that asked another tile, so that the chip simply combines those of all tiles by OR.

    Members
    -------
    bus : In(ConfigBus())
        The configuration bus.
    tile : In(16)
        The tile's number on the bus.
    running : In(1)
        A launch runs: count.
    busy, starved, blocked : In(1)
        The unit's state in this cycle.
    vector_sent, scalar_sent : In(1)
        A beat leaves the unit in this cycle.
    waits : In(32)
        Shown as ``Counter.STATUS``.
    read_data : Out(32)
        Value of the counter asked for.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "bus": In(ConfigBus()),
                "tile": In(16),
                "running": In(1),
                "busy": In(1),
                "starved": In(1),
                "blocked": In(1),
                "vector_sent": In(1),
                "scalar_sent": In(1),
                "waits": In(32),
                "read_data": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        events = {
            Counter.BUSY: self.busy,
            Counter.STARVED: self.starved,
            Counter.BLOCKED: self.blocked,
            Counter.BEATS: self.vector_sent + self.scalar_sent,
        }
        values = {counter: Signal(32, name=counter.name.lower()) for counter in events}
        with m.If(self.bus.clear):
            m.d.sync += [value.eq(0) for value in values.values()]
        with m.Elif(self.running):
            m.d.sync += [value.eq(value + events[counter]) for counter, value in values.items()]

        with m.If(self.bus.read):
            m.d.sync += self.read_data.eq(0)
            with m.If(self.bus.read_address[8:] == self.tile), m.Switch(self.bus.read_address[:8]):
                for counter, value in {**values, Counter.STATUS: self.waits}.items():
                    with m.Case(counter.value):
                        m.d.sync += self.read_data.eq(value)
        return m
