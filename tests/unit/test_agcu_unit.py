"""An AGCU as a unit: its ports are registers, it tells what it does, and random programs agree with the twin."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from agcu_bench import assert_same_streams, beats, program_value, run_unit
from amaranth.back import rtlil
from amaranth.hdl import Value
from amaranth.sim import Simulator
from numpy.typing import NDArray

from weft.hw.agcu.agcu import Agcu
from weft.hw.presets import PRESETS
from weft.hw.program import Agcu as Program
from weft.hw.program import AgcuKind, AgcuLevel, When
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats
from weft.sim.functional.agcu import AgcuResult, run_agcu

SPEC = PRESETS["tiny"]
V = SPEC.beat_bytes
WHOLE = {"segment_base": 0, "segment_size": 1 << 14}
SPECS = {
    "two parts": SPEC,
    "one part": SPEC.replace(channel_bits=128),
    "four parts": SPEC.replace(channel_bits=32, agcu_levels=1),
    "no bursts": SPEC.replace(channel_bits=128, burst_beats=1, agcu_buffer=4),
    "long bursts": SPEC.replace(burst_beats=256, agcu_buffer=64, fifo_depth=2),
}


def random_program(rng: random.Random, spec: FabricSpec, kind: AgcuKind) -> Program:
    levels = tuple(
        AgcuLevel(
            bound=rng.choice((1, 2, 3)),
            bound_arg=rng.choice((0, 0, 0, 2)),
            stride=rng.choice((-1, 0, 1, 1, 1, 2, 3)) * V,
            rank=rng.randrange(4),
            grows=rng.random() < 0.3,
        )
        for _ in range(rng.randint(0, spec.agcu_levels))
    )
    whole = rng.random() < 0.6
    return Program(
        kind=kind, base=rng.randrange(240, 260) * V, arg_a=rng.choice((0, 1)), levels=levels,
        end_rank=rng.choice((2, 3)),
        indexed=rng.random() < 0.5, index_stride=rng.choice((V, 2 * V, -V)), nest_rank=1, pack=rng.random() < 0.3,
        emit_arg=rng.choice((0, 3)), wait_token=rng.random() < 0.3, done_token=rng.random() < 0.5,
        turns=rng.choice((0, 1, 2, 3)), turn_stride=rng.choice((-V, 4 * V)), works=rng.choice(list(When)),
        tells=rng.choice(list(When)), emit_turn=rng.random() < 0.3,
        rounds_arg=rng.choice((0, 4)), round_stride=rng.choice((-V, 4 * V)), wait_later=rng.random() < 0.5,
        tells_next=rng.random() < 0.4, segment_base=0 if whole else 244 * V,
        segment_size=1 << 14 if whole else 20 * V,
    )  # fmt: skip


def random_streams(rng: random.Random, spec: FabricSpec, seed: int) -> dict[str, Beats]:
    """What arrives in a turn; with a program that never ends before, all of it is taken."""
    stops = [rng.choice((0, 0, 0, 1)) for _ in range(rng.randrange(30))] + [3]
    data = np.random.default_rng(seed).integers(0, 1 << 32, (len(stops), spec.lanes))
    return {
        "vector": beats(data, stops, [rng.random() < 0.1 for _ in stops]),
        "scalar": beats([[rng.randrange(6)] for _ in range(4)], [0, 1, 0, 3], [0, rng.random() < 0.3, 0, 0]),
        "control": beats(np.zeros((1, 0)), [0]),
    }


def turns_of(program: Program, arguments: dict[int, int]) -> list[tuple[int, int]]:
    """Round and turn of each turn of a launch."""
    rounds = max(1, arguments.get(program.rounds_arg, 0))
    return [(turn_round, turn) for turn_round in range(rounds) for turn in range(max(1, program.turns))]


def run_turns(
    spec: FabricSpec,
    program: Program,
    memory: NDArray[np.uint8],
    arguments: dict[int, int],
    given: list[dict[str, Beats]],
) -> AgcuResult:
    """A launch of the twin: ``given`` has the streams of each turn that works."""
    results, left = [], list(given)
    for turn_round, turn in turns_of(program, arguments):
        nothing: dict[str, Beats | None] = {"vector": None, "scalar": None, "control": None}
        streams = left.pop(0) if program.works_in(turn) else nothing
        results.append(run_agcu(spec, program, memory, arguments, turn=turn, turn_round=turn_round, **streams))
    sent = zip(*((result.vector, result.scalar, result.control) for result in results), strict=True)
    vector, scalar, control = (_joined([each for each in part if each is not None]) for part in sent)
    return AgcuResult(vector, scalar, control, 0, 0, 0, any(result.violation for result in results))


def _joined(streams: list[Beats]) -> Beats | None:
    return Beats.joined(streams) if streams else None


@pytest.mark.parametrize("kind", [AgcuKind.LOAD, AgcuKind.STORE, AgcuKind.SINK], ids=lambda kind: kind.name)
@pytest.mark.parametrize("name", SPECS)
def test_random_programs(name: str, kind: AgcuKind) -> None:
    spec, rng = SPECS[name], random.Random(f"{name} {kind}")
    for seed in range(5):
        program = random_program(rng, spec, kind)
        arguments = {1: 2, 2: rng.randrange(4), 3: 0xDEADBEEF, 4: rng.randrange(4)}
        working = [turn for _, turn in turns_of(program, arguments) if program.works_in(turn)]
        given = [random_streams(rng, spec, seed + number) for number in range(len(working))]
        wanted = np.random.default_rng(seed).integers(0, 256, 1 << 14, dtype=np.uint8)
        got = wanted.copy()
        expected = run_turns(spec, program, wanted, arguments, given)
        streams = {name: _joined([each[name] for each in given]) for name in ("vector", "scalar", "control")}
        rates = {"rate": rng.choice((1.0, 0.7, 0.3)), "out_rate": rng.choice((1.0, 0.5, 0.2))}
        (run,) = run_unit(spec, [program], got, arguments, seed=seed, **streams, **rates)
        assert_same_streams(run, expected)
        assert np.array_equal(got, wanted), f"memory after {program}"


def leaves(spec: FabricSpec, dut: Agcu) -> tuple[list[Value], list[Value]]:
    """All inputs and all outputs of a unit."""
    members = [(member, Value.cast(value)) for _, member, value in dut.signature.flatten(dut)]
    inputs = [value for member, value in members if member.flow.name == "In"]
    return inputs, [value for member, value in members if member.flow.name == "Out"]


@pytest.mark.parametrize("kind", list(AgcuKind), ids=lambda kind: kind.name)
def test_no_output_depends_on_an_input_within_a_cycle(kind: AgcuKind) -> None:
    dut, rng = Agcu(spec=SPEC), random.Random(1)
    inputs, outputs = leaves(SPEC, dut)
    program = Program(kind=kind, levels=(AgcuLevel(bound=3, stride=V),), end_rank=1, segment_size=1 << 20)
    moved = set()

    async def bench(ctx: Any) -> None:
        before: list[int] = []
        for cycle in range(500):
            await ctx.tick()
            ctx.set(dut.program, program_value(SPEC, program))
            shown = [ctx.get(output) for output in outputs]
            if before:
                moved.update(i for i, (old, new) in enumerate(zip(before, shown, strict=True)) if old != new)
            for signal in inputs:
                if len(signal) < 200:
                    ctx.set(signal, rng.getrandbits(len(signal)))
            ctx.set(dut.launch, cycle % 100 == 5)
            assert [ctx.get(output) for output in outputs] == shown
            before = shown

    sim = Simulator(dut)
    sim.add_clock(1e-6)
    sim.add_testbench(bench)
    sim.run()
    assert kind is AgcuKind.OFF or len(moved) > 5, "the unit did nothing"


def test_what_it_waits_for() -> None:
    store = Program(kind=AgcuKind.STORE, end_rank=1, **WHOLE)
    with pytest.raises(AssertionError, match="waits 0x1,"):
        run_unit(SPEC, [store], np.zeros(1 << 14, np.uint8), {}, limit=100)
    gather = Program(kind=AgcuKind.LOAD, end_rank=1, indexed=True, **WHOLE)
    with pytest.raises(AssertionError, match="waits 0x2,"):
        run_unit(SPEC, [gather], np.zeros(1 << 14, np.uint8), {}, limit=100)
    load = Program(kind=AgcuKind.LOAD, levels=(AgcuLevel(bound=4),), **WHOLE)
    with pytest.raises(AssertionError, match="waits 0x10000,"):
        run_unit(SPEC, [load], np.zeros(1 << 14, np.uint8), {}, limit=100, out_rate=0)


def test_latencies_are_as_promised() -> None:
    for rounds_arg in (0, 1):
        program = Program(kind=AgcuKind.LOAD, levels=(AgcuLevel(bound=1, stride=V),), rounds_arg=rounds_arg, **WHOLE)
        (run,) = run_unit(SPEC, [program], np.zeros(1 << 14, np.uint8), {})
        # The bench counts the cycle of the launch as the first.
        assert run.memory.request.times == [1 + SPEC.agcu_levels + 10 + rounds_arg]


def test_tap_is_an_instance_with_the_tile_as_a_port() -> None:
    assert "weft_tap" in rtlil.convert(Agcu(spec=SPEC, tap=True))
    plain = rtlil.convert(Agcu(spec=SPEC))
    assert "weft_tap" not in plain
    assert "tile_id" not in plain
