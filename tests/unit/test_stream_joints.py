"""Fork, join, merge, credit gate, checked connect and monitor."""

from __future__ import annotations

import random
from typing import Any

import pytest
from amaranth.hdl import Module, unsigned
from amaranth.lib import data
from amaranth.sim import Simulator
from stream_bench import random_values, run_streams, values_of

from weft.hw.stream.connect import connect_streams
from weft.hw.stream.credit import CreditGate
from weft.hw.stream.fork import EagerFork
from weft.hw.stream.join import Join
from weft.hw.stream.merge import Merge
from weft.hw.stream.monitor import StreamMonitor
from weft.hw.stream.queue import Queue
from weft.hw.stream.skid import SkidBuffer

LAYOUT = data.StructLayout({"data": unsigned(12), "stop": unsigned(3)})
STALLS = [0.0, 0.3, 0.7]


@pytest.mark.parametrize("stall", STALLS)
@pytest.mark.parametrize("outputs", [1, 2, 3, 5])
def test_fork_gives_every_beat_to_every_output(outputs: int, stall: float):
    dut = EagerFork(layout=LAYOUT, outputs=outputs)
    beats = random_values(40, bits=15, seed=outputs)
    got = run_streams(
        dut, sources=[(dut.i, beats)], sinks=[(each, len(beats)) for each in dut.o], stall=stall, seed=outputs
    )
    assert [values_of(each) for each in got] == [beats] * outputs
    if not stall:
        assert all([arrival.cycle for arrival in each] == list(range(len(beats))) for each in got)


def test_fork_is_eager():
    dut = EagerFork(layout=LAYOUT, outputs=3)
    got = run_streams(dut, sources=[(dut.i, [7, 8])], sinks=[(dut.o[0], 1), (dut.o[2], 1)], unsent=[2])
    assert [values_of(each) for each in got] == [[7], [7]]


@pytest.mark.parametrize("stall", STALLS)
def test_join_pairs_beats_in_order(stall: float):
    dut = Join(layouts={"a": unsigned(4), "b": unsigned(8)})
    a, b = random_values(40, bits=4, seed=1), random_values(40, bits=8, seed=2)
    (got,) = run_streams(dut, sources=[(dut.a, a), (dut.b, b)], sinks=[(dut.o, 40)], stall=stall, seed=3)
    assert values_of(got) == [low | high << 4 for low, high in zip(a, b, strict=True)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("stall", STALLS)
def test_merge_passes_whole_blocks_as_selected(stall: float, seed: int):
    rng = random.Random(seed)
    rank, inputs = 2, 3
    order = [rng.randrange(inputs) for _ in range(25)]
    offered: list[list[int]] = [[] for _ in range(inputs)]
    expected: list[int] = []
    for chosen in order:
        stops = [rng.randrange(rank) for _ in range(rng.randrange(3))] + [rng.randrange(rank, 8)]
        block = [rng.getrandbits(12) | stop << 12 for stop in stops]
        offered[chosen] += block
        expected += block
    dut = Merge(layout=LAYOUT, inputs=inputs)
    (got,) = run_streams(
        dut,
        sources=[(dut.select, order), *zip(dut.i, offered, strict=True)],
        sinks=[(dut.o, len(expected))],
        stall=stall,
        seed=seed,
        setup=[(dut.rank, rank)],
    )
    assert values_of(got) == expected


@pytest.mark.parametrize("credits", [1, 2, 3, 4])
def test_tokens_wait_for_credit(credits: int):
    dut = CreditGate(layout=LAYOUT, credits=credits)
    got = run_streams(dut, sources=[(dut.i, range(6))], sinks=[(dut.o, credits)], unsent=[6 - credits])
    assert values_of(got[0]) == list(range(credits))


@pytest.mark.parametrize(("credits", "step"), [(1, 2), (2, 1), (3, 1)])
def test_credits_that_come_back_after_a_cycle(credits: int, step: int):
    dut = CreditGate(layout=LAYOUT, credits=credits)
    m = Module()
    m.submodules.dut = dut
    m.d.sync += dut.credit.eq(dut.o.valid & dut.o.ready)
    (got,) = run_streams(m, sources=[(dut.i, range(20))], sinks=[(dut.o, 20)])
    # A credit comes in the cycle after its token, and can be used in the cycle after that.
    assert [arrival.cycle for arrival in got] == [step * index for index in range(20)]


def test_connect_carries_beats_between_components():
    m = Module()
    m.submodules.a = a = Queue(layout=LAYOUT, depth=3)
    m.submodules.b = b = SkidBuffer(layout=LAYOUT)
    connect_streams(m, producer=a.o, consumer=b.i)
    beats = random_values(30, bits=15, seed=5)
    (got,) = run_streams(m, sources=[(a.i, beats)], sinks=[(b.o, 30)], stall=0.4)
    assert values_of(got) == beats


@pytest.mark.parametrize(
    ("cycles", "broken"),
    [
        ([(1, 0, 5), (1, 0, 5), (1, 1, 5), (1, 1, 6), (0, 0, 7)], None),
        ([(1, 0, 5), (0, 0, 5)], "valid fell"),
        ([(1, 0, 5), (1, 0, 6)], "payload changed"),
        ([(1, 0, 5), (1, 1, 6)], "payload changed"),
    ],
)
def test_monitor_sees_what_breaks_the_protocol(cycles: list[tuple[int, int, int]], broken: str | None):
    dut = StreamMonitor(layout=unsigned(4), label="here")

    async def bench(ctx: Any) -> None:
        for valid, ready, payload in cycles:
            ctx.set(dut.valid, valid)
            ctx.set(dut.ready, ready)
            ctx.set(dut.payload, payload)
            await ctx.tick()
        await ctx.tick()

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(bench)
    if broken is None:
        simulator.run()
        return
    with pytest.raises(AssertionError, match=f"here: {broken}"):
        simulator.run()
