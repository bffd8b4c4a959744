"""The loop nest of a PMU's read side: an address a cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Pmu
from weft.hw.spec import FabricSpec
from weft.hw.tile.unit import program_layout

__all__ = ["Nest", "item_layout", "run_layout"]


def _address(spec: FabricSpec) -> unsigned:
    # The scratchpad has a power of two of words: additions wrap to the right place whatever the signs.
    return unsigned((spec.pmu_words - 1).bit_length())


def run_layout(spec: FabricSpec) -> data.StructLayout:
    """A walk over one buffer: first address in the scratchpad, iterations of level 0, stop of the last item.

    ``end`` is the line behind the block's last one, modulo ``pmu_lines``. ``void`` makes it one void item; ``frees``
    comes back with the last item.
    """
    return data.StructLayout(
        {
            "address": _address(spec),
            "end": range(spec.pmu_lines),
            "length": program_layout(Pmu, spec)["write_to"].shape,
            "stop": unsigned(spec.stop_bits),
            "void": unsigned(1),
            "frees": unsigned(1),
        }
    )


def item_layout(spec: FabricSpec) -> data.StructLayout:
    """One iteration of the innermost level; ``frees`` on the last one of a run that gives the buffer back."""
    return data.StructLayout(
        {
            "address": _address(spec),
            "end": range(spec.pmu_lines),
            "stop": unsigned(spec.stop_bits),
            "void": unsigned(1),
            "frees": unsigned(1),
        }
    )


class Nest(wiring.Component):
    """Walks the loop nest once for each run and gives an address and a stop for each iteration.

    An item a cycle, the first one cycle after its run, no bubble between runs. Every level keeps the address at which
    its current iteration began, so that a step costs one adder and not one a level. A bound of 0 is 1.

    Parameters
    ----------
    spec
        Decides the number of levels and the widths.

    Members
    -------
    levels : In
        Bounds, strides and ranks, innermost first, as in the program; stable while a run is under way.
    run : In(stream)
        See :func:`run_layout`. Its ``ready`` depends on ``ready`` of ``item``.
    item : Out(stream)
        See :func:`item_layout`; from registers.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        super().__init__(
            {
                "levels": In(program_layout(Pmu, spec)["levels"].shape),
                "run": In(stream.Signature(run_layout(spec))),
                "item": Out(stream.Signature(item_layout(spec))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = self._spec.pmu_levels
        run = Signal(run_layout(self._spec))
        active = Signal()
        at = Signal(data.ArrayLayout(_address(self._spec), count))
        bounds = [run.length, *(self.levels[level].bound for level in range(1, count))]
        left = [Signal.like(bound, name=f"left_{level}") for level, bound in enumerate(bounds)]

        # A level ends with this item when it and all levels inside it are at their last iteration.
        ends = Signal(count)
        at_last = Cat(left[level] <= 1 for level in range(count))
        m.d.comb += ends.eq(Cat(at_last[: level + 1].all() for level in range(count)))
        run_ends = Signal()
        m.d.comb += run_ends.eq(run.void | ends[-1])

        # The lowest level that does not end goes one iteration on; the stop is the rank of the one below it.
        moved = Signal.like(at[0])
        inner_stop = Signal(self._spec.stop_bits)
        for level in reversed(range(count)):
            with m.If(~ends[level]):
                m.d.comb += moved.eq(at[level] + self.levels[level].stride)
                m.d.comb += inner_stop.eq(self.levels[level - 1].rank if level else 0)
        m.d.comb += [
            self.item.valid.eq(active),
            self.item.payload.address.eq(at[0]),
            self.item.payload.end.eq(run.end),
            self.item.payload.stop.eq(Mux(run_ends, run.stop, inner_stop)),
            self.item.payload.void.eq(run.void),
            self.item.payload.frees.eq(run.frees & run_ends),
            self.run.ready.eq(~active | (self.item.ready & run_ends)),
        ]

        with m.If(self.item.valid & self.item.ready):
            for level in range(count):
                inner_end = ends[level - 1] if level else 1
                with m.If(inner_end):
                    m.d.sync += at[level].eq(moved)
                with m.If(ends[level]):
                    m.d.sync += left[level].eq(bounds[level])
                with m.Elif(inner_end):
                    m.d.sync += left[level].eq(left[level] - 1)
            with m.If(run_ends):
                m.d.sync += active.eq(0)
        with m.If(self.run.valid & self.run.ready):
            m.d.sync += [active.eq(1), run.eq(self.run.payload)]
            m.d.sync += [at[level].eq(self.run.payload.address) for level in range(count)]
            m.d.sync += left[0].eq(self.run.payload.length)
            m.d.sync += [left[level].eq(bounds[level]) for level in range(1, count)]
        return m
