"""The loop nest of an AGCU: an address a cycle."""

from __future__ import annotations

from itertools import zip_longest

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.program import Agcu
from weft.hw.program.agcu import BOUND_BITS
from weft.hw.spec import FabricSpec
from weft.hw.tile.unit import program_layout

__all__ = ["Nest", "item_layout", "job_layout"]


def job_layout(spec: FabricSpec) -> data.StructLayout:
    """One run of the nest: the address it begins at, the stop of its last item, and whether it is one void item.

    Addresses count vector beats. ``part`` says whose bounds it has: 0 the levels', ``k`` those of part ``k - 1``.
    """
    return data.StructLayout(
        {
            "base": unsigned(spec.address_bits),
            "stop": unsigned(spec.stop_bits),
            "void": unsigned(1),
            "part": range(spec.agcu_parts),
        }
    )


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
        Decides the number of levels and parts, and the bits of a stop.

    Members
    -------
    program : In
        The AGCU's: strides and ranks of its levels, innermost first, and its parts; no ``bound`` of a level.
    bounds : In(24).array
        Iterations of each level, or 0. Like ``program``, stable while a job runs.
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
                "program": In(program_layout(Agcu, spec)),
                "bounds": In(data.ArrayLayout(unsigned(BOUND_BITS), count)),
                "clear": In(1),
                "empty": Out(1),
                "job": In(stream.Signature(job_layout(spec))),
                "item": Out(stream.Signature(item_layout(spec))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        count, program = self._spec.agcu_levels, self.program
        levels = range(count)

        active, void = Signal(), Signal()
        last_stop = Signal(self._spec.stop_bits)
        at = Signal(data.ArrayLayout(unsigned(self._spec.address_bits), count))
        left = Signal(data.ArrayLayout(unsigned(BOUND_BITS), count))

        # A level that is empty, or inside of one that is, makes one iteration.
        zero = Cat(self.bounds[level] == 0 for level in levels)
        first = [Mux(zero[level:].any(), 1, self.bounds[level]) for level in levels]
        m.d.comb += self.empty.eq(zero.any())

        # The bounds of the job that comes next, and of the one under way.
        next_bounds = [Signal(BOUND_BITS, name=f"next_bound_{level}") for level in levels]
        bounds = [Signal(BOUND_BITS, name=f"bound_{level}") for level in levels]
        m.d.comb += [each.eq(bound) for each, bound in zip(next_bounds, first, strict=True)]
        with m.Switch(self.job.payload.part):
            for number, part in enumerate(program.parts, start=1):
                with m.Case(number):
                    of_part = (part.beats, part.rows, part.tiles)
                    m.d.comb += [
                        each.eq(bound) for each, bound in zip_longest(next_bounds, of_part[:count], fillvalue=1)
                    ]
        if self._spec.agcu_parts == 1:
            m.d.comb += [each.eq(bound) for each, bound in zip(bounds, next_bounds, strict=True)]

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
                m.d.comb += [moving_at.eq(at[level]), stride.eq(program.levels[level].stride)]
                m.d.comb += inner_stop.eq(program.levels[level - 1].rank if level else 0)
        if self._spec.agcu_parts > 1:
            with m.If(program.parts[0].beats.any()):  # neighbours, whatever level moves
                m.d.comb += [moving_at.eq(at[0]), stride.eq(program.levels[0].stride)]
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
            m.d.sync += [left[level].eq(next_bounds[level]) for level in levels]
            if self._spec.agcu_parts > 1:
                m.d.sync += [each.eq(bound) for each, bound in zip(bounds, next_bounds, strict=True)]
        with m.If(self.clear):
            m.d.sync += active.eq(0)
        return m
