"""The course of an AGCU's launch: arguments, turns, rounds, tokens, and when it is over."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, enum, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from weft.hw.program import Agcu, AgcuKind, When
from weft.hw.program.agcu import BOUND_BITS
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.tile.unit import program_layout
from weft.hw.topology import Network

from .ports import TURN_BITS, argument_signature

__all__ = ["Sequencer"]


class _State(enum.Enum, shape=3):
    IDLE = 0
    SETUP = 1
    WAIT = 2
    RUN = 3
    DRAIN = 4


class Sequencer(wiring.Component):
    """Leads an AGCU through a launch: reads the arguments, then turn by turn waits for the token, lets work run, and
    sends the token.

    A launch of a program that is not OFF reads one argument a cycle (``agcu_levels + 3`` of them, one memory port),
    so that work begins ``agcu_levels + 6`` cycles after ``launch`` without a token, one later with rounds; from the
    end of a turn's work to the beginning of the next, also of the next round, it takes 3 cycles, and a turn without
    work takes 2. What a turn emits is sent before its token is waited for.

    Parameters
    ----------
    spec
        Decides number of arguments and levels.

    Members
    -------
    program, launch, argument : In
        As in :class:`weft.hw.agcu.agcu.Agcu`.
    finished : In(1)
        While ``running``: the work is over.
    begin : Out(1)
        One cycle high before ``running``.
    running : Out(1)
        Work is to be done.
    idle : Out(1)
        No launch is under way.
    waiting : Out(1)
        The token is waited for.
    turns_over : Out(TURN_BITS)
        Turns of this launch that are over, those of all rounds, modulo ``2**TURN_BITS``.
    base : Out(address_bits)
        ``base + args[arg_a] + args[arg_b] + turn * turn_stride + round * round_stride``, all in vector beats.
    bounds : Out(24).array
        Iterations of each level in this round.
    token : In(stream)
        Control beats that begin launches.
    emitted, done_token : Out(stream)
        Scalar and control output, from registers.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "program": In(program_layout(Agcu, spec)),
                "launch": In(1),
                "argument": In(argument_signature(spec)),
                "finished": In(1),
                "begin": Out(1),
                "running": Out(1),
                "idle": Out(1),
                "waiting": Out(1),
                "turns_over": Out(TURN_BITS),
                "base": Out(spec.address_bits),
                "bounds": Out(data.ArrayLayout(unsigned(BOUND_BITS), spec.agcu_levels)),
                "token": In(beat_stream(spec, Network.CONTROL)),
                "emitted": Out(beat_stream(spec, Network.SCALAR)),
                "done_token": Out(beat_stream(spec, Network.CONTROL)),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        program = self.program
        state = Signal(_State)
        turn = Signal.like(program.turns)
        last_turn = Signal()
        m.d.comb += last_turn.eq(turn + 1 >= program.turns)
        works, tells = (self._now(m, when, turn, last_turn) for when in (program.works, program.tells))

        # Rounds that are over, of so many; where this one's first turn begins.
        over, rounds = Signal(BOUND_BITS), Signal(BOUND_BITS)
        start, next_start = Signal.like(self.base), Signal.like(self.base)
        last_round, waits, tells_now = Signal(), Signal(), Signal()
        m.d.comb += [
            last_round.eq(over + 1 >= rounds),
            next_start.eq(start + program.round_stride),
            tells_now.eq(program.done_token & tells & ~program.tells_next),
            waits.eq(works & program.wait_token & ~(program.wait_later & (over == 0))),
        ]

        m.submodules.arguments = arguments = Memory(shape=32, depth=self._spec.arguments + 1, init=[])
        write, read = arguments.write_port(), arguments.read_port()
        m.d.comb += [
            write.addr.eq(self.argument.index),
            write.data.eq(self.argument.data),
            write.en.eq(self.argument.valid & self.argument.index.any()),
        ]

        # Argument k is asked for in step k and used in step k + 1.
        value = read.data
        levels = range(self._spec.agcu_levels)
        uses = [
            *(
                (
                    program.levels[level].bound_arg,
                    self.bounds[level].eq(
                        Mux(program.levels[level].bound_arg.any(), value[:BOUND_BITS], program.levels[level].bound)
                    ),
                )
                for level in levels
            ),
            (program.arg_a, self.base.eq(program.base + value)),
            (program.arg_b, self.base.eq(self.base + value)),
            (program.emit_arg, self.emitted.payload.data.eq(Mux(program.emit_turn, 0, value))),
            (program.rounds_arg, rounds.eq(value[:BOUND_BITS])),
        ]
        step = Signal(range(len(uses) + 1))

        for stream in (self.emitted, self.done_token):
            with m.If(stream.ready):
                m.d.sync += stream.valid.eq(0)

        m.d.comb += [
            self.idle.eq(state == _State.IDLE),
            self.running.eq(state == _State.RUN),
            self.waiting.eq((state == _State.WAIT) & waits),
        ]
        emits = program.emit_turn | program.emit_arg.any()
        tell = self.done_token.valid.eq(1)
        with m.Switch(state):
            with m.Case(_State.IDLE):
                m.d.sync += [step.eq(0), turn.eq(0), over.eq(0), rounds.eq(0), self.turns_over.eq(0)]
                with m.If(self.launch & (program.kind != AgcuKind.OFF.value)):
                    m.d.sync += state.eq(_State.SETUP)
            with m.Case(_State.SETUP):
                m.d.sync += step.eq(step + 1)
                with m.Switch(step):
                    for number in range(len(uses) + 1):
                        with m.Case(number):
                            if number < len(uses):
                                m.d.comb += read.addr.eq(uses[number][0])
                            if number:
                                m.d.sync += uses[number - 1][1]
                with m.If(step == Mux(program.rounds_arg.any(), len(uses), len(uses) - 1)):
                    m.d.sync += [start.eq(self.base), self.emitted.valid.eq(emits), state.eq(_State.WAIT)]
            with m.Case(_State.WAIT):
                m.d.comb += self.token.ready.eq(waits)
                with m.If(~works):
                    m.d.sync += state.eq(_State.DRAIN)
                    with m.If(tells_now):
                        m.d.sync += tell
                with m.Elif(~waits | self.token.valid):
                    m.d.comb += self.begin.eq(1)
                    m.d.sync += state.eq(_State.RUN)
            with m.Case(_State.RUN), m.If(self.finished):
                m.d.sync += state.eq(_State.DRAIN)
                with m.If(tells_now):
                    m.d.sync += tell
            with m.Case(_State.DRAIN), m.If(~self.emitted.valid & ~self.done_token.valid):
                with m.If(last_turn & last_round):
                    m.d.sync += state.eq(_State.IDLE)
                with m.Else():
                    m.d.sync += [self.emitted.valid.eq(emits), self.turns_over.eq(self.turns_over + 1)]
                    m.d.sync += state.eq(_State.WAIT)
                    with m.If(program.emit_turn):
                        m.d.sync += self.emitted.payload.data.eq(Mux(last_turn, 0, turn + 1))
                    with m.If(last_turn):
                        m.d.sync += [turn.eq(0), over.eq(over + 1), start.eq(next_start), self.base.eq(next_start)]
                        m.d.sync += [
                            self.bounds[level].eq(self.bounds[level] + program.levels[level].grows) for level in levels
                        ]
                        with m.If(program.done_token & program.tells_next):
                            m.d.sync += tell
                    with m.Else():
                        m.d.sync += [turn.eq(turn + 1), self.base.eq(self.base + program.turn_stride)]
        return m

    @staticmethod
    def _now(m: Module, when: Any, turn: Signal, last_turn: Signal) -> Signal:
        """Whether a field of the kind :class:`weft.hw.program.agcu.When` means this turn."""
        now = Signal()
        with m.Switch(when):
            for each, condition in (
                (When.EVERY, 1),
                (When.FIRST, turn == 0),
                (When.LATER, turn != 0),
                (When.LAST, last_turn),
                (When.EARLIER, ~last_turn),
            ):
                with m.Case(each.value):
                    m.d.comb += now.eq(condition)
        return now
