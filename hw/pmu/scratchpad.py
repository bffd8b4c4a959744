"""The memory of a PMU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from weft.hw.spec import FabricSpec

__all__ = ["Scratchpad", "scratchpad_members"]


def scratchpad_members(spec: FabricSpec) -> dict[str, Any]:
    """Ports of a :class:`Scratchpad`."""
    line, words = range(spec.pmu_lines), data.ArrayLayout(unsigned(32), spec.lanes)
    return {
        "write_line": In(line),
        "write_data": In(words),
        "write_lanes": In(spec.lanes),
        "read": In(1),
        "read_line": In(line),
        "read_word": In(range(spec.lanes)),
        "read_across": In(1),
        "read_data": Out(words),
    }


class Scratchpad(wiring.Component):
    """``pmu_lines`` lines of ``lanes`` words: one written, word by word as enabled, and one read each cycle.

    What is read is shown in the next cycle; it does not see what is written in the same one. Word ``w`` of line ``l``
    lies in bank ``(l + w) mod lanes`` (diagonal striping): the words of a line are in different banks, and so is the
    same word of ``lanes`` lines that follow each other. Each bank is a memory of its own, which gets a line of its own.

    Parameters
    ----------
    spec
        Decides banks and lines.

    Members
    -------
    write_line : In(range(pmu_lines))
        Line to write.
    write_data : In(ArrayLayout(32, lanes))
        Its words.
    write_lanes : In(lanes)
        Words that are written.
    read : In(1)
        Read ``read_line``.
    read_line : In(range(pmu_lines))
        Line to read.
    read_word : In(range(lanes))
        Word to show in lane 0.
    read_across : In(1)
        Lane ``i`` shows word ``read_word`` of line ``read_line + i``, modulo ``pmu_lines``; otherwise word
        ``read_word + i``, modulo ``lanes``, of line ``read_line``.
    read_data : Out(ArrayLayout(32, lanes))
        What was read last.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._lanes = spec.lanes
        self._lines = spec.pmu_lines
        super().__init__(scratchpad_members(spec))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        lane_bits = (self._lanes - 1).bit_length()
        row, rows = self.read_line >> lane_bits, self._lines >> lane_bits
        next_row, first = Signal(range(rows)), Signal(lane_bits)
        m.d.comb += [next_row.eq(row + 1), first.eq(self.read_line)]

        stored = self._turned(m, "data", self.write_data, -self.write_line)
        stores = self._turned(m, "lanes", self.write_lanes, -self.write_line)
        banks = []
        for number in range(self._lanes):
            m.submodules[f"bank_{number}"] = bank = Memory(shape=unsigned(32), depth=self._lines, init=[])
            write, read = bank.write_port(), bank.read_port(domain="sync")
            # The one of the lines across whose word is in this bank: as those from `read_line` on have every remainder
            # modulo lanes once, a smaller one than the first's is in the next row of lanes lines.
            place, line = Signal(lane_bits, name=f"place_{number}"), Signal(range(self._lines), name=f"line_{number}")
            m.d.comb += [
                place.eq(number - self.read_word),
                line.eq(Mux(place < first, next_row, row) << lane_bits | place),
                write.addr.eq(self.write_line),
                write.data.eq(stored[number]),
                write.en.eq(stores[number]),
                read.addr.eq(Mux(self.read_across, line, self.read_line)),
                read.en.eq(self.read),
            ]
            banks.append(read.data)

        turn = Signal(lane_bits)
        with m.If(self.read):
            m.d.sync += turn.eq(self.read_line + self.read_word)
        for lane, word in enumerate(self._turned(m, "shown", banks, turn)):
            m.d.comb += self.read_data[lane].eq(word)
        return m

    def _turned(self, m: Module, name: str, words: Sequence[Value] | Value, by: Value) -> list[Value]:
        """Words with number ``by`` modulo lanes first: a stage of multiplexers for each bit of it."""
        turned = [words[lane] for lane in range(self._lanes)]
        for stage in range((self._lanes - 1).bit_length()):
            come = turned
            turned = [Signal.like(Value.cast(word), name=f"{name}_{stage}_{lane}") for lane, word in enumerate(come)]
            for lane, word in enumerate(turned):
                m.d.comb += word.eq(Mux(by[stage], come[(lane + (1 << stage)) % self._lanes], come[lane]))
        return turned
