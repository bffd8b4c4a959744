"""What the tests of the PCU share: a driver with random pauses, and a comparison with the functional model."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from amaranth.hdl import Cat
from amaranth.sim import Simulator
from numpy.typing import NDArray

from weft.hw.fields import Layout
from weft.hw.pcu import Pcu
from weft.hw.program import Pcu as Program
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network
from weft.sim.device import Beats
from weft.sim.functional.pcu import run_pcu

Given = Sequence[Beats | None]

SPEC = FabricSpec.make(name="small", lanes=4, stages=2, acc_depth=8, channel_bits=64, scalar_inputs=3)
_LONGEST_SILENCE = 48
_QUIET = 32
"""Cycles without an event that end a run, with pauses and without. A beat passes the unit in fewer than 20."""


def beats(data: Any, stop: Any = 0, void: Any = False) -> Beats:
    """Beats of float32 data [beats, width], of uint32 bit patterns, or of bits in an array of one dimension."""
    words = np.asarray(data)
    words = words.view(np.float32) if words.dtype == np.uint32 else words.astype(np.float32)
    words = words.reshape(len(words), -1)
    shape = len(words)
    return Beats(words, np.broadcast_to(stop, shape).astype(np.uint8), np.broadcast_to(void, shape).astype(bool))


def nested_stops(*sizes: int) -> NDArray[np.uint8]:
    """Stops of a full tensor, its innermost dimension last: rank r at every end of the r innermost dimensions."""
    stop = np.zeros(int(np.prod(sizes)), np.uint8)
    length = 1
    for rank, size in enumerate(reversed(sizes), start=1):
        length *= size
        stop[length - 1 :: length] = rank
    return stop


@dataclass
class Run:
    """What a run did: the beats of each output, in order, and the cycles from first input to last output."""

    vector: list[tuple[tuple[int, ...], int, bool]] = dataclasses.field(default_factory=list)
    scalar: list[tuple[tuple[int, ...], int, bool]] = dataclasses.field(default_factory=list)
    taken: dict[str, int] = dataclasses.field(default_factory=dict)
    cycles: int = 0
    busy: int = 0
    waits: int = 0


class Bench:
    """A PCU in Amaranth's simulator, elaborated once and reset before every run."""

    def __init__(self, spec: FabricSpec) -> None:
        self.spec = spec
        self.unit = Pcu(spec=spec, checks=True)
        self.simulator = Simulator(self.unit)
        self.simulator.add_clock(1e-6)
        self.simulator.add_testbench(self._drive)
        self._runs: list[tuple[Program, Given, Given, float, int | None]] = []
        self._results: list[Run] = []
        self._has_run = False

    def run(
        self, program: Program, vector: Given, scalar: Given, *, pause: float = 0.0, seed: int | None = None
    ) -> Run:
        """Launch once and let everything settle. ``pause`` is the chance of a pause at each port in each cycle."""
        return self.run_all([(program, vector, scalar)], pause=pause, seed=seed)[0]

    def run_all(
        self, launches: Sequence[tuple[Program, Given, Given]], *, pause: float = 0.0, seed: int | None = None
    ) -> list[Run]:
        """Launch one program after the other, with a reset before the first only."""
        self._runs = [(program, vector, scalar, pause, seed) for program, vector, scalar in launches]
        self._results = []
        if self._has_run:
            self.simulator.reset()
        self._has_run = True
        self.simulator.run()
        assert len(self._results) == len(launches)
        return self._results

    async def _drive(self, ctx: Any) -> None:
        for program, vector, scalar, pause, seed in self._runs:
            packed = Layout(Program, self.spec).pack(program)
            words = sum(word << (32 * number) for number, word in enumerate(packed))
            ctx.set(self.unit.program.as_value(), words)
            ctx.set(self.unit.launch, 1)
            await ctx.tick()
            ctx.set(self.unit.launch, 0)
            self._results.append(await self._one_run(ctx, vector, scalar, pause, seed))

    async def _one_run(self, ctx: Any, vector: Given, scalar: Given, pause: float, seed: int | None) -> Run:
        rng = np.random.default_rng(seed)
        run = Run()
        sources = [
            (f"{name}_{number}", port, payloads(given, self.spec.stop_bits))
            for name, ports, all_given in (
                ("vector", self.unit.vector_in, vector),
                ("scalar", self.unit.scalar_in, scalar),
            )
            for number, (port, given) in enumerate(zip(ports, all_given, strict=False))
        ]
        sinks = [(self.unit.vector_out[0], run.vector), (self.unit.scalar_out[0], run.scalar)]
        sent = [0] * len(sources)
        offered = [False] * len(sources)
        given = [0] * len(sources)
        # All inputs are set at once, for the simulator settles after each assignment.
        driven = Cat(
            *(port.payload.as_value() for _, port, _ in sources),
            *(port.valid for _, port, _ in sources),
            *(port.ready for port, _ in sinks),
        )
        widths = [*(len(port.payload.as_value()) for _, port, _ in sources), *[1] * (len(sources) + len(sinks))]
        silence = cycle = 0
        ticks = aiter(ctx.tick())  # one trigger for all cycles: it takes long to make
        while silence < (_LONGEST_SILENCE if pause else _QUIET):
            for number, (_, _, words) in enumerate(sources):
                if not offered[number] and sent[number] < len(words) and rng.random() >= pause:
                    given[number] = words[sent[number]]
                    offered[number] = True
            value = at = 0
            for part, width in zip([*given, *offered, *(rng.random() >= pause for _ in sinks)], widths, strict=True):
                value |= int(part) << at
                at += width
            ctx.set(driven, value)
            happened = bool(ctx.get(self.unit.busy))
            run.busy += happened
            for number, (_, port, _) in enumerate(sources):
                if offered[number] and ctx.get(port.ready):
                    sent[number] += 1
                    offered[number], happened = False, True
            for port, received in sinks:
                if ctx.get(port.valid) and ctx.get(port.ready):
                    received.append(_beat(ctx.get(port.payload)))
                    happened = True
            await anext(ticks)
            cycle += 1
            silence = 0 if happened else silence + 1
        ctx.set(driven, 0)
        await ticks.aclose()
        run.cycles = cycle - silence
        run.waits = ctx.get(self.unit.waits)
        run.taken = {name: count for (name, _, _), count in zip(sources, sent, strict=True)}
        return run


@cache
def bench(spec: FabricSpec = SPEC) -> Bench:
    """The bench of a spec; elaboration is what takes the time."""
    return Bench(spec)


def inputs(vector: Given, scalar: Given = ()) -> dict[tuple[Network | None, int], Beats]:
    """What arrives, by input."""
    arriving = [(Network.VECTOR, vector), (Network.SCALAR, scalar)]
    return {(net, port): beats for net, each in arriving for port, beats in enumerate(each) if beats is not None}


def expected(spec: FabricSpec, program: Program, vector: Given, scalar: Given) -> Run:
    """What the functional model says."""
    result = run_pcu(spec, program, inputs(vector, scalar))
    taken = {f"{where[0].value}_{where[1]}": count for where, count in result.taken.items() if where[0] is not None}
    return Run(vector=listed(result.vector), scalar=listed(result.scalar), taken=taken)


def listed(given: Beats | None) -> list[tuple[tuple[int, ...], int, bool]]:
    """Beats as (bit patterns, stop, void)."""
    if given is None:
        return []
    words = np.ascontiguousarray(given.data, dtype=np.float32).view(np.uint32)
    return [
        (tuple(map(int, word)), int(stop), bool(void))
        for word, stop, void in zip(words, given.stop, given.void, strict=True)
    ]


PAUSES = (0.3, 0.7)
"""Rare ones and many."""
_EACH = PAUSES if os.environ.get("WEFT_LONG") else (0.5,)


def check(
    program: Program,
    vector: Given,
    scalar: Given = (),
    *,
    spec: FabricSpec = SPEC,
    seed: int = 1,
    pauses: Sequence[float] = _EACH,
) -> Run:
    """Assert that without pauses and with them the hardware gives what the model gives; return the free run."""
    golden = expected(spec, program, vector, scalar)
    assert golden.vector or golden.scalar, "the model gives no output: nothing would be tested"
    free = bench(spec).run(program, vector, scalar)
    paused = [bench(spec).run(program, vector, scalar, pause=pause, seed=seed) for pause in pauses]
    for pause, run in zip((0.0, *pauses), (free, *paused), strict=True):
        assert run.vector == golden.vector, f"vector output differs with pauses {pause}"
        assert run.scalar == golden.scalar, f"scalar output differs with pauses {pause}"
        for name, count in run.taken.items():
            least = golden.taken.get(name, 0)
            assert least <= count <= least + spec.fifo_depth + 2, f"{count} beats of {name} are taken, not {least}"
    return free


def payloads(given: Beats | None, stop_bits: int) -> list[int]:
    """Beats as the bits of a stream's payload."""
    if given is None:
        return []
    width = given.data.shape[1]
    words = np.ascontiguousarray(given.data, dtype=np.float32).view(np.uint32).astype(object)
    data = sum(words[:, lane] << (32 * lane) for lane in range(width))
    return [
        int(word) | int(stop) << (32 * width) | int(void) << (32 * width + stop_bits)
        for word, stop, void in zip(data, given.stop, given.void, strict=True)
    ]


def _beat(payload: Any) -> tuple[tuple[int, ...], int, bool]:
    data = payload.data
    words = (data,) if isinstance(data, int) else tuple(data[lane] for lane in range(len(data)))
    return words, payload.stop, bool(payload.void)
