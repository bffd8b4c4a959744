"""Choosing one of several requests."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Arbiter"]


class Arbiter(wiring.Component):
    """Chooses the request of the lowest priority number; among equals, the next one after the one granted last.

    Combinational, as a tree of comparisons; only who was granted last is kept.

    Parameters
    ----------
    count
        Requesters.
    priority_bits
        Bits of a priority.

    Members
    -------
    requests : In(count)
        Who wants.
    priorities : In(count * priority_bits)
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

    def __init__(self, *, count: int, priority_bits: int = 4) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, not {count}")
        self._count = count
        self._priority_bits = priority_bits
        super().__init__(
            {
                "requests": In(count),
                "priorities": In(count * priority_bits),
                "taken": In(1),
                "chosen": Out(range(max(2, count))),
                "any": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        last = Signal.like(self.chosen)
        # A key orders requests: those who do not want are last, then by priority, then whose turn comes first.
        best: list[tuple[Value, Value]] = []
        for number in range(self._count):
            priority = self.priorities.word_select(number, self._priority_bits)
            had_its_turn = number <= last
            best.append((Cat(had_its_turn, priority, ~self.requests[number]), number))
        while len(best) > 1:
            pairs = [best[i : i + 2] for i in range(0, len(best), 2)]
            best = [self._better(m, *pair) if len(pair) == 2 else pair[0] for pair in pairs]
        m.d.comb += [self.chosen.eq(best[0][1]), self.any.eq(self.requests.any())]
        with m.If(self.taken):
            m.d.sync += last.eq(self.chosen)
        return m

    def _better(self, m: Module, first: tuple[Value, Value], second: tuple[Value, Value]) -> tuple[Value, Value]:
        key, number = Signal(self._priority_bits + 2), Signal.like(self.chosen)
        second_wins = second[0] < first[0]
        m.d.comb += [key.eq(Mux(second_wins, second[0], first[0])), number.eq(Mux(second_wins, second[1], first[1]))]
        return key, number
