"""Starts a launch and sees its end."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import FabricSpec
from weft.hw.topology import TileKind, Topology

__all__ = ["SETTLE_CYCLES", "SWITCH_CYCLES", "Launcher"]

SWITCH_CYCLES = 8
"""From the choice of a context to its launch: configuration words on their way and the swap itself arrive before."""
SETTLE_CYCLES = 16
"""From the launch until ``done`` is looked at: it must have fallen at every AGCU that has work."""


class _State(enum.Enum, shape=2):
    IDLE = 0
    SWITCH = 1
    SETTLE = 2
    RUN = 3


class Launcher(wiring.Component):
    """Runs one launch at a time: swaps to its context, pulses ``launch``, waits until every AGCU is done.

    A launch of a context that holds no good image fails at once. A command while busy is ignored. A launch in which an
    AGCU refused an access runs to its end (loads get zeros, stores are dropped) and then has failed.

    Parameters
    ----------
    spec
        Decides the AGCUs.

    Members
    -------
    command : In(1), command_context : In(8)
        Launch this context.
    contexts : In
        Which contexts hold a good image.
    done, violation : In
        Of each AGCU, in the order of :meth:`weft.hw.topology.Topology.of_kind`.
    context : Out
        The active one; changes only before a launch.
    launch : Out(1)
        One cycle.
    running : Out(1)
        From ``launch`` to the end.
    busy, finished, failed : Out(1)
        A launch is under way; one has ended since the last command; it failed.
    cycles : Out(32)
        Cycles of the last launch.
    violator : Out(32)
        1 + tile number of the first AGCU that refused an access in the last launch, 0: none.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        topology = Topology(spec)
        self._spec = spec
        self._numbers = [topology.number(tile) for tile in topology.of_kind(TileKind.AGCU)]
        count = len(self._numbers)
        super().__init__(
            {
                "command": In(1),
                "command_context": In(8),
                "contexts": In(spec.contexts),
                "done": In(count),
                "violation": In(count),
                "context": Out(range(max(2, spec.contexts))),
                "launch": Out(1),
                "running": Out(1),
                "busy": Out(1),
                "finished": Out(1),
                "failed": Out(1),
                "cycles": Out(32),
                "violator": Out(32),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        state = Signal(_State)
        wait = Signal(range(max(SWITCH_CYCLES, SETTLE_CYCLES) + 1))

        # Many AGCUs are far away: look at all of them a cycle late.
        all_done, any_violation, first_violator = Signal(), Signal(), Signal(32)
        violator = 0
        for index, number in reversed(list(enumerate(self._numbers))):
            violator = Mux(self.violation[index], number + 1, violator)
        m.d.sync += [
            all_done.eq(self.done.all()),
            any_violation.eq(self.violation.any()),
            first_violator.eq(violator),
        ]

        known = Signal()
        m.d.comb += [
            known.eq((self.command_context < self._spec.contexts) & (self.contexts >> self.command_context)[0]),
            self.busy.eq(state != _State.IDLE),
        ]
        m.d.sync += self.launch.eq(0)
        with m.If(self.running):
            m.d.sync += self.cycles.eq(self.cycles + 1)
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.Switch(state):
            with m.Case(_State.IDLE):
                with m.If(self.command):
                    m.d.sync += [self.finished.eq(~known), self.failed.eq(~known), self.violator.eq(0)]
                    m.d.sync += self.cycles.eq(0)
                with m.If(self.command & known):
                    m.d.sync += [self.context.eq(self.command_context), wait.eq(SWITCH_CYCLES), state.eq(_State.SWITCH)]
            with m.Case(_State.SWITCH), m.If(wait == 0):
                m.d.sync += [self.launch.eq(1), self.running.eq(1), wait.eq(SETTLE_CYCLES)]
                m.d.sync += state.eq(_State.SETTLE)
            with m.Case(_State.SETTLE), m.If(wait == 0):
                m.d.sync += state.eq(_State.RUN)
            with m.Case(_State.RUN):
                with m.If(any_violation & (self.violator == 0)):
                    m.d.sync += self.violator.eq(first_violator)
                with m.If(all_done):
                    m.d.sync += [
                        self.running.eq(0),
                        self.finished.eq(1),
                        self.failed.eq(any_violation),
                        state.eq(_State.IDLE),
                    ]
        return m
