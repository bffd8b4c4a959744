"""Assertions on the ready/valid protocol."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Assert, Format, Module, ShapeLike, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

__all__ = ["StreamMonitor", "watch_stream"]


class StreamMonitor(wiring.Component):
    """Asserts that a beat that was offered and not taken is offered again, the same, in the next cycle.

    Simulation only: instantiate it under a ``checks=`` switch.

    Parameters
    ----------
    layout
        Shape of the payload.
    label
        What the message calls the stream.

    Members
    -------
    valid, ready, payload : In
        The stream's wires.
    """

    def __init__(self, *, layout: ShapeLike, label: str) -> None:
        self._layout = layout
        self._label = label
        super().__init__({"valid": In(1), "ready": In(1), "payload": In(layout)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        waits = Signal()
        offered = Signal(self._layout)
        m.d.sync += [waits.eq(self.valid & ~self.ready), offered.eq(self.payload)]
        with m.If(waits):
            m.d.sync += [
                Assert(self.valid, Format(f"{self._label}: valid fell before ready")),
                Assert(
                    ~self.valid | (Value.cast(self.payload) == Value.cast(offered)),
                    Format(f"{self._label}: payload changed before ready"),
                ),
            ]
        return m


def watch_stream(m: Module, watched: Any, *, label: str) -> None:
    """Add a :class:`StreamMonitor` for a stream to ``m``."""
    monitor = StreamMonitor(layout=watched.signature.members["payload"].shape, label=label)
    m.submodules += monitor
    m.d.comb += [
        monitor.valid.eq(watched.valid),
        monitor.ready.eq(watched.ready),
        monitor.payload.eq(watched.payload),
    ]
