"""Sources and sinks of ready/valid streams for cocotb benches, with pauses.

They drive after the rising edge and sample at the falling one, where Verilator's values have settled.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any

import cocotb
from amaranth.lib import data
from cocotb.triggers import FallingEdge, RisingEdge

__all__ = ["StreamSink", "StreamSource", "all_empty", "never", "often"]


def never() -> Iterator[bool]:
    """No pauses."""
    return repeat(False)


def often(seed: int, probability: float = 0.5) -> Iterator[bool]:
    """Random pauses, the same for the same seed."""
    generator = random.Random(seed)
    while True:
        yield generator.random() < probability


class StreamSource:
    """Offers payloads on a stream, in order, from the moment it is made.

    Parameters
    ----------
    dut
        Module that has the stream's ports ``{name}__payload``, ``{name}__valid``, ``{name}__ready``.
    name
        Of the stream.
    clock
        Clock of the stream.
    layout
        If given, payloads are dictionaries of this layout, else integers.
    pauses
        Whether to wait a cycle before the next payload is offered.
    """

    def __init__(
        self,
        dut: Any,
        name: str,
        clock: Any,
        *,
        layout: data.Layout | None = None,
        pauses: Iterator[bool] | None = None,
    ) -> None:
        self.name = name
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready")
        self._clock = clock
        self._layout = layout
        self._pauses = never() if pauses is None else pauses
        self._queue: deque[int] = deque()
        self._valid.value = 0
        cocotb.start_soon(self._run())

    @property
    def empty(self) -> bool:
        """Everything has been taken."""
        return not self._queue

    def send(self, items: Iterable[Any]) -> None:
        """Append payloads to what is to be offered."""
        for item in items:
            self._queue.append(item if self._layout is None else self._layout.const(item).as_value().value)

    async def _run(self) -> None:
        offering = taken = False
        while True:
            await RisingEdge(self._clock)
            if taken:
                self._queue.popleft()
                offering = False
            if not offering and self._queue and not next(self._pauses):
                offering = True
                self._payload.value = self._queue[0]
            self._valid.value = offering
            await FallingEdge(self._clock)
            taken = offering and bool(self._ready.value)


class StreamSink:
    """Takes payloads from a stream, in order, from the moment it is made, and checks that an offer holds until taken.

    Parameters are those of :class:`StreamSource`; ``pauses`` says in which cycles it is not ready.
    """

    def __init__(
        self,
        dut: Any,
        name: str,
        clock: Any,
        *,
        layout: data.Layout | None = None,
        pauses: Iterator[bool] | None = None,
    ) -> None:
        self.name = name
        self._payload = getattr(dut, f"{name}__payload")
        self._valid = getattr(dut, f"{name}__valid")
        self._ready = getattr(dut, f"{name}__ready")
        self._clock = clock
        self._layout = layout
        self._pauses = never() if pauses is None else pauses
        self._queue: deque[int] = deque()
        self.arrivals: list[int] = []
        """The cycle, counted from the making, in which each payload was taken."""
        self._ready.value = 0
        cocotb.start_soon(self._run())

    @property
    def empty(self) -> bool:
        """Everything that has arrived was received."""
        return not self._queue

    async def receive(self, count: int) -> list[Any]:
        """The next ``count`` payloads."""
        while len(self._queue) < count:
            await RisingEdge(self._clock)
        items = [self._queue.popleft() for _ in range(count)]
        return items if self._layout is None else [self._layout.from_bits(item) for item in items]

    async def _run(self) -> None:
        held: int | None = None
        taken: int | None = None
        cycle = 0
        while True:
            await RisingEdge(self._clock)
            if taken is not None:
                self._queue.append(taken)
                self.arrivals.append(cycle)
            cycle += 1
            ready = not next(self._pauses)
            self._ready.value = ready
            await FallingEdge(self._clock)
            offered = self._payload.value.to_unsigned() if self._valid.value else None
            if held is not None and offered != held:
                raise AssertionError(f"stream {self.name}: an offer must hold until it is taken, {held:#x} did not")
            taken = offered if ready else None
            held = None if ready else offered


def all_empty(*ends: StreamSource | StreamSink) -> None:
    """Fail if something was sent and not taken, or has arrived and was not expected."""
    for end in ends:
        assert end.empty, f"stream {end.name} must be empty at the end of a test"
