"""Queue and skid buffer: order, nothing lost, room, full rate, no combinational paths, under stalls on both sides."""

from __future__ import annotations

from typing import Any

import pytest
from amaranth.hdl import unsigned
from amaranth.lib import data
from stream_bench import combinational_paths, random_values, run_streams, values_of

from weft.hw.stream.queue import Queue
from weft.hw.stream.skid import SkidBuffer

DEPTHS = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17]
LAYOUT = data.StructLayout({"data": unsigned(12), "stop": unsigned(3)})
BITS = 15


def buffer(depth: int | None) -> Any:
    return SkidBuffer(layout=LAYOUT) if depth is None else Queue(layout=LAYOUT, depth=depth)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("stall", [0.2, 0.5, 0.8])
@pytest.mark.parametrize("depth", [None, *DEPTHS])
def test_order_is_kept_and_nothing_lost_under_stalls(depth: int | None, stall: float, seed: int):
    dut = buffer(depth)
    beats = random_values(60, bits=BITS, seed=seed)
    (got,) = run_streams(dut, sources=[(dut.i, beats)], sinks=[(dut.o, len(beats))], stall=stall, seed=seed)
    assert values_of(got) == beats


@pytest.mark.parametrize("depth", [None, *DEPTHS])
def test_without_stalls_a_beat_a_cycle_after_one(depth: int | None):
    dut = buffer(depth)
    beats = random_values(50, bits=BITS, seed=1)
    (got,) = run_streams(dut, sources=[(dut.i, beats)], sinks=[(dut.o, len(beats))])
    step = 2 if depth == 1 else 1
    assert [arrival.cycle for arrival in got] == [1 + step * index for index in range(len(beats))]


@pytest.mark.parametrize("depth", [None, *DEPTHS])
def test_room_is_exactly_the_depth(depth: int | None):
    dut = buffer(depth)
    room = depth or 2
    run_streams(dut, sources=[(dut.i, list(range(room + 5)))], sinks=[], stall=0.3, unsent=[5])


@pytest.mark.parametrize("depth", [None, *DEPTHS])
def test_no_output_depends_on_an_input(depth: int | None):
    assert combinational_paths(buffer(depth)) == set()
