"""Refuses accesses outside a segment."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, signed, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import FabricSpec

from .nest import item_layout

__all__ = ["SegmentCheck", "checked_layout"]


def checked_layout(spec: FabricSpec) -> data.StructLayout:
    """An item of the nest, and whether it must not be accessed."""
    address, stop = unsigned(spec.address_bits), unsigned(spec.stop_bits)
    return data.StructLayout({"address": address, "stop": stop, "void": unsigned(1), "refused": unsigned(1)})


class SegmentCheck(wiring.Component):
    """Marks items whose vector beat does not lie in the segment. An item a cycle, latency 1.

    Parameters
    ----------
    spec
        Decides the bits of an address.

    Members
    -------
    base, size : In(address_bits), In(address_bits + 1)
        First vector beat and vector beats of the segment; stable from two cycles before the first item.
    clear : In(1)
        Forget the item that is kept.
    item : In(stream)
        See :func:`weft.hw.agcu.nest.item_layout`. ``ready`` depends on ``ready`` of ``checked``.
    checked : Out(stream)
        See :func:`checked_layout`; from registers. A void item is never refused.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._address_bits = spec.address_bits
        super().__init__(
            {
                "base": In(spec.address_bits),
                "size": In(spec.address_bits + 1),
                "clear": In(1),
                "item": In(stream.Signature(item_layout(spec))),
                "checked": Out(stream.Signature(checked_layout(spec))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        item, checked = self.item.payload, self.checked.payload

        # Below base where the segment is empty: no unsigned address then passes both comparisons.
        last = Signal(signed(self._address_bits + 3))
        m.d.sync += last.eq(self.base + self.size - 1)
        inside = (item.address >= self.base) & (item.address <= last)

        m.d.comb += self.item.ready.eq(~self.checked.valid | self.checked.ready)
        with m.If(self.item.ready):
            m.d.sync += [
                self.checked.valid.eq(self.item.valid),
                checked.address.eq(item.address),
                checked.stop.eq(item.stop),
                checked.void.eq(item.void),
                checked.refused.eq(~inside & ~item.void),
            ]
        with m.If(self.clear):
            m.d.sync += self.checked.valid.eq(0)
        return m
