"""Processes and channels in time, against cycles that follow from their rules by hand."""

from __future__ import annotations

import numpy as np

from weft.compiler.timing.channel import MemoryChannel
from weft.compiler.timing.process import Flow, TimedProcess
from weft.compiler.timing.stream import Link, Stream
from weft.compiler.timing.timing import Memory
from weft.hw.arith import Convert, FunctionUnit, ReductionTree, SpecialFunction
from weft.hw.numerics.ops import Op, Reduction, Special
from weft.hw.presets import PRESETS
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.program.firings.pcu import firings_of
from weft.hw.program.firings.pipeline import ADDER, CONVERSION, SPECIAL, STAGE, pipeline_depth
from weft.hw.program.firings.process import ACCUMULATOR_CYCLES
from weft.hw.program.firings.stream import Shape
from weft.hw.topology import Network

SPEC = PRESETS["tiny"]
ENDLESS = 1 << 20


def _settled(*processes: TimedProcess) -> list[list[int]]:
    """The cycles of all firings, after as many looks at each process as it takes."""
    while any([process.advance()[0] for process in processes]):
        pass
    return [process.times[: process.fired].tolist() for process in processes]


def test_a_slow_taker_holds_up_the_giver() -> None:
    """Two beats fit. A beat can be taken 3 cycles after it was given, its place be filled 2 after it was taken."""
    stream = Stream(Link(capacity=2, latency=3, room=2), 5)
    giver = TimedProcess(5, [], [(stream, Flow.each(5))])
    taker = TimedProcess(5, [(stream, Flow.each(5))], [], np.full(5, 2))
    # Given at once: 0, 1; taken 3, and 2 later 5. So the next are given at 3 + 2 and 5 + 2, taken 8 and 10; then 8 + 2.
    assert _settled(taker, giver) == [[3, 5, 8, 10, 13], [0, 1, 5, 7, 10]]


def test_firings_that_give_nothing_need_no_room_but_take_time() -> None:
    """Every third firing gives, over a link that holds one beat, to a taker that waits for a second stream's beat."""
    stream, late = Stream(Link(1, 1, 1), 2), Stream(Link(9, 0, 0), 2)
    done = np.array([0, 0, 1, 1, 1, 2])
    needs = np.array([0, 0, 1, 1, 1, 2])
    giver = TimedProcess(6, [], [(stream, Flow.of(needs, done))])
    taker = TimedProcess(2, [(stream, Flow.each(2)), (late, Flow.each(2))], [])
    late.give(np.array([10, 11]))
    # Given at 2, taken at 10; the firings up to the sixth go on, which waits for the place until 11.
    assert _settled(giver, taker) == [[0, 1, 2, 3, 4, 11], [10, 12]]


def test_what_is_held_is_there_from_the_beginning() -> None:
    ring = Stream(Link(2, 3, 1), 3, held=1)
    ring_flow = Flow.of(np.array([2, 3]), np.array([2, 3]))
    writer = TimedProcess(2, [], [(ring, ring_flow)])
    reader = TimedProcess(3, [(ring, Flow.each(3))], [])
    # One of two buffers is full: the first write is free, the second waits for the first read, a cycle later.
    assert _settled(writer, reader) == [[0, 1], [0, 3, 4]]


# -- PCUs -------------------------------------------------------------------------------------------------


def test_latencies_are_those_of_the_hardware() -> None:
    assert (FunctionUnit.latency, SpecialFunction.latency, Convert.latency) == (STAGE, SPECIAL, CONVERSION)
    assert ReductionTree.latency_of(16) == 4 * ADDER
    assert FunctionUnit.c_latency == ACCUMULATOR_CYCLES


def test_only_what_works_is_passed_through() -> None:
    nothing = Stage(Op.PASS, Source.REG0, dst=0)
    copies = Stage(Op.PASS, Source.REG1, dst=0)
    adds = Stage(Op.ADD, Source.REG0, Source.REG1, dst=0)
    sums = Stage(Op.PASS, Source.REG0, c=Source.ACC, dst=0)
    assert pipeline_depth(Pcu(stages=(nothing,)), SPEC) == 2
    assert pipeline_depth(Pcu(stages=(nothing, copies, adds)), SPEC) == 2 + 2 * STAGE
    assert pipeline_depth(Pcu(stages=(sums,)), SPEC) == 2
    assert pipeline_depth(Pcu(stages=(sums,), accumulate=Accumulate.REDUCE), SPEC) == 2 + STAGE
    tail = Pcu(reduction=Reduction.SUM, special=Special.EXP, stages=(nothing,))
    assert pipeline_depth(tail, SPEC) == 2 + 2 * ADDER + SPECIAL  # four lanes: a tree of two


def _cycles(accumulate: Accumulate, stops: list[int], row: int) -> list[int] | None:
    program = Pcu(vector=(Input(InputMode.EACH),), accumulate=accumulate, acc_row=row, acc_rank=2, vector_out=True)
    made = firings_of(program, {(Network.VECTOR, 0): Shape.of(np.array(stops, np.uint8))})
    cycles = made.process.cycles
    return None if cycles is None else cycles().tolist()


def test_steps_for_one_accumulator_are_two_cycles_apart() -> None:
    assert _cycles(Accumulate.OFF, [0, 0, 2], 0) is None
    assert _cycles(Accumulate.REDUCE, [0, 0, 2], 0) == [2, 2, 2]
    # Rows of two have two accumulators in turn; a row of one comes back to its own.
    assert _cycles(Accumulate.SCAN, [0, 1, 0, 2], 1) == [1, 1, 1, 1]
    assert _cycles(Accumulate.SCAN, [0, 1, 1, 2], 1) == [1, 1, 2, 2]
    # Two steps and a drain of a row of one, of which the drain need not wait for itself.
    assert _cycles(Accumulate.DRAIN, [1, 2], 1) == [2, 2, 1]


def test_numbers_are_dealt_while_steps_go_on() -> None:
    """INT8: two rows of three vectors a step. The first number of a pair takes no cycle, each drain takes one."""
    program = Pcu(
        vector=(Input(InputMode.EACH),), unpack=Unpack.INT8, unpack_row=3, accumulate=Accumulate.DRAIN, vector_out=True
    )
    beats = {
        (Network.VECTOR, 0): Shape.of(np.zeros(6, np.uint8)),
        (Network.SCALAR, 0): Shape.of(np.array([0, 0, 0, 1], np.uint8)),
    }
    made = firings_of(program, beats)
    assert made.process.cycles is not None
    # Number, three steps; number, three steps; three drains.
    assert made.process.cycles().tolist() == [0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]


# -- channels ---------------------------------------------------------------------------------------------


class Asking:
    """Asks for bursts from given cycles on."""

    def __init__(self, priority: int, asks: list[int], beats: int = 4, *, writes: bool = False, turn: int = 0) -> None:
        self.priority, self.writes, self._asks, self._beats = priority, writes, asks, beats
        self._turn = turn
        self.grants: list[int] = []
        self.moves: list[tuple[int, int]] = []

    @property
    def turn(self) -> int:
        return self._turn

    def request(self) -> int | None:
        number = len(self.grants)
        return self._asks[number] if number < len(self._asks) else None

    def granted(self, cycle: int) -> int:
        self.grants.append(cycle)
        return self._beats

    def served(self, first: int, last: int) -> None:
        self.moves.append((first, last))


def test_the_lower_number_goes_first_and_data_follow_in_that_order() -> None:
    low, high = Asking(3, [10, 10]), Asking(1, [10, 12])
    channel = MemoryChannel([low, high], Memory(latency=32), ENDLESS)
    assert channel.next_grant() == 10
    channel.grant_until(1000)
    assert (high.grants, low.grants) == ([10, 12], [11, 13])
    # Accepted a cycle after the grant, answered 32 later, one after the other.
    assert high.moves == [(43, 46), (51, 54)]
    assert low.moves == [(47, 50), (55, 58)]


def test_the_earlier_turn_goes_before_the_lower_number() -> None:
    later, earlier = Asking(1, [10, 10], turn=4), Asking(3, [10, 12], turn=3)
    MemoryChannel([later, earlier], Memory(), ENDLESS).grant_until(1000)
    assert (earlier.grants, later.grants) == ([10, 12], [11, 13])


def test_equals_take_turns() -> None:
    users = [Asking(2, [5, 5]) for _ in range(3)]
    MemoryChannel(users, Memory(), ENDLESS).grant_until(1000)
    # The last one granted is taken to be the first of them, so that the second begins.
    assert [user.grants for user in users] == [[7, 10], [5, 8], [6, 9]]


def test_nothing_is_granted_before_it_could_be_known() -> None:
    user = Asking(0, [5, 50])
    channel = MemoryChannel([user], Memory(), ENDLESS)
    assert channel.grant_until(50) == [user]
    assert user.grants == [5]
    assert channel.next_grant() == 50


def test_no_more_bursts_than_memory_takes() -> None:
    user = Asking(0, [10, 10, 10])
    MemoryChannel([user], Memory(latency=20, outstanding=2), ENDLESS).grant_until(1000)
    # The first is read from 10 + 1 + 20 to 34: so the third, granted at 12, is accepted at 35 and answered at 55.
    assert user.moves == [(31, 34), (35, 38), (55, 58)]


def test_writes_and_reads_share_the_bus() -> None:
    reader, writer = Asking(0, [0, 1, 60], beats=16), Asking(0, [40], beats=4, writes=True)
    MemoryChannel([reader, writer], Memory(latency=32), ENDLESS).grant_until(1000)
    # Reads fill 33 to 64. The four writes from 42 on take every other cycle of them.
    assert writer.moves == [(42, 48)]
    assert reader.moves[:2] == [(33, 48), (49, 64)]
    # What comes later pays for them; this read comes much later.
    assert reader.moves[2] == (93, 108)


def test_no_burst_is_asked_for_while_the_window_is_full() -> None:
    """A grant counts from the next cycle on, a beat no more from two cycles after it moves."""
    user = Asking(0, [10, 10, 10], beats=4)
    MemoryChannel([user], Memory(latency=20), 6).grant_until(1000)
    # After two bursts 8 are under way, fewer than 6 when three have come: at 33, seen at 35.
    assert user.grants == [10, 11, 35]
    assert user.moves == [(31, 34), (35, 38), (56, 59)]
