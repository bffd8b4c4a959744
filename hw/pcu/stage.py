"""One stage of the body."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.arith import FunctionUnit
from weft.hw.native.lanes import NativeFunctions
from weft.hw.numerics.ops import Op
from weft.hw.program.pcu import Source, Word
from weft.hw.program.pcu import Stage as StageProgram
from weft.hw.spec import FabricSpec
from weft.hw.tile.unit import program_layout

from .step import step_signature

__all__ = ["Stage"]


class Stage(wiring.Component):
    """A function unit and ``acc_depth`` accumulators in each lane, and one register written.

    A rigid pipeline: a step every cycle, latency that of the function unit. A stage whose program changes nothing
    (``PASS`` of the register written) is bypassed: then the latency is 0 and the stage never moves.

    Steps with the same index must be at least ``FunctionUnit.c_latency`` cycles apart where they accumulate. At this
    distance the earlier one's result goes straight back to operand c; at a greater one it is read from the memory.

    Parameters
    ----------
    spec
        Lanes, registers, accumulators.
    number
        Which stage, as drain steps name it.
    native
        Let the host compute, see :mod:`weft.hw.native`; only in simulation, with a gated clock.

    Members
    -------
    program : In(program_layout(StageProgram, spec))
        The stage's program.
    accumulate : In(1)
        Operand c ``ACC`` accumulates; otherwise it is zero.
    sums : In(1)
        A drain step is one for all stages: operand a is then the register written.
    empty : In(lanes)
        Lanes that hold no element in a beat with a stop: their accumulators pass over it. Of the program alone.
    keeps : In(registers)
        Registers that matter after this stage. The others stand still in it, and leave it as anything.
    needs : Out(registers)
        Registers that matter before this stage. Like ``keeps``, of the program alone.
    i : In(step_signature), o : Out(step_signature)
        Steps.
    active : Out(1)
        There is something to move.

    Raises
    ------
    ValueError
        ``number`` is not that of a stage.
    """

    latency = FunctionUnit.latency

    def __init__(self, *, spec: FabricSpec, number: int, native: bool = False) -> None:
        if not 0 <= number < spec.stages:
            raise ValueError(f"number must be at least 0 and less than stages = {spec.stages}, not {number!r}")
        self.spec = spec
        self.number = number
        self._native = native
        steps = step_signature(spec)
        super().__init__(
            {
                "program": In(program_layout(StageProgram, spec)),
                "accumulate": In(1),
                "sums": In(1),
                "empty": In(spec.lanes),
                "keeps": In(spec.registers),
                "needs": Out(spec.registers),
                "i": In(steps),
                "o": Out(steps),
                "active": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        program = self.program
        uses_accumulator, changes_nothing = Signal(), Signal()
        m.d.comb += [
            uses_accumulator.eq(self.accumulate & (program.c == Source.ACC)),
            changes_nothing.eq((program.op == Op.PASS) & (program.a == program.dst) & ~uses_accumulator),
        ]

        # A sum passes in the register that it is written to: if that matters, `keeps` says so.
        operands = {"a": program.a, "b": program.b, "c": program.c}
        reads = [
            Cat(
                given == source
                for operand, given in operands.items()
                for source in Source
                if any(word.source.register == number for word in self._words(source, operand))
            ).any()
            for number in range(self.spec.registers)
        ]
        m.d.comb += self.needs.eq(self.keeps | Cat(reads))

        # The step as it was 0, 1, ... cycles ago; a bypassed stage lets none in.
        valid = Signal()
        m.d.comb += valid.eq(self.i.valid & ~changes_nothing)
        valids: list[Value] = [valid]
        controls = [self.i.control]
        registers = [[Value.cast(register) for register in self.i.registers]]
        scalars = [list(self.i.scalars)]
        for age in range(1, self.latency + 1):
            valids.append(Signal(name=f"valid_{age}"))
            controls.append(Signal.like(self.i.control, name=f"control_{age}", reset_less=True))
            m.d.sync += [valids[-1].eq(valids[-2]), controls[-1].eq(controls[-2])]
            for name, ages in (("register", registers), ("scalar", scalars)):
                ages.append(
                    [
                        Signal(len(word), name=f"{name}_{number}_{age}", reset_less=True)
                        for number, word in enumerate(ages[-1])
                    ]
                )
            m.d.sync += [later.eq(word) for later, word in zip(scalars[-1], scalars[-2], strict=True)]
            moves = self.needs if age == 1 else self.keeps
            for number, (later, word) in enumerate(zip(registers[-1], registers[-2], strict=True)):
                with m.If(moves[number]):
                    m.d.sync += later.eq(word)
        m.d.comb += self.active.eq(Cat(*valids).any())

        # Operand c comes later than the others, with the accumulator that was addressed the cycle before.
        c_age = FunctionUnit.latency - FunctionUnit.c_latency
        last = controls[self.latency]
        a_source = Signal.like(program.a)
        m.d.comb += a_source.eq(Mux(self.sums & uses_accumulator & controls[0].drain, program.dst, program.a))
        a = self._operand(m, "a", a_source, registers[0], scalars[0])
        b = self._operand(m, "b", program.b, registers[0], scalars[0])
        c = self._operand(m, "c", program.c, registers[c_age], scalars[c_age])
        result = Signal(len(c))

        # A memory a lane: a simulator is slow to read a wide word that it has just written in parts.
        write_enable, accumulated = Signal(), []
        for lane in range(self.spec.lanes):
            m.submodules[f"accumulators_{lane}"] = accumulators = memory.Memory(
                shape=unsigned(32), depth=1 << len(last.index), init=[]
            )
            write = accumulators.write_port()
            read = accumulators.read_port(transparent_for=[write])
            m.d.comb += [
                write.addr.eq(last.index),
                write.data.eq(result.word_select(lane, 32)),
                write.en.eq(write_enable),
                read.addr.eq(controls[c_age - 1].index),
            ]
            accumulated.append(read.data)
        at_c = controls[c_age]
        drains = Signal()
        m.d.comb += [
            write_enable.eq(valids[self.latency] & uses_accumulator & ~last.drain),
            drains.eq(at_c.drain & ~self.sums & (at_c.stage == self.number)),
        ]
        c_or_accumulator = Signal(len(c))
        m.d.comb += c_or_accumulator.eq(c)
        with m.If(uses_accumulator):
            m.d.comb += c_or_accumulator.eq(Cat(*accumulated))
            with m.If(at_c.first):
                m.d.comb += c_or_accumulator.eq(program.const.replicate(self.spec.lanes))
            with m.Elif(write_enable & (last.index == at_c.index)):
                m.d.comb += c_or_accumulator.eq(result)

        # Lanes that keep what they have accumulated; those past the end of a row in its last beat, or all.
        bypass, row_ends = Signal(self.spec.lanes), Signal()
        m.d.comb += row_ends.eq(at_c.stop.any() & ~at_c.drain)
        with m.If(uses_accumulator):
            m.d.comb += bypass.eq(
                (at_c.void | drains).replicate(self.spec.lanes) | (self.empty & row_ends.replicate(self.spec.lanes))
            )
        if self._native:
            m.submodules.lanes = unit = NativeFunctions(lanes=self.spec.lanes)
            m.d.comb += [
                unit.valid.eq(valids[c_age]),
                unit.op.eq(program.op),
                unit.a.eq(a),
                unit.b.eq(b),
                unit.c.eq(c_or_accumulator),
                unit.bypass.eq(bypass),
                result.eq(unit.r),
            ]
        else:
            for lane in range(self.spec.lanes):
                m.submodules[f"lane_{lane}"] = unit = FunctionUnit()
                word = slice(32 * lane, 32 * lane + 32)
                m.d.comb += [
                    unit.op.eq(program.op),
                    unit.a.eq(a[word]),
                    unit.b.eq(b[word]),
                    unit.c.eq(c_or_accumulator[word]),
                    unit.bypass.eq(bypass[lane]),
                    result[word].eq(unit.r),
                ]

        # A step without output, or a drain step for another stage, passes an accumulating one as it came.
        writes = Signal()
        others = last.drain & ~self.sums & (last.stage != self.number)
        m.d.comb += writes.eq(~uses_accumulator | (last.emit & ~others))
        m.d.comb += [
            self.o.valid.eq(Mux(changes_nothing, self.i.valid, valids[-1])),
            self.o.control.eq(Mux(changes_nothing, self.i.control, last)),
        ]
        for number, (early, late) in enumerate(zip(registers[0], registers[-1], strict=True)):
            out = Value.cast(self.o.registers[number])
            m.d.comb += out.eq(Mux(changes_nothing, early, late))
            with m.If(~changes_nothing & writes & (program.dst == number)):
                m.d.comb += out.eq(result)
        for out, early, late in zip(self.o.scalars, scalars[0], scalars[-1], strict=True):
            m.d.comb += out.eq(Mux(changes_nothing, early, late))
        return m

    def _words(self, source: Source, operand: str) -> tuple[Word, ...]:
        return source.words(operand, stage=self.number, lanes=self.spec.lanes)

    def _operand(self, m: Module, name: str, source: Value, registers: list[Value], scalars: list[Value]) -> Value:
        """The operand that ``source`` names, for all lanes; zero if there is no such thing."""
        operand = Signal(32 * self.spec.lanes, name=f"operand_{name}")
        there: dict[Source, Value] = {Source.CONST: self.program.const}
        there |= {Source(number): register for number, register in enumerate(registers)}
        there |= {Source.scalar(number): scalar for number, scalar in enumerate(scalars)}
        with m.Switch(source):
            for choice in Source:
                words = self._words(choice, name)
                if words and all(word.source in there for word in words):
                    with m.Case(choice):
                        m.d.comb += operand.eq(Cat(there[word.source].word_select(word.lane, 32) for word in words))
            with m.Default():
                m.d.comb += operand.eq(Const(0))
        return operand
