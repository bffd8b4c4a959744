"""The Verilog modules of the native arithmetic as components: one for all lanes."""

from __future__ import annotations

from amaranth.hdl import ClockSignal, Instance, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.arith import Convert, FunctionUnit, ReductionTree, SpecialFunction
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special

__all__ = ["NativeConversions", "NativeFunctions", "NativeReduction", "NativeSpecials"]


class NativeFunctions(wiring.Component):
    """`weft.hw.arith.FunctionUnit` in every lane, in one call a cycle.

    Latencies and bits are those of the function unit. An `EnableInserter` does not reach it: gate its clock.

    Parameters
    ----------
    lanes
        Number of lanes.

    Members
    -------
    valid : In(1)
        Presented with ``c``: the result matters.
    op, a, b, c, bypass, r
        As those of the function unit; ``a``, ``b``, ``c``, ``r`` with a word and ``bypass`` with a bit for each lane.
    """

    latency = FunctionUnit.latency
    c_latency = FunctionUnit.c_latency

    def __init__(self, *, lanes: int) -> None:
        self.lanes = lanes
        words = 32 * lanes
        super().__init__(
            {
                "valid": In(1),
                "op": In(Op),
                "a": In(words),
                "b": In(words),
                "c": In(words),
                "bypass": In(lanes),
                "r": Out(words),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        m.submodules.call = Instance(
            "weft_native_functions",
            p_LANES=self.lanes,
            i_clk=ClockSignal(),
            i_valid=self.valid,
            i_op=self.op,
            i_a=self.a,
            i_b=self.b,
            i_c=self.c,
            i_bypass=self.bypass,
            o_r=self.r,
        )
        return m


class _OneOperand(wiring.Component):
    """A function of one word of each lane. Latency and bits are those of the real unit; its clock must be gated.

    Members
    -------
    valid : In(1)
        Presented with ``x``: the result matters.
    op : In, x : In(32 * lanes), r : Out
        As those of the real unit.
    """

    module: str

    def __init__(self, *, lanes: int, op: type, result_lanes: int, latency: int | None = None) -> None:
        self._parameters = {"p_LANES": lanes} | ({} if latency is None else {"p_LATENCY": latency})
        super().__init__({"valid": In(1), "op": In(op), "x": In(32 * lanes), "r": Out(32 * result_lanes)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        ports = {"i_clk": ClockSignal(), "i_valid": self.valid, "i_op": self.op, "i_x": self.x, "o_r": self.r}
        m.submodules.call = Instance(self.module, **self._parameters, **ports)
        return m


class NativeReduction(_OneOperand):
    """`weft.hw.arith.ReductionTree`; at least two lanes."""

    module = "weft_native_reduction"

    def __init__(self, *, lanes: int) -> None:
        self.latency = ReductionTree.latency_of(lanes)
        super().__init__(lanes=lanes, op=Reduction, result_lanes=1, latency=self.latency)


class NativeSpecials(_OneOperand):
    """`weft.hw.arith.SpecialFunction` in every lane."""

    module = "weft_native_specials"
    latency = SpecialFunction.latency

    def __init__(self, *, lanes: int) -> None:
        super().__init__(lanes=lanes, op=Special, result_lanes=lanes)


class NativeConversions(_OneOperand):
    """`weft.hw.arith.Convert` in every lane."""

    module = "weft_native_conversions"
    latency = Convert.latency

    def __init__(self, *, lanes: int) -> None:
        super().__init__(lanes=lanes, op=Conversion, result_lanes=lanes)
