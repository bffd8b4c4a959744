"""The order of the steps: rows, blocks, drains."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.arith import FunctionUnit
from weft.hw.program import Pcu
from weft.hw.program.pcu import Accumulate
from weft.hw.spec import FabricSpec
from weft.hw.tile.unit import program_layout

from .step import control_layout

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Counts rows and blocks, issues at most one step a cycle, and after a block the drain steps.

    A step that accumulates is held back until no earlier step with its index is in the adder's loop, so with
    enough accumulators a step is issued every cycle, and with one accumulator every
    ``FunctionUnit.c_latency`` cycles. The check needs no more than the indices of the last few steps, because the
    body is rigid: a distance in time at its entrance is the same distance at every stage.

    Parameters
    ----------
    spec
        Depth of the accumulators, number of stages.

    Members
    -------
    program : In(program_layout(Pcu, spec))
        The program.
    launch : In(1)
        Begin anew; nothing is issued in this cycle.
    advance : In(1)
        The body moves.
    available : In(1)
        The inputs have a step, with ``stop`` and ``void``.
    drainable : In(1)
        There is what a drain step takes of the inputs.
    stop, void : In
        Of the reference beat.
    take : Out(1)
        The step of the inputs is issued in this cycle.
    valid : Out(1), control : Out(control_layout)
        The step issued, be it of the inputs or a drain.
    draining : Out(1)
        The next step is a drain step.
    resting : Out(1)
        No block is begun.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self.spec = spec
        super().__init__(
            {
                "program": In(program_layout(Pcu, spec)),
                "launch": In(1),
                "advance": In(1),
                "available": In(1),
                "drainable": In(1),
                "stop": In(spec.stop_bits),
                "void": In(1),
                "take": Out(1),
                "valid": Out(1),
                "control": Out(control_layout(spec)),
                "draining": Out(1),
                "resting": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        program = self.program
        index = Signal.like(self.control.index)
        first = Signal(init=1)
        row_ends, block_ends = Signal(), Signal()
        accumulates = Signal()
        m.d.comb += [
            row_ends.eq(self.stop >= program.acc_row),
            block_ends.eq(self.stop >= program.acc_rank),
            accumulates.eq(program.accumulate != Accumulate.OFF),
            self.resting.eq(~self.draining & first & (index == 0)),
        ]

        draining = Signal()
        drain_index, last_index = Signal.like(index), Signal.like(index)
        drain_number = Signal.like(program.drain_stages)
        last_of_stage, last_stage = Signal(), Signal()
        m.d.comb += [
            self.draining.eq(draining),
            last_of_stage.eq(drain_index == last_index),
            last_stage.eq(drain_number + 1 >= program.drain_stages),
        ]

        m.submodules.stops = stops = memory.Memory(shape=self.spec.stop_bits, depth=1 << len(index), init=[])
        record, recall = stops.write_port(), stops.read_port(domain="comb")
        m.d.comb += [
            record.addr.eq(index),
            record.data.eq(self.stop),
            record.en.eq(self.take),
            recall.addr.eq(drain_index),
        ]

        next_index = Mux(draining, drain_index, index)
        go = Signal()
        m.d.comb += [
            go.eq(self.advance & ~self.launch & ~self._hazard(m, next_index, self.take & accumulates)),
            self.take.eq(go & ~draining & self.available),
            self.valid.eq(go & Mux(draining, self.drainable, self.available)),
        ]
        m.d.comb += [
            self.control.index.eq(next_index),
            self.control.drain.eq(draining),
            self.control.stage.eq(program.drain_stage + drain_number),
            self.control.first.eq(first & ~draining),
            self.control.void.eq(self.void & ~draining),
            self.control.stop.eq(self.stop),
        ]
        # Of both vectors of a packed beat the second has the stop, but where there is only one.
        more_of_index = Signal()
        m.d.comb += more_of_index.eq((drain_number == 0) & ~(program.unpack_odd & (recall.data != 0)))
        with m.If(draining & program.unpack_both):
            m.d.comb += self.control.stop.eq(Mux(more_of_index, 0, recall.data))
        with m.Elif(draining):
            m.d.comb += self.control.stop.eq(Mux(last_of_stage & ~last_stage, program.acc_row, recall.data))
        with m.Switch(program.accumulate):
            with m.Case(Accumulate.REDUCE):
                m.d.comb += self.control.emit.eq(block_ends)
            with m.Case(Accumulate.DRAIN):
                m.d.comb += self.control.emit.eq(draining)
            with m.Default():
                m.d.comb += self.control.emit.eq(1)

        with m.If(self.take):
            m.d.sync += index.eq(Mux(row_ends | block_ends, 0, index + 1))
            m.d.sync += first.eq(block_ends | (first & ~row_ends))
            with m.If(block_ends & (program.accumulate == Accumulate.DRAIN)):
                m.d.sync += [draining.eq(1), last_index.eq(index), drain_index.eq(0), drain_number.eq(0)]
        with m.Elif(self.valid & program.unpack_both):
            m.d.sync += drain_number.eq(more_of_index)
            with m.If(~more_of_index):
                m.d.sync += [drain_index.eq(drain_index + 1), draining.eq(~last_of_stage)]
        with m.Elif(self.valid):
            m.d.sync += drain_index.eq(drain_index + 1)
            with m.If(last_of_stage):
                m.d.sync += [drain_index.eq(0), drain_number.eq(drain_number + 1), draining.eq(~last_stage)]
        with m.If(self.launch):
            m.d.sync += [index.eq(0), first.eq(1), draining.eq(0)]
        return m

    def _hazard(self, m: Module, index: Value, accumulating: Value) -> Value:
        """Whether a step with this index would find its accumulator still in the adder."""
        conflict: Value = Signal()
        valid, earlier = accumulating, index
        for age in range(1, FunctionUnit.c_latency):
            was_valid = Signal(name=f"valid_{age}_ago")
            was_index = Signal.like(index, name=f"index_{age}_ago", reset_less=True)
            with m.If(self.advance):
                m.d.sync += [was_valid.eq(valid), was_index.eq(earlier)]
            conflict = conflict | (was_valid & (was_index == index))
            valid, earlier = was_valid, was_index
        return conflict
