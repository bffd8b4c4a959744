"""What starts a run of a PMU's read side."""

from __future__ import annotations

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Pmu, Port, Trigger
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

from .block import block_layout
from .nest import run_layout

__all__ = ["RunStart"]


class RunStart(wiring.Component):
    """Makes a run of the oldest block and of a beat at the trigger's input, if the program wants one.

    Latency 0, a run every cycle. The block is left behind when the run that gives it back begins; its buffer must
    not be written before the last item of that run (``frees`` in :func:`weft.hw.pmu.nest.run_layout`) is read.

    Parameters
    ----------
    spec
        Of the fabric.

    Members
    -------
    program : In
        The PMU's program.
    block : In(stream)
        The oldest block.
    control, address : In(beat_stream)
        The inputs that can trigger; ``address`` gives addresses or lengths.
    run : Out(stream)
        Runs; valid only when the control beat has room, too.
    token : Out(beat_stream)
        The control beat of each run, if the program sends them.
    lacks_trigger : Out(1)
        There is a block, but no beat to trigger a run of it.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "program": In(program_layout(Pmu, spec)),
                "block": In(stream.Signature(block_layout(spec))),
                "control": In(beat_stream(spec, Network.CONTROL)),
                "address": In(beat_stream(spec, Network.SCALAR)),
                "run": Out(stream.Signature(run_layout(spec))),
                "token": Out(beat_stream(spec, Network.CONTROL)),
                "lacks_trigger": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, program, run = self._spec, self.program, self.run.payload

        by_control, by_address, by_value = Signal(), Signal(), Signal()
        by_scalar, triggered, frees = Signal(), Signal(), Signal()
        outer = Signal(spec.stop_bits)
        m.d.comb += [
            by_control.eq(program.trigger == Trigger.CONTROL.value),
            by_address.eq(program.trigger == Trigger.ADDRESS.value),
            by_value.eq(program.trigger == Trigger.LENGTH.value),
            by_scalar.eq(by_address | by_value),
        ]
        with m.If(by_control):
            m.d.comb += [triggered.eq(self.control.valid), outer.eq(self.control.payload.stop)]
        with m.Elif(by_scalar):
            m.d.comb += [triggered.eq(self.address.valid), outer.eq(self.address.payload.stop)]
        with m.Else():
            m.d.comb += [triggered.eq(1), outer.eq(self.block.payload.outer)]
        m.d.comb += frees.eq(~(by_control | by_scalar) | (outer >= program.free_rank))

        # A vector read counts lines, a scalar or transposed read words.
        in_words = Signal()
        m.d.comb += in_words.eq((program.read == Port.SCALAR.value) | program.transposed)
        words_of_line = (spec.lanes - 1).bit_length()
        first_line, first = Signal(range(spec.pmu_lines)), Signal.like(run.address)
        m.d.comb += first.eq(Mux(in_words, first_line << words_of_line, first_line))

        # A number from the network, or the beats kept, or as many transposed beats as go over all their lines.
        across, no_length, nothing = Signal(), Signal(), Signal()
        value = self.address.payload.data
        m.d.comb += [
            across.eq(program.transposed & (program.read == Port.VECTOR.value)),
            nothing.eq(self.block.payload.kept == 0),
        ]
        with m.If(by_value):
            m.d.comb += [run.length.eq(value), no_length.eq((value == 0) | value[-1])]
        with m.Elif(program.by_length):
            groups = (self.block.payload.lines + (spec.lanes - 1)) >> words_of_line
            m.d.comb += run.length.eq(Mux(across, groups, self.block.payload.kept))
        with m.Else():
            m.d.comb += run.length.eq(program.levels[0].bound)

        room, begins = Signal(), Signal()
        m.d.comb += [
            room.eq(~program.control_out | self.token.ready),
            self.run.valid.eq(self.block.valid & triggered & room & (program.read != Port.OFF.value)),
            run.address.eq(first + program.offset + Mux(by_address, value, 0)),
            run.end.eq(first_line + self.block.payload.lines),
            run.stop.eq(program.read_rank + outer),
            run.void.eq(nothing | no_length | (by_scalar & self.address.payload.void)),
            run.frees.eq(frees),
            begins.eq(self.run.valid & self.run.ready),
            self.block.ready.eq(begins & frees),
            self.control.ready.eq(begins & by_control),
            self.address.ready.eq(begins & by_scalar),
            self.token.valid.eq(begins & program.control_out),
            self.token.payload.stop.eq(outer),
            self.lacks_trigger.eq(self.block.valid & ~triggered & (program.read != Port.OFF.value)),
        ]
        with m.If(self.block.ready):
            m.d.sync += first_line.eq(first_line + program.block_lines)
        return m
