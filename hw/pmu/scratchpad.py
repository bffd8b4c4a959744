"""The memory of a PMU."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from hw.spec import FabricSpec

__all__ = ["Scratchpad", "scratchpad_members"]


def scratchpad_members(spec: FabricSpec) -> dict[str, Any]:
    """Ports of a :class:`Scratchpad`."""
    line, words = range(spec.pmu_lines), data.ArrayLayout(unsigned(32), spec.lanes)
    return {
        "write_line": In(line),
        "write_data": In(words),
        "write_banks": In(spec.lanes),
        "read": In(1),
        "read_line": In(line),
        "read_data": Out(words),
    }


class Scratchpad(wiring.Component):
    """``lanes`` banks of ``pmu_lines`` words: one line written, bank by bank as enabled, and one line read each cycle.

    A line read is shown in the next cycle; it does not see what is written in the same one. One wide memory with an
    enable a bank, which is block RAM on an FPGA and one array in a simulation.

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
    write_banks : In(lanes)
        Banks that are written.
    read : In(1)
        Read ``read_line``.
    read_line : In(range(pmu_lines))
        Line to read.
    read_data : Out(ArrayLayout(32, lanes))
        The line read last.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._lines = spec.pmu_lines
        self._layout = data.ArrayLayout(unsigned(32), spec.lanes)
        super().__init__(scratchpad_members(spec))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=self._layout, depth=self._lines, init=[])
        write = memory.write_port(granularity=1)
        read = memory.read_port(domain="sync")
        m.d.comb += [
            write.addr.eq(self.write_line),
            write.data.eq(self.write_data),
            write.en.eq(self.write_banks),
            read.addr.eq(self.read_line),
            read.en.eq(self.read),
            self.read_data.eq(read.data),
        ]
        return m
