"""What the tests of the PMU share: one simulated unit that is launched again and again, with stalls at every port."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from amaranth.hdl import Cat
from amaranth.sim import Simulator

from weft.hw.pmu.pmu import Pmu
from weft.hw.presets import PRESETS
from weft.hw.program import WRITE_LEVELS, PmuLevel, Trigger, WriteLevel
from weft.hw.program import Pmu as Program
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats
from weft.sim.functional.pmu import PmuResult, PmuState, run_pmu

SPEC = PRESETS["tiny"]
LANES = SPEC.lanes
INPUTS = ("vector", "scalar", "address", "control")
QUIET = 40
"""Cycles in which nothing moves before a launch counts as over."""
PHASE = 48
"""Cycles after which rates change."""

Beat = tuple[int, int, int]
"""Data as one number, stop, void."""


def beats(width: int, rows: Sequence[tuple[Any, int, int]]) -> Beats:
    """A stream of (words or one word, stop, void), words as integers."""
    data = np.array([row[0] if width else [] for row in rows], np.uint32).reshape(len(rows), width)
    return Beats(data.view(np.float32), np.array([r[1] for r in rows], np.uint8), np.array([r[2] for r in rows], bool))


def numbers(stream: Beats | None) -> list[Beat]:
    """A stream as it is on the wires."""
    if stream is None:
        return []
    data = np.ascontiguousarray(stream.data).view(np.uint32).astype("<u4")
    return [
        (int.from_bytes(words.tobytes(), "little"), int(stop), int(void))
        for words, stop, void in zip(data, stream.stop, stream.void, strict=True)
    ]


@dataclass(frozen=True)
class Launch:
    """One launch: its program, what arrives at the inputs from then on, and which outputs take nothing."""

    program: Program
    vector: Beats | None = None
    scalar: Beats | None = None
    address: Beats | None = None
    control: Beats | None = None
    held: tuple[str, ...] = ()


@dataclass
class Seen:
    """What a launch sent, and in which cycle after it each beat left."""

    vector: list[Beat] = field(default_factory=list)
    scalar: list[Beat] = field(default_factory=list)
    control: list[Beat] = field(default_factory=list)
    cycles: dict[str, list[int]] = field(default_factory=lambda: {"vector": [], "scalar": [], "control": []})
    busy: int = 0
    starved: int = 0
    blocked: int = 0
    waits: int = 0


class Bench:
    """A PMU in Amaranth's simulator; ``run`` begins from reset."""

    def __init__(self, spec: FabricSpec) -> None:
        self.spec = spec
        self.dut = dut = Pmu(spec=spec, checks=True)
        self.inputs = dict(zip(INPUTS, (dut.vector_in[0], *dut.scalar_in, dut.control_in[0]), strict=True))
        self.outputs = {"vector": dut.vector_out[0], "scalar": dut.scalar_out[0], "control": dut.control_out[0]}
        self.sim = Simulator(dut)
        self.sim.add_clock(1e-6)
        self.sim.add_testbench(self._bench)
        self.job: tuple[list[Launch], Sequence[tuple[float, float]], random.Random] = ([], [(1, 1)], random.Random())
        self.seen: list[Seen] = []
        self.used = False

    def run(
        self,
        launches: list[Launch],
        *,
        rate: float = 1,
        out_rate: float = 1,
        phases: Sequence[tuple[float, float]] = (),
        seed: int = 0,
    ) -> list[Seen]:
        """Launch one after the other, each until nothing moves.

        Parameters
        ----------
        rate, out_rate
            Probability with which an input offers and an output takes a beat in a cycle.
        phases
            Pairs of the two instead, in turn, each for ``PHASE`` cycles.
        """
        self.job, self.seen = (launches, phases or [(rate, out_rate)], random.Random(seed)), []
        if self.used:
            self.sim.reset()
        self.used = True
        self.sim.run()
        return self.seen

    def _pack(self, beat: Beat, width: int) -> int:
        return beat[0] | beat[1] << 32 * width | beat[2] << 32 * width + self.spec.stop_bits

    def _unpack(self, value: int, width: int) -> Beat:
        rest = value >> 32 * width
        return value & (1 << 32 * width) - 1, rest & (1 << self.spec.stop_bits) - 1, rest >> self.spec.stop_bits

    async def _bench(self, ctx: Any) -> None:
        launches, rates, rng = self.job
        passed = 0
        widths = {"vector": self.spec.lanes, "scalar": 1, "address": 1, "control": 0}
        waiting: dict[str, deque[Beat]] = {name: deque() for name in INPUTS}
        offered = dict.fromkeys(INPUTS, False)
        outputs = [wire for out in self.outputs.values() for wire in (out.valid, out.payload.as_value())]
        counts = (self.dut.busy, self.dut.starved, self.dut.blocked, self.dut.waits)
        # All inputs are set at once, for the simulator settles after each assignment.
        driven = Cat(
            *(port.payload.as_value() for port in self.inputs.values()),
            *(port.valid for port in self.inputs.values()),
            *(port.ready for port in self.outputs.values()),
        )
        sizes = [len(port.payload.as_value()) for port in self.inputs.values()]
        sizes += [1] * (len(INPUTS) + len(self.outputs))
        payload = dict.fromkeys(INPUTS, 0)
        # One trigger for all cycles, for it takes as long to make as a cycle to simulate.
        ticks = aiter(ctx.tick().sample(*(port.ready for port in self.inputs.values()), *outputs, *counts))
        for launch in launches:
            for name in INPUTS:
                waiting[name].extend(numbers(getattr(launch, name)))
            ctx.set(self.dut.program, program_value(self.spec, launch.program))
            ctx.set(self.dut.launch, 1)
            seen, quiet, cycle = Seen(), 0, 0
            while quiet < QUIET:
                rate, out_rate = rates[passed // PHASE % len(rates)]
                passed += 1
                for name in INPUTS:
                    if not offered[name] and waiting[name] and rng.random() < rate:
                        offered[name] = True
                        payload[name] = self._pack(waiting[name][0], widths[name])
                ready = {name: name not in launch.held and rng.random() < out_rate for name in self.outputs}
                value = at = 0
                for part, size in zip([*payload.values(), *offered.values(), *ready.values()], sizes, strict=True):
                    value |= int(part) << at
                    at += size
                ctx.set(driven, value)
                _, _, *values = await anext(ticks)
                if not cycle:
                    ctx.set(self.dut.launch, 0)
                quiet += 1
                for name, taken in zip(INPUTS, values[:4], strict=True):
                    if offered[name] and taken:
                        offered[name], quiet = False, 0
                        waiting[name].popleft()
                for place, name in enumerate(self.outputs):
                    valid, sent = values[4 + 2 * place : 6 + 2 * place]
                    if valid and ready[name]:
                        getattr(seen, name).append(self._unpack(sent, widths[name]))
                        seen.cycles[name].append(cycle)
                        quiet = 0
                busy, starved, blocked, seen.waits = values[-4:]
                assert busy + starved + blocked <= 1
                seen.busy, seen.starved, seen.blocked = (
                    seen.busy + busy,
                    seen.starved + starved,
                    seen.blocked + blocked,
                )
                cycle += 1
                assert cycle < 20000, f"the launch does not end, waits {seen.waits:#x}"
            self.seen.append(seen)
        await ticks.aclose()


@cache
def bench(spec: FabricSpec = SPEC) -> Bench:
    """The bench of a fabric's PMU, elaborated once."""
    return Bench(spec)


def program_value(spec: FabricSpec, program: Program) -> dict[str, Any]:
    """A program as a value of the unit's ``program`` port."""
    levels = [*program.levels, *[PmuLevel()] * (spec.pmu_levels - len(program.levels))]
    write_levels = [*program.write_levels, *[WriteLevel()] * (WRITE_LEVELS - len(program.write_levels))]
    rows = {"levels": levels, "write_levels": write_levels}
    fields = {name: int(value) for name, value in vars(program).items() if name not in rows}
    return {**fields, **{name: [dict(vars(level)) for level in each] for name, each in rows.items()}}


def twin(spec: FabricSpec, launches: list[Launch]) -> list[PmuResult]:
    """What the functional twin does with the launches, triggers that were not taken kept for the next one."""
    results: list[PmuResult] = []
    state: PmuState | None = None
    left: dict[str, Beats] = {"address": beats(1, []), "control": beats(0, [])}
    for launch in launches:
        triggers = {name: _joined(left[name], getattr(launch, name)) for name in left}
        result = run_pmu(spec, launch.program, vector=launch.vector, scalar=launch.scalar, state=state, **triggers)
        state = result.state
        trigger = launch.program.trigger
        used = {"control": trigger is Trigger.CONTROL, "address": trigger.by_scalar}
        for name in used:
            taken = result.taken if used[name] else 0
            rest = triggers[name]
            left[name] = Beats(rest.data[taken:], rest.stop[taken:], rest.void[taken:])
        results.append(result)
    return results


def _joined(first: Beats, second: Beats | None) -> Beats:
    if second is None:
        return first
    return Beats(*(np.concatenate([getattr(first, n), getattr(second, n)]) for n in ("data", "stop", "void")))


def assert_twins_agree(launches: list[Launch], *, spec: FabricSpec = SPEC, **stalls: Any) -> list[Seen]:
    """The simulated unit sends what its twin sends in each launch, bit for bit."""
    expected = twin(spec, launches)
    seen = bench(spec).run(launches, **stalls)
    for place, (have, want) in enumerate(zip(seen, expected, strict=True)):
        for name in ("vector", "scalar", "control"):
            assert getattr(have, name) == numbers(getattr(want, name)), f"launch {place}, {name} output"
    return seen
