"""What the tests of streams share: sources and sinks that stall at random, and a search for combinational paths."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from amaranth.hdl import Cat, ClockDomain, Fragment, Module, Value
from amaranth.hdl._ir import PortDirection, build_netlist
from amaranth.hdl._nir import Net
from amaranth.lib.wiring import In
from amaranth.sim import Simulator

#: Cycles without any transfer after which a run has failed.
PATIENCE = 200
#: Cycles that a run goes on after its last beat, in which nothing may arrive.
AFTERMATH = 12


class Arrival(NamedTuple):
    """A beat that a sink took."""

    cycle: int
    value: int


class StreamBench:
    """A component in Amaranth's simulator, elaborated once and reset before every run."""

    def __init__(self, dut: Any) -> None:
        # A design without registers has no clock of its own.
        top = Module()
        top.domains.sync = ClockDomain()
        top.submodules.dut = dut
        self.dut = dut
        self._run: _Run | None = None
        self._simulator = Simulator(top)
        self._simulator.add_clock(1e-6)
        self._simulator.add_testbench(self._drive)

    def run(
        self,
        *,
        sources: Sequence[tuple[Any, Sequence[int]]],
        sinks: Sequence[tuple[Any, int]],
        stall: float = 0.0,
        seed: int = 0,
        setup: Sequence[tuple[Any, int]] = (),
        unsent: Sequence[int] | None = None,
    ) -> list[list[Arrival]]:
        """Offer beats at the sources and take beats at the sinks.

        Fails if a sink does not get its number of beats or gets one more, if a source is left with beats, or if a
        sink's stream breaks the protocol: valid or payload change while they wait, or valid depends on ready.

        Parameters
        ----------
        sources
            Streams to drive, each with its payloads as integers.
        sinks
            Streams to take from, each with the number of beats to come.
        stall
            Probability with which a source or a sink pauses in a cycle.
        setup
            Ports held at a value from the beginning.
        unsent
            Beats that each source must be left with; none if not given.
        """
        if self._run is not None:
            self._simulator.reset()
        self._run = run = _Run(sources, sinks, stall, random.Random(seed), setup)
        self._simulator.run()
        assert [len(got) for got in run.arrivals] == [count for _, count in sinks]
        left = [len(values) - count for (_, values), count in zip(sources, run.sent, strict=True)]
        assert left == list(unsent or [0] * len(sources))
        return run.arrivals

    async def _drive(self, ctx: Any) -> None:
        assert self._run is not None
        await self._run.drive(ctx)


class _Run:
    """What one run sends and takes, and what it has seen so far."""

    def __init__(
        self,
        sources: Sequence[tuple[Any, Sequence[int]]],
        sinks: Sequence[tuple[Any, int]],
        stall: float,
        rng: random.Random,
        setup: Sequence[tuple[Any, int]],
    ) -> None:
        self.sources, self.sinks, self.stall, self.rng, self.setup = sources, sinks, stall, rng, setup
        self.arrivals: list[list[Arrival]] = [[] for _ in sinks]
        self.sent = [0] * len(sources)

    async def drive(self, ctx: Any) -> None:
        sources, sinks, stall, rng = self.sources, self.sinks, self.stall, self.rng
        arrivals, sent = self.arrivals, self.sent
        for port, value in self.setup:
            ctx.set(Value.cast(port), value)
        offered = [False] * len(sources)
        # Inputs are set together, for the simulator settles after each assignment.
        readies = Cat(stream.ready for stream, _ in sinks)
        driven = Cat(*(part for stream, _ in sources for part in (stream.valid, Value.cast(stream.payload))), readies)
        sizes = [len(Value.cast(stream.payload)) for stream, _ in sources]
        payloads = [Value.cast(stream.payload) for stream, _ in sinks]
        waits: list[int | None] = [None] * len(sinks)
        cycle, last = 0, 0
        ticks = aiter(ctx.tick())  # one trigger for all cycles: it takes long to make
        while cycle < last + AFTERMATH or (
            cycle < last + PATIENCE and any(len(got) < count for got, (_, count) in zip(arrivals, sinks, strict=True))
        ):
            given = at = 0
            for index, (_, values) in enumerate(sources):
                offered[index] = sent[index] < len(values) and (offered[index] or rng.random() >= stall)
                payload = values[sent[index]] if offered[index] else rng.getrandbits(8)
                given |= (offered[index] | (payload & (1 << sizes[index]) - 1) << 1) << at
                at += 1 + sizes[index]
            ctx.set(driven, given)  # nothing is taken yet
            before = [ctx.get(stream.valid) for stream, _ in sinks]
            taking = [rng.random() >= stall for _ in sinks]
            ctx.set(readies, sum(take << index for index, take in enumerate(taking)))
            for index, ((stream, _), take) in enumerate(zip(sinks, taking, strict=True)):
                valid, value = ctx.get(stream.valid), ctx.get(payloads[index])
                assert valid == before[index], f"valid of sink {index} depends on ready"
                if waits[index] is not None:
                    assert valid, f"valid of sink {index} fell"
                    assert value == waits[index], f"payload of sink {index} changed while it waited"
                waits[index] = value if valid and not take else None
                if valid and take:
                    arrivals[index].append(Arrival(cycle, value))
                    last = cycle
                    assert len(arrivals[index]) <= sinks[index][1], f"sink {index} gets one more beat: {value:#x}"
            for index, (stream, _) in enumerate(sources):
                if offered[index] and ctx.get(stream.ready):
                    sent[index] += 1
                    offered[index] = False
                    last = cycle
            await anext(ticks)
            cycle += 1
        await ticks.aclose()


def run_streams(dut: Any, **run: Any) -> list[list[Arrival]]:
    """One run of a component: see :meth:`StreamBench.run`."""
    return StreamBench(dut).run(**run)


def values_of(arrivals: Sequence[Arrival]) -> list[int]:
    """The payloads that arrived."""
    return [arrival.value for arrival in arrivals]


def random_values(count: int, *, bits: int, seed: int) -> list[int]:
    """Payloads."""
    rng = random.Random(seed)
    return [rng.getrandbits(bits) for _ in range(count)]


def combinational_paths(component: Any) -> set[tuple[str, str]]:
    """Every pair of an input and an output port with a path between them that no register cuts."""
    ports = []
    for path, member, value in component.signature.flatten(component):
        direction = PortDirection.Input if member.flow is In else PortDirection.Output
        ports.append(("__".join(map(str, path)), Value.cast(value), direction))
    netlist = build_netlist(Fragment.get(component, None), ports=ports)
    inputs = {
        net: name
        for name, (start, width) in netlist.top.ports_i.items()
        if name not in ("clk", "rst")
        for net in (Net.from_cell(0, bit) for bit in range(start, start + width))
    }
    seen: dict[Any, frozenset[str]] = {}

    def reached(net: Any) -> frozenset[str]:
        if net in seen:
            return seen[net]
        if net.is_const:
            found: frozenset[str] = frozenset()
        elif net in inputs:
            found = frozenset({inputs[net]})
        else:
            edges = netlist.cells[net.cell].comb_edges_to(net.bit)
            found = frozenset().union(*(reached(source) for source, _ in edges))
        seen[net] = found
        return found

    return {(source, name) for name, value in netlist.top.ports_o.items() for net in value for source in reached(net)}
