"""Choosing one of several requests."""

from __future__ import annotations

from typing import NamedTuple

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.agcu.ports import TURN_BITS

__all__ = ["Arbiter"]


class _Candidate(NamedTuple):
    """A request: whether there is one, its turn, what orders it among those of a turn, and whose it is."""

    wants: Value
    turn: Value
    order: Value
    number: Value


class Arbiter(wiring.Component):
    """Chooses the request of the earliest turn, of these that of the lowest priority number, and among equals the next
    one after the one granted last.

    Combinational, as a tree of comparisons; only who was granted last is kept. Turns are counted modulo
    ``2**turn_bits``: of two the one is earlier from which it takes fewer turns to the other. So those that want
    must be less than half of that apart, or the order among them is any.

    Parameters
    ----------
    count
        Requesters.
    turn_bits, priority_bits
        Bits of a turn and of a priority.

    Members
    -------
    requests : In(count)
        Who wants.
    turns, priorities : In(count * turn_bits), In(count * priority_bits)
        Of each requester, the first lowest.
    taken : In(1)
        The chosen one is granted in this cycle.
    chosen : Out
        Number of the chosen one.
    any : Out(1)
        There is one.

    Raises
    ------
    ValueError
        ``count`` below 1.
    """

    def __init__(self, *, count: int, turn_bits: int = TURN_BITS, priority_bits: int = 4) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        self._count = count
        self._turn_bits, self._priority_bits = turn_bits, priority_bits
        super().__init__(
            {
                "requests": In(count),
                "turns": In(count * turn_bits),
                "priorities": In(count * priority_bits),
                "taken": In(1),
                "chosen": Out(range(max(2, count))),
                "any": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        last = Signal.like(self.chosen)
        best = [self._candidate(number, last) for number in range(self._count)]
        while len(best) > 1:
            pairs = [best[i : i + 2] for i in range(0, len(best), 2)]
            best = [self._better(m, *pair) if len(pair) == 2 else pair[0] for pair in pairs]
        m.d.comb += [self.chosen.eq(best[0].number), self.any.eq(self.requests.any())]
        with m.If(self.taken):
            m.d.sync += last.eq(self.chosen)
        return m

    def _candidate(self, number: int, last: Signal) -> _Candidate:
        turn = self.turns.word_select(number, self._turn_bits)
        priority = self.priorities.word_select(number, self._priority_bits)
        return _Candidate(self.requests[number], turn, Cat(number <= last, priority), Const(number, len(self.chosen)))

    def _better(self, m: Module, first: _Candidate, second: _Candidate) -> _Candidate:
        later = Signal(self._turn_bits)
        second_wins = Signal()
        earlier = Mux(later.any(), later[-1], second.order < first.order)
        m.d.comb += [
            later.eq(second.turn - first.turn),
            second_wins.eq(second.wants & (~first.wants | earlier)),
        ]
        better = _Candidate(
            Signal(), Signal(self._turn_bits), Signal(self._priority_bits + 1), Signal.like(self.chosen)
        )
        m.d.comb += [
            each.eq(Mux(second_wins, of_second, of_first))
            for each, of_first, of_second in zip(better, first, second, strict=True)
        ]
        return better
