"""cocotb bench of a queue of vector beats, run by test_queue_bench.py."""

from __future__ import annotations

import random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles, with_timeout

from weft.hw.presets import PRESETS
from weft.hw.stream.beat import beat_layout
from weft.hw.topology import Network
from weft.sim.bench.stream import StreamSink, StreamSource, all_empty, never, often

SPEC = PRESETS["tiny"]
LAYOUT = beat_layout(SPEC, Network.VECTOR)


async def start(dut) -> None:
    Clock(dut.clk, 10, "ns").start()
    dut.rst.value = 1
    await ClockCycles(dut.clk, 3)
    dut.rst.value = 0


def beats(count: int) -> list[dict]:
    return [
        {"data": [random.getrandbits(32) for _ in range(SPEC.lanes)], "stop": i % 3, "void": i % 5 == 0}
        for i in range(count)
    ]


@cocotb.test()
@cocotb.parametrize(source_pauses=[False, True], sink_pauses=[False, True])
async def beats_arrive_in_order(dut, source_pauses, sink_pauses):
    await start(dut)
    pauses = {True: often, False: lambda _: never()}
    source = StreamSource(dut, "i", dut.clk, layout=LAYOUT, pauses=pauses[source_pauses](random.getrandbits(32)))
    sink = StreamSink(dut, "o", dut.clk, layout=LAYOUT, pauses=pauses[sink_pauses](random.getrandbits(32)))
    sent = beats(200)
    source.send(sent)
    received = await with_timeout(sink.receive(len(sent)), 100, "us")
    for expected, beat in zip(sent, received, strict=True):
        assert [word for word in beat["data"]] == expected["data"]
        assert (beat["stop"], beat["void"]) == (expected["stop"], expected["void"])
    all_empty(source, sink)


@cocotb.test()
async def full_rate_without_pauses(dut):
    await start(dut)
    source = StreamSource(dut, "i", dut.clk, layout=LAYOUT)
    sink = StreamSink(dut, "o", dut.clk, layout=LAYOUT)
    source.send(beats(50))
    await with_timeout(sink.receive(50), 100, "us")
    assert sink.arrivals[-1] - sink.arrivals[0] == 49
