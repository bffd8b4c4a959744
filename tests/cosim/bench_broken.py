"""cocotb bench that fails, run by test_queue_bench.py to see that a failure is told."""

from __future__ import annotations

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import ClockCycles

from weft.sim.bench.stream import StreamSink, StreamSource, all_empty


@cocotb.test()
async def a_beat_is_left_over(dut):
    Clock(dut.clk, 10, "ns").start()
    source = StreamSource(dut, "i", dut.clk)
    sink = StreamSink(dut, "o", dut.clk)
    source.send([1, 2])
    await sink.receive(1)
    await ClockCycles(dut.clk, 10)
    all_empty(source, sink)
