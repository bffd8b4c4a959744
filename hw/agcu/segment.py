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
    return data.StructLayout(
        {"address": unsigned(32), "stop": unsigned(spec.stop_bits), "void": unsigned(1), "refused": unsigned(1)}
    )


class SegmentCheck(wiring.Component):
    """Marks items whose vector beat does not lie whole in the segment, or is not aligned. An item a cycle, latency 1.

    Parameters
    ----------
    spec
        Decides the bytes of a vector beat.

    Members
    -------
    base, size : In(32)
        First byte and bytes of the segment; stable from two cycles before the first item.
    clear : In(1)
        Forget the item that is kept.
    item : In(stream)
        See :func:`weft.hw.agcu.nest.item_layout`. ``ready`` depends on ``ready`` of ``checked``.
    checked : Out(stream)
        See :func:`checked_layout`; from registers. A void item is never refused.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._beat_bytes = spec.beat_bytes
        super().__init__(
            {
                "base": In(32),
                "size": In(32),
                "clear": In(1),
                "item": In(stream.Signature(item_layout(spec))),
                "checked": Out(stream.Signature(checked_layout(spec))),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        item, checked = self.item.payload, self.checked.payload

        # Below base where the segment is too small for any beat: no unsigned address then passes both comparisons.
        last = Signal(signed(34))
        m.d.sync += last.eq(self.base + self.size - self._beat_bytes)
        inside = (item.address >= self.base) & (item.address <= last)
        aligned = ~item.address[: self._beat_bytes.bit_length() - 1].any()

        m.d.comb += self.item.ready.eq(~self.checked.valid | self.checked.ready)
        with m.If(self.item.ready):
            m.d.sync += [
                self.checked.valid.eq(self.item.valid),
                checked.address.eq(item.address),
                checked.stop.eq(item.stop),
                checked.void.eq(item.void),
                checked.refused.eq(~(inside & aligned) & ~item.void),
            ]
        with m.If(self.clear):
            m.d.sync += self.checked.valid.eq(0)
        return m
