"""The pattern compute unit."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import flipped

from weft.hw.clock_gate import RigidPart, add_gated
from weft.hw.program import Unpack
from weft.hw.program.pcu import Accumulate
from weft.hw.spec import FabricSpec
from weft.hw.stream.connect import connect_streams
from weft.hw.stream.monitor import watch_stream
from weft.hw.tile.unit import unit_members
from weft.hw.topology import TileKind

from .header import Header
from .load import Load
from .output import Output
from .stage import Stage
from .step import result_signature
from .tail import Conversions, LaneReduction, Specials
from .widen import Widen

__all__ = ["Pcu"]


class Pcu(wiring.Component):
    """Makes steps of input beats and takes them through its stages: `weft.hw.program.pcu`, bit for bit.

    Header (queues, which beats make a step, its order), body (stages) and tail (reduction, special function,
    conversion) as in Plasticine (ISCA 2017) and SN40L (arXiv 2405.07518). Body and tail are rigid pipelines, which
    stand still as long as the result at their end finds no room at an output.

    At most one step a cycle. From a beat that arrives to its result: 1 cycle in the queue, 1 in the first register, 1
    more for small weights, those of each stage that does something and of the reduction and special function if used, 1
    of conversion, 1 at the output. With an all-zero program it does nothing.

    Parameters
    ----------
    spec
        Lanes, stages, registers, accumulators, inputs and their queues.
    checks
        Add protocol assertions to every stream; not for synthesis.
    clock_gating
        Stop the clock of each part of body and tail that has nothing to move, by :mod:`weft.hw.clock_gate`. Makes
        simulation faster; not for synthesis, nor for Amaranth's simulator.
    native
        Let the host compute instead of the arithmetic units, by the modules of :mod:`weft.hw.native`; the same bits in
        the same cycles, sooner. Needs gated clocks; not for synthesis, nor for Amaranth's simulator.

    Members
    -------
    As in :func:`weft.hw.tile.unit.unit_members`. ``waits`` names the inputs that the next step lacks only if a block is
    begun or another of its inputs is there; ``starved`` is high whenever a configured unit lacks an input.

    Raises
    ------
    ValueError
        ``native`` without ``clock_gating``.
    """

    def __init__(
        self, *, spec: FabricSpec, checks: bool = False, clock_gating: bool = False, native: bool = False
    ) -> None:
        if native and not clock_gating:
            raise ValueError("clock_gating must be True with native arithmetic, not False")
        self.spec = spec
        self._checks = checks
        self._clock_gating = clock_gating
        self._native = native
        super().__init__(unit_members(spec, TileKind.PCU))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        advance = Signal()
        m.submodules.header = header = Header(spec=self.spec)
        m.d.comb += [header.program.eq(self.program), header.launch.eq(self.launch), header.advance.eq(advance)]
        for ours, theirs in ((self.vector_in, header.vector), (self.scalar_in, header.scalar)):
            for outer, inner in zip(ours, theirs, strict=True):
                connect_streams(m, producer=flipped(outer), consumer=inner)

        issued: Any = header.o
        if Unpack.INT8.fits(self.spec):
            widen = Widen(spec=self.spec)
            self._add_part(m, "widen", widen, advance)
            wiring.connect(m, issued, widen.i)
            m.d.comb += widen.format.eq(self.program.unpack)
            issued = widen.o
        load = Load(spec=self.spec)
        self._add_part(m, "load", load, advance)
        wiring.connect(m, issued, load.i)

        body_end = self._add_body(m, load, advance)
        tail_end = self._add_tail(m, body_end, advance)

        m.submodules.output = output = Output(spec=self.spec)
        wiring.connect(m, tail_end, output.i)
        connect_streams(m, producer=output.vector, consumer=flipped(self.vector_out[0]))
        connect_streams(m, producer=output.scalar, consumer=flipped(self.scalar_out[0]))
        m.d.comb += [output.program.eq(self.program), advance.eq(~tail_end.valid | output.ready)]

        outputs = (self.vector_out[0], self.scalar_out[0])
        missing = Signal.like(header.missing)
        m.d.comb += [
            missing.eq(Mux(header.unfinished, header.missing, 0)),
            self.busy.eq(header.o.valid),
            self.blocked.eq(~advance),
            self.starved.eq(advance & (header.missing != 0)),
            self.waits[: len(missing)].eq(missing),
            self.waits[16 : 16 + len(outputs)].eq(Cat(port.valid & ~port.ready for port in outputs)),
        ]
        if self._checks:
            for name, ports in (
                ("vector_in", self.vector_in),
                ("scalar_in", self.scalar_in),
                ("vector_out", self.vector_out),
                ("scalar_out", self.scalar_out),
            ):
                for number, port in enumerate(ports):
                    watch_stream(m, port, label=f"{name}[{number}]")
        return m

    def _add_part(self, m: Module, name: str, part: RigidPart, advance: Signal) -> None:
        add_gated(m, name=name, part=part, advance=advance, clock_gating=self._clock_gating)

    def _add_body(self, m: Module, load: Load, advance: Signal) -> Any:
        """The stages one after the other; returns the step at their end, of which register 0 leaves."""
        step: Any = load.o
        keeps = load.keeps
        lanes, filled = range(self.spec.lanes), self.program.row_lanes
        empty = Signal(self.spec.lanes)
        m.d.comb += empty.eq(Cat((filled != 0) & (filled <= lane) for lane in lanes))
        for number in range(self.spec.stages):
            stage = Stage(spec=self.spec, number=number, native=self._native)
            self._add_part(m, f"stage_{number}", stage, advance)
            wiring.connect(m, step, stage.i)
            m.d.comb += [
                stage.program.eq(self.program.stages[number]),
                stage.accumulate.eq(self.program.accumulate != Accumulate.OFF),
                stage.sums.eq(self.program.drain_sum),
                stage.empty.eq(empty),
                keeps.eq(stage.needs),
            ]
            step, keeps = stage.o, stage.keeps
        m.d.comb += keeps.eq(1)
        return step

    def _add_tail(self, m: Module, step: Any, advance: Signal) -> Any:
        """Register 0 of the steps that give output, through the tail; returns the result at its end."""
        result = result_signature(self.spec).create(path=("body_result",))
        m.d.comb += [
            result.valid.eq(step.valid & step.control.emit),
            Value.cast(result.data).eq(Value.cast(step.registers[0])),
            result.stop.eq(step.control.stop),
            # What is accumulated over a block is there even if the block's last beat is void.
            result.void.eq(step.control.void & (self.program.accumulate != Accumulate.REDUCE)),
        ]
        for name, part, op in (
            ("reduction", LaneReduction(spec=self.spec, native=self._native), self.program.reduction),
            ("special", Specials(spec=self.spec, native=self._native), self.program.special),
            ("conversion", Conversions(spec=self.spec, native=self._native), self.program.conversion),
        ):
            self._add_part(m, name, part, advance)
            wiring.connect(m, result, part.i)
            m.d.comb += part.op.eq(op)
            result = part.o
        return result
