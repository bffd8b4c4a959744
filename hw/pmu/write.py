"""The write side of a PMU: beats into blocks."""

from __future__ import annotations

from amaranth.hdl import Assert, Format, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Pmu, Port
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

from .block import block_layout
from .place import WriteNest
from .scratchpad import scratchpad_members

__all__ = ["WriteSide"]


class WriteSide(wiring.Component):
    """Fills buffers with the beats of the chosen input and hands them over: STeP's Bufferize (arXiv 2511.07776).

    Takes a beat every cycle while a buffer is free; what it takes is in the scratchpad in the next cycle. A scalar beat
    for the first word of a line clears the others, so that a line is never part of an old one.

    Parameters
    ----------
    spec
        Of the fabric.
    checks
        Assert in simulation that blocks fit their buffers.

    Members
    -------
    program : In
        The PMU's program.
    launch : In(1)
        A launch begins.
    vector, scalar : In(beat_stream)
        Beats to keep.
    free : In(1)
        A buffer is free.
    block : Out(stream)
        Blocks that have ended, see :func:`weft.hw.pmu.block.block_layout`; its consumer is always ready.
    taken : Out(1)
        A beat is taken in this cycle.
    write_line, write_data, write_lanes : Out
        To the scratchpad.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        memory = {name: each.shape for name, each in scratchpad_members(spec).items()}
        super().__init__(
            {
                "program": In(program_layout(Pmu, spec)),
                "launch": In(1),
                "vector": In(beat_stream(spec, Network.VECTOR)),
                "scalar": In(beat_stream(spec, Network.SCALAR)),
                "free": In(1),
                "block": Out(stream.Signature(block_layout(spec), always_ready=True)),
                "taken": Out(1),
                "write_line": Out(memory["write_line"]),
                "write_data": Out(memory["write_data"]),
                "write_lanes": Out(memory["write_lanes"]),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, program = self._spec, self.program

        # The beat at the chosen input.
        scalar = Signal()
        valid, void = Signal(), Signal()
        stop = Signal(spec.stop_bits)
        m.d.comb += [
            scalar.eq(program.write == Port.SCALAR.value),
            self.vector.ready.eq(self.free & (program.write == Port.VECTOR.value)),
            self.scalar.ready.eq(self.free & scalar),
            valid.eq(Mux(scalar, self.scalar.valid, self.vector.valid)),
            stop.eq(Mux(scalar, self.scalar.payload.stop, self.vector.payload.stop)),
            void.eq(Mux(scalar, self.scalar.payload.void, self.vector.payload.void)),
            self.taken.eq(valid & self.free & (program.write != Port.OFF.value)),
        ]

        # Whether its block is one to keep.
        block = Signal.like(program.period)
        chosen, block_ends = Signal(), Signal()
        m.d.comb += chosen.eq((program.period == 0) | ((block >= program.block_from) & (block < program.block_to)))
        with m.If(self.launch):
            m.d.sync += block.eq(0)
        with m.Elif(block_ends):
            m.d.sync += block.eq(Mux(block + 1 >= program.period, 0, block + 1))

        # Whether it is kept, and whether it ends the block.
        counted = Signal.like(program.write_to)
        counted_next = Signal.like(counted)
        kept = Signal.like(self.block.payload.kept)
        kept_next = Signal.like(kept)
        m.submodules.nest = nest = WriteNest(spec=spec)
        lines, lines_next = Signal.like(kept), Signal.like(kept)
        line = Signal.like(nest.address)
        word_bits = (spec.lanes - 1).bit_length()
        keeps, ends = Signal(), Signal()
        m.d.comb += [
            keeps.eq(
                (chosen & ~void & (counted >= program.write_from))
                & ((program.write_to == 0) | (counted < program.write_to))
            ),
            ends.eq(stop >= program.write_rank),
            # A count that stays at its end is on the right side of any write_from and write_to.
            counted_next.eq(counted + (~void & ~counted.all())),
            kept_next.eq(kept + keeps),
            block_ends.eq(self.taken & ends),
            self.block.valid.eq(block_ends & chosen),
            self.block.payload.kept.eq(kept_next),
            line.eq(Mux(scalar, nest.address >> word_bits, nest.address)),
            lines_next.eq(Mux(keeps & (line >= lines), line + 1, lines)),
            self.block.payload.lines.eq(lines_next),
            self.block.payload.outer.eq(stop - program.write_rank),
        ]

        # Where it is written.
        first_line = Signal.like(self.write_line)
        lane = Signal(range(spec.lanes))
        m.d.comb += [
            nest.levels.eq(program.write_levels),
            nest.stride.eq(program.write_stride),
            nest.step.eq(self.taken & keeps),
            nest.restart.eq(block_ends),
            lane.eq(nest.address),
            self.write_line.eq(first_line + line),
            self.write_lanes.eq(Mux(self.taken & keeps, Mux(scalar & (lane != 0), 1 << lane, ~0), 0)),
            self.write_data.eq(self.vector.payload.data),
        ]
        with m.If(scalar):
            m.d.comb += [
                self.write_data[bank].eq(Mux(lane == bank, self.scalar.payload.data, 0)) for bank in range(spec.lanes)
            ]

        with m.If(block_ends):
            m.d.sync += [counted.eq(0), kept.eq(0), lines.eq(0)]
            with m.If(chosen):
                m.d.sync += first_line.eq(first_line + program.block_lines)
        with m.Elif(self.taken):
            m.d.sync += [counted.eq(counted_next), kept.eq(kept_next), lines.eq(lines_next)]

        if self._checks:
            with m.If(self.taken & keeps):
                m.d.sync += Assert(line < program.block_lines, Format("a block does not fit its buffer"))
        return m
