"""The loop nest of an AGCU: an address a cycle."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import AgcuLevel
from weft.hw.program.agcu import BOUND_BITS
from weft.hw.spec import FabricSpec
from weft.hw.tile.unit import program_layout

__all__ = ["Nest", "item_layout", "job_layout"]


def job_layout(spec: FabricSpec) -> data.StructLayout:
    """One run of the nest: the address it begins at, the stop of its last item, and whether it is one void item.

    Addresses count vector beats.
    """
    address = unsigned(spec.address_bits)
    return data.StructLayout({"base": address, "stop": unsigned(spec.stop_bits), "void": unsigned(1)})


def item_layout(spec: FabricSpec) -> data.StructLayout:
    """One iteration of the innermost level; its address counts vector beats."""
    address = unsigned(spec.address_bits)
    return data.StructLayout({"address": address, "stop": unsigned(spec.stop_bits), "void": unsigned(1)})


class Nest(wiring.Component):
    """Walks the loop nest once for each job and gives an address and a stop for each iteration.

    An item a cycle, the first one cycle after its job, no bubble between jobs. A void job gives one void item. A level
    with a bound of 0 makes one iteration of one item, and then all items are void. Every level keeps the address at
    which its current iteration began, so that a step costs one adder, not one a level.

    Parameters
    ----------
    spec
        Decides the number of levels and the bits of a stop.

    Members
    -------
    levels : In
        Strides and ranks, innermost first; their ``bound`` is not looked at.
    bounds : In(24).array
        Iterations of each level, or 0. Like ``levels``, stable while a job runs.
    clear : In(1)
        Forget the job under way.
    job : In(stream)
        See :func:`job_layout`.
    empty : Out(1)
        A bound is 0.
    item : Out(stream)
        See :func:`item_layout`; from registers. ``ready`` of ``job`` depends on ``ready`` of ``item``.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        count = spec.agcu_levels
        super().__init__(
            {
                "levels": In(data.ArrayLayout(program_layout(AgcuLevel, spec), count)),
                "bounds": In(data.ArrayLayout(unsigned(BOUND_BITS), count)),
                "clear": In(1),
                "empty": Out(1),
                "job": In(stream.Signature(job_layout(spec))),
                "item": Out(stream.Signature(item_layout(spec))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count = self._spec.agcu_levels
        levels = range(count)

        active, void = Signal(), Signal()
        last_stop = Signal(self._spec.stop_bits)
        at = Signal(data.ArrayLayout(unsigned(self._spec.address_bits), count))
        left = Signal(data.ArrayLayout(unsigned(BOUND_BITS), count))

        # A level that is empty, or inside of one that is, makes one iteration.
        zero = Cat(self.bounds[level] == 0 for level in levels)
        bounds = [Signal(BOUND_BITS, name=f"bound_{level}") for level in levels]
        m.d.comb += self.empty.eq(zero.any())
        m.d.comb += [bounds[level].eq(Mux(zero[level:].any(), 1, self.bounds[level])) for level in levels]

        # Level l ends with this item when it and all levels inside it are at their last iteration.
        ends = Signal(count)
        m.d.comb += ends.eq(Cat(Cat(*(left[inner] == 1 for inner in range(level + 1))).all() for level in levels))
        nest_ends = Signal()
        m.d.comb += nest_ends.eq(void | ends[-1])

        # The lowest level that does not end goes one iteration on; the stop is the rank of the one below it.
        moving_at, stride = Signal(self._spec.address_bits), Signal(self._spec.address_bits)
        inner_stop = Signal(self._spec.stop_bits)
        for level in reversed(levels):
            with m.If(~ends[level]):
                m.d.comb += [moving_at.eq(at[level]), stride.eq(self.levels[level].stride)]
                m.d.comb += inner_stop.eq(self.levels[level - 1].rank if level else 0)
        moved = Signal(self._spec.address_bits)
        m.d.comb += [
            moved.eq(moving_at + stride),
            self.item.valid.eq(active),
            self.item.payload.address.eq(at[0]),
            self.item.payload.void.eq(void | self.empty),
            self.item.payload.stop.eq(Mux(nest_ends, last_stop, inner_stop)),
        ]

        with m.If(self.item.valid & self.item.ready):
            for level in levels:
                below = ends[level - 1] if level else 1
                with m.If(below & ~ends[level]):
                    m.d.sync += left[level].eq(left[level] - 1)
                with m.If(ends[level]):
                    m.d.sync += left[level].eq(bounds[level])
                with m.If(below):
                    m.d.sync += at[level].eq(moved)
            with m.If(nest_ends):
                m.d.sync += active.eq(0)

        m.d.comb += self.job.ready.eq(~active | (self.item.ready & nest_ends))
        with m.If(self.job.valid & self.job.ready):
            m.d.sync += [
                active.eq(1),
                void.eq(self.job.payload.void),
                last_stop.eq(self.job.payload.stop),
            ]
            m.d.sync += [at[level].eq(self.job.payload.base) for level in levels]
            m.d.sync += [left[level].eq(bounds[level]) for level in levels]
        with m.If(self.clear):
            m.d.sync += active.eq(0)
        return m
