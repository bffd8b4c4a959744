"""What happens to a result after the body."""

from __future__ import annotations

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from weft.hw.arith import Convert, ReductionTree, SpecialFunction
from weft.hw.native.lanes import NativeConversions, NativeReduction, NativeSpecials
from weft.hw.numerics.ops import Conversion, Reduction, Special
from weft.hw.spec import FabricSpec

from .step import result_signature

__all__ = ["Conversions", "LaneReduction", "Specials"]


class _Part(wiring.Component):
    """A rigid pipeline of results: data is worked on, valid, stop and void keep pace with it.

    A result every cycle. A part whose ``op`` does nothing may be bypassed: then the latency is 0 and it never moves.
    With ``native`` the host computes, see :mod:`weft.hw.native`: only in simulation, with a gated clock.
    """

    latency: int
    bypassable: bool

    def __init__(self, *, spec: FabricSpec, op: type, native: bool) -> None:
        self.spec = spec
        self._native = native
        results = result_signature(spec)
        super().__init__({"op": In(op), "i": In(results), "o": Out(results), "active": Out(1)})

    def _work(self, m: Module, data: Value) -> Value:
        raise NotImplementedError

    def _native_unit(self) -> NativeReduction | NativeSpecials | NativeConversions:
        raise NotImplementedError

    def _work_natively(self, m: Module, data: Value, valid: Value) -> Value:
        m.submodules.lanes = unit = self._native_unit()
        m.d.comb += [unit.op.eq(self.op), unit.x.eq(data), unit.valid.eq(valid)]
        return unit.r.replicate(len(data) // len(unit.r))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        bypassed = Signal()
        valid = Signal()
        if self.bypassable:
            m.d.comb += bypassed.eq(self.op == 0)
        m.d.comb += valid.eq(self.i.valid & ~bypassed)

        valids: list[Value] = [valid]
        stop, void = self.i.stop, self.i.void
        for age in range(1, self.latency + 1):
            valids.append(Signal(name=f"valid_{age}"))
            later_stop = Signal.like(stop, name=f"stop_{age}", reset_less=True)
            later_void = Signal(name=f"void_{age}", reset_less=True)
            m.d.sync += [valids[-1].eq(valids[-2]), later_stop.eq(stop), later_void.eq(void)]
            stop, void = later_stop, later_void

        data = Value.cast(self.i.data)
        result = self._work_natively(m, data, valid) if self._native else self._work(m, data)
        m.d.comb += [
            self.active.eq(Cat(*valids).any()),
            self.o.valid.eq(Mux(bypassed, self.i.valid, valids[-1])),
            self.o.stop.eq(Mux(bypassed, self.i.stop, stop)),
            self.o.void.eq(Mux(bypassed, self.i.void, void)),
            Value.cast(self.o.data).eq(Mux(bypassed, data, result)),
        ]
        return m

    def _lane_by_lane(self, m: Module, units: list[Convert] | list[SpecialFunction], data: Value) -> Value:
        for lane, unit in enumerate(units):
            m.submodules[f"lane_{lane}"] = unit
            m.d.comb += [unit.op.eq(self.op), unit.x.eq(data[32 * lane : 32 * lane + 32])]
        return Cat(*(unit.r for unit in units))


class LaneReduction(_Part):
    """Reduction over the lanes, its result in all lanes, ordered as `weft.hw.numerics.reduce`; bypassed by ``NONE``."""

    bypassable = True

    def __init__(self, *, spec: FabricSpec, native: bool = False) -> None:
        self.latency = ReductionTree.latency_of(spec.lanes)
        super().__init__(spec=spec, op=Reduction, native=native)

    def _native_unit(self) -> NativeReduction:
        return NativeReduction(lanes=self.spec.lanes)

    def _work(self, m: Module, data: Value) -> Value:
        m.submodules.tree = tree = ReductionTree(lanes=self.spec.lanes)
        m.d.comb += [tree.op.eq(self.op), Value.cast(tree.x).eq(data)]
        return tree.r.replicate(self.spec.lanes)


class Specials(_Part):
    """A special function in each lane; bypassed by ``NONE``."""

    bypassable = True
    latency = SpecialFunction.latency

    def __init__(self, *, spec: FabricSpec, native: bool = False) -> None:
        super().__init__(spec=spec, op=Special, native=native)

    def _native_unit(self) -> NativeSpecials:
        return NativeSpecials(lanes=self.spec.lanes)

    def _work(self, m: Module, data: Value) -> Value:
        return self._lane_by_lane(m, [SpecialFunction() for _ in range(self.spec.lanes)], data)


class Conversions(_Part):
    """A conversion in each lane; never bypassed, for it also is the register at the end of the pipeline."""

    bypassable = False
    latency = Convert.latency

    def __init__(self, *, spec: FabricSpec, native: bool = False) -> None:
        super().__init__(spec=spec, op=Conversion, native=native)

    def _native_unit(self) -> NativeConversions:
        return NativeConversions(lanes=self.spec.lanes)

    def _work(self, m: Module, data: Value) -> Value:
        return self._lane_by_lane(m, [Convert() for _ in range(self.spec.lanes)], data)
