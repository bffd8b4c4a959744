"""The reduction across the lanes of a PCU."""

from typing import TYPE_CHECKING

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.numerics.ops import Reduction

from .adder import Adder
from .comparison import compare

if TYPE_CHECKING:
    from amaranth.hdl import Value

__all__ = ["ReductionTree"]


class ReductionTree(wiring.Component):
    """Sum, maximum or minimum over the lanes, bit for bit `weft.hw.numerics.reduce`.

    Level by level, element 2i is combined with element 2i+1, so the order of the roundings is fixed.
    A rigid pipeline: a vector every cycle, latency log2(lanes) times that of the adder.
    Stall it with an `EnableInserter`.

    Parameters
    ----------
    lanes
        Number of lanes, a power of two. With a single lane the input is passed on, combinationally.

    Attributes
    ----------
    latency : int
        Cycles from ``x`` to ``r``.

    Members
    -------
    op : In(Reduction)
        Reduction. Used by all levels: let it change only when the tree is drained.
    x : In(ArrayLayout(unsigned(32), lanes))
        One element for each lane.
    r : Out(32)
        Result; lane 0, bit for bit, with `Reduction.NONE`.

    Raises
    ------
    TypeError
        If the number of lanes is not an integer.
    ValueError
        If the number of lanes is not a power of two.
    """

    def __init__(self, *, lanes: int) -> None:
        if not isinstance(lanes, int):
            raise TypeError(f"lanes must be an integer, not {lanes!r}")
        if lanes < 1 or lanes & (lanes - 1):
            raise ValueError(f"lanes must be a power of two, not {lanes!r}")
        self.lanes = lanes
        self.latency = self.latency_of(lanes)
        super().__init__(
            {
                "op": In(Reduction),
                "x": In(data.ArrayLayout(unsigned(32), lanes)),
                "r": Out(32),
            }
        )

    @staticmethod
    def latency_of(lanes: int) -> int:
        """The latency of a tree over so many lanes."""
        return (lanes.bit_length() - 1) * Adder.latency

    def elaborate(self, platform: object) -> Module:
        m = Module()

        level: list[Value] = [self.x[lane] for lane in range(self.lanes)]
        while len(level) > 1:
            nodes: list[Value] = []
            for left, right in zip(level[0::2], level[1::2], strict=True):
                node = _Node()
                m.submodules[f"node_{len(level) // 2}_{len(nodes)}"] = node
                m.d.comb += [node.op.eq(self.op), node.a.eq(left), node.b.eq(right)]
                nodes.append(node.r)
            level = nodes
        m.d.comb += self.r.eq(level[0])
        return m


class _Node(wiring.Component):
    """Two elements made one; the latency is the adder's."""

    op: In(Reduction)
    a: In(32)
    b: In(32)
    r: Out(32)

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.adder = adder = Adder()

        order = compare(m, self.a, self.b)
        m.d.comb += [
            adder.a.eq(self.a),
            adder.b.eq(self.b),
            adder.replace.eq(self.op != Reduction.SUM),
            self.r.eq(adder.r),
        ]
        with m.Switch(self.op):
            with m.Case(Reduction.MAX):
                m.d.comb += adder.replacement.eq(order.greatest)
            with m.Case(Reduction.MIN):
                m.d.comb += adder.replacement.eq(order.least)
            with m.Default():
                m.d.comb += adder.replacement.eq(self.a)
        return m
