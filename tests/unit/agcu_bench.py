"""What the tests of AGCU, channel and chip share: stream drivers with random stalls, and memory models that check."""

from __future__ import annotations

import dataclasses
import random
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from amaranth.sim import Simulator
from numpy.typing import NDArray

from weft.hw.agcu.agcu import Agcu
from weft.hw.program import Agcu as Program
from weft.hw.program import AgcuLevel, AgcuPart
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats
from weft.sim.functional.agcu import AgcuResult

PAGE = 4096


def beats(data: Any, stops: list[int], voids: list[int] | None = None) -> Beats:
    """A stream from words (uint32 [n, width]), stops and voids."""
    words = np.ascontiguousarray(data, dtype=np.uint32).reshape(len(stops), -1)
    return Beats(words.view(np.float32), np.array(stops, np.uint8), np.array(voids or [0] * len(stops), bool))


def payloads(stream: Beats) -> list[dict[str, Any]]:
    words = np.ascontiguousarray(stream.data).view(np.uint32)
    rows = []
    for word, stop, void in zip(words, stream.stop, stream.void, strict=True):
        row: dict[str, Any] = {"stop": int(stop), "void": int(void)}
        if len(word):
            row["data"] = [int(each) for each in word] if len(word) > 1 else int(word[0])
        rows.append(row)
    return rows


class Source:
    """Sends payloads; once valid, holds."""

    def __init__(self, stream: Any, items: list[Any], rng: random.Random, rate: float) -> None:
        self.stream, self.items, self.rng, self.rate = stream, deque(items), rng, rate
        self.valid = False
        self.signals = (stream.ready,)

    def drive(self, ctx: Any) -> None:
        if not self.valid and self.items and self.rng.random() < self.rate:
            self.valid = True
            ctx.set(self.stream.payload, self.items[0])
        ctx.set(self.stream.valid, self.valid)

    def sampled(self, ready: int) -> None:
        if self.valid and ready:
            self.valid = False
            self.items.popleft()


class Sink:
    """Takes payloads; checks that valid and payload hold until taken."""

    def __init__(self, stream: Any, rng: random.Random, rate: float) -> None:
        self.stream, self.rng, self.rate = stream, rng, rate
        self.got: list[Any] = []
        self.times: list[int] = []
        self.ready, self.held, self.time = False, None, 0
        self.signals = (stream.valid, stream.payload)

    def drive(self, ctx: Any) -> None:
        self.ready = self.rng.random() < self.rate
        ctx.set(self.stream.ready, self.ready)

    def sampled(self, valid: int, payload: Any) -> None:
        self.time += 1
        assert self.held is None or (valid and payload == self.held), "valid or payload did not hold"
        self.held = payload if valid and not self.ready else None
        if valid and self.ready:
            self.got.append(payload)
            self.times.append(self.time)


class PortMemory:
    """Memory at an AGCU's own port: random latency, order kept, every request checked and recorded."""

    def __init__(self, spec: FabricSpec, port: Any, memory: NDArray[np.uint8], rng: random.Random, rate: float) -> None:
        self.spec, self.port, self.memory, self.rng, self.rate = spec, port, memory, rng, rate
        self.requests: list[tuple[int, int, int]] = []
        self.turns: list[int] = []
        self.reads: deque[tuple[int, int]] = deque()
        self.writes: deque[tuple[int, bool]] = deque()
        self.acks: deque[int] = deque()
        self.time, self.under_way, self.most_under_way = 0, 0, 0
        self.latency = 12
        self.request = Sink(port.request, rng, rate)
        self.data = Sink(port.write_data, rng, rate)
        self.signals = (*self.request.signals, *self.data.signals)

    def drive(self, ctx: Any) -> None:
        self.time += 1
        self.request.drive(ctx)
        self.data.ready = bool(self.writes) and self.rng.random() < self.rate
        ctx.set(self.port.write_data.ready, self.data.ready)
        deliver = bool(self.reads) and self.reads[0][0] <= self.time and self.rng.random() < self.rate
        ctx.set(self.port.read_data.valid, deliver)
        if deliver:
            _, address = self.reads.popleft()
            self.under_way -= 1
            size = self.spec.channel_bytes
            ctx.set(
                self.port.read_data.payload, int.from_bytes(self.memory[address : address + size].tobytes(), "little")
            )
        acknowledge = bool(self.acks) and self.acks[0] <= self.time
        ctx.set(self.port.written, acknowledge)
        if acknowledge:
            self.acks.popleft()

    def sampled(self, valid: int, payload: Any, data_valid: int, data: int) -> None:
        self.request.sampled(valid, payload)
        self.data.sampled(data_valid, data)
        size = self.spec.channel_bytes
        late = self.time + self.latency + self.rng.randrange(8)
        if valid and self.request.ready:
            count = payload.beats + 1
            assert count <= self.spec.burst_beats
            assert payload.address % self.spec.beat_bytes == 0
            assert payload.address // PAGE == (payload.address + count * size - 1) // PAGE, "burst crosses 4 KB"
            self.requests.append((payload.address, count, payload.write))
            self.turns.append(payload.turn)
            if payload.write:
                self.writes.extend((payload.address + k * size, k == count - 1) for k in range(count))
            else:
                self.reads.extend((late, payload.address + k * size) for k in range(count))
                self.under_way += count
            self.most_under_way = max(self.most_under_way, self.under_way)
        if data_valid and self.data.ready:
            address, last = self.writes.popleft()
            self.memory[address : address + size] = np.frombuffer(data.to_bytes(size, "little"), np.uint8)
            if last:
                self.acks.append(late)


@dataclass
class Run:
    """What a launch of an AGCU in simulation did."""

    vector: list[Any] = field(default_factory=list)
    scalar: list[Any] = field(default_factory=list)
    control: list[Any] = field(default_factory=list)
    taken: int = 0
    violation: bool = False
    cycles: int = 0
    times: list[int] = field(default_factory=list)
    memory: Any = None
    waits: set[int] = field(default_factory=set)


class _Bench:
    """An AGCU in Amaranth's simulator, elaborated once and reset before every run."""

    def __init__(self, spec: FabricSpec) -> None:
        self.dut = Agcu(spec=spec, checks=True)
        self._scenario: Callable[[Any], Awaitable[None]] | None = None
        self._sim = Simulator(self.dut)
        self._sim.add_clock(1e-6)
        self._sim.add_testbench(self._drive)

    def run(self, scenario: Callable[[Any], Awaitable[None]]) -> None:
        """Run a test bench from reset to its end."""
        if self._scenario is not None:
            self._sim.reset()
        self._scenario = scenario
        self._sim.run()

    async def _drive(self, ctx: Any) -> None:
        assert self._scenario is not None
        await self._scenario(ctx)


@cache
def _bench(spec: FabricSpec) -> _Bench:
    """The bench of a spec's AGCU; elaboration is what takes the time."""
    return _Bench(spec)


def run_unit(
    spec: FabricSpec,
    programs: list[Program],
    memory: NDArray[np.uint8],
    arguments: dict[int, int],
    *,
    vector: Beats | None = None,
    scalar: Beats | None = None,
    control: Beats | None = None,
    rate: float = 1.0,
    out_rate: float | None = None,
    seed: int = 1,
    limit: int = 4000,
) -> list[Run]:
    """Launch the programs one after the other on one AGCU, with stalls at every port (rate 1: none)."""
    unit = _bench(spec)
    dut = unit.dut
    rng = random.Random(seed)
    runs: list[Run] = []
    model = PortMemory(spec, dut.memory, memory, rng, rate)

    async def launches(ctx: Any) -> None:
        for index, value in arguments.items():
            ctx.set(dut.argument.valid, 1)
            ctx.set(dut.argument.index, index)
            ctx.set(dut.argument.data, value)
            await ctx.tick()
        ctx.set(dut.argument.valid, 0)
        sources = [
            Source(stream, payloads(each) if each is not None else [], rng, rate)
            for stream, each in ((dut.vector_in[0], vector), (dut.scalar_in[0], scalar), (dut.control_in[0], control))
        ]
        for program in programs:
            sinks = [
                Sink(stream[0], rng, out_rate if out_rate is not None else rate)
                for stream in (dut.vector_out, dut.scalar_out, dut.control_out)
            ]
            drivers = [*sources, *sinks, model]
            ctx.set(dut.program, program_value(spec, program))
            ctx.set(dut.launch, 1)
            run = Run(memory=model)
            signals = [signal for driver in drivers for signal in driver.signals]
            # One trigger for all cycles, for it takes as long to make as a cycle to simulate.
            ticks = aiter(ctx.tick().sample(dut.done, dut.waits, *signals))
            while True:
                for driver in drivers:
                    driver.drive(ctx)
                _, _, done, waits, *values = await anext(ticks)
                for driver in drivers:
                    count = len(driver.signals)
                    driver.sampled(*values[:count])
                    del values[:count]
                ctx.set(dut.launch, 0)
                run.cycles += 1
                run.waits.add(waits)
                if done and run.cycles > 2:
                    break
                assert run.cycles < limit, f"the launch hangs, waits {waits:#x}, requests {model.requests}"
            await ticks.aclose()
            run.vector, run.scalar, run.control = (sink.got for sink in sinks)
            run.times = sinks[0].times
            run.violation = bool(ctx.get(dut.violation))
            runs.append(run)

    unit.run(launches)
    return runs


def program_value(spec: FabricSpec, program: Program) -> dict[str, Any]:
    """A program as the initial value of the unit's ``program`` port."""
    levels = [*program.levels, *[AgcuLevel()] * (spec.agcu_levels - len(program.levels))]
    parts = [*program.parts, *[AgcuPart()] * (spec.agcu_parts - 1 - len(program.parts))]
    rows = {"levels": levels, "parts": parts}
    return _counted(spec, program) | {name: [_counted(spec, each) for each in every] for name, every in rows.items()}


def _counted(spec: FabricSpec, program: Program | AgcuLevel | AgcuPart) -> dict[str, Any]:
    """Fields as the hardware has them, which counts grains; rows are left out."""
    counted: dict[str, Any] = {}
    for each in dataclasses.fields(program):
        if "rows" not in each.metadata:
            grain = each.metadata["grain"]
            counted[each.name] = int(getattr(program, each.name)) // (grain if isinstance(grain, int) else grain(spec))
    return counted


def assert_same_streams(run: Run, expected: AgcuResult) -> None:
    """The simulated launch sent what its twin sent, bit for bit."""
    assert run.violation == expected.violation
    for got, want in ((run.vector, expected.vector), (run.scalar, expected.scalar), (run.control, expected.control)):
        rows = payloads(want) if want is not None else []
        seen = []
        for beat in got:
            row: dict[str, Any] = {"stop": beat.stop, "void": beat.void}
            if "data" in {name for name, _ in beat.shape()}:
                row["data"] = list(beat.data) if not isinstance(beat.data, int) else beat.data
            seen.append(row)
        assert len(seen) == len(rows)
        for number, (beat_seen, row) in enumerate(zip(seen, rows, strict=True)):
            assert beat_seen == row, f"beat {number}: {beat_seen} not {row}"
