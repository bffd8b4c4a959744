"""Merges neighbouring vector beats to bursts and keeps room for what they bring."""

from __future__ import annotations

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import ADDRESS_BITS, FabricSpec

from .ports import TURN_BITS, request_layout

__all__ = ["Coalescer", "access_layout"]

_PAGE_BITS = 12  # an AXI4 burst must not cross a 4 KB boundary


def access_layout(spec: FabricSpec) -> data.StructLayout:
    """Which vector beat of memory; ``skip`` if it never reaches memory."""
    return data.StructLayout({"address": unsigned(spec.address_bits), "skip": unsigned(1)})


class Coalescer(wiring.Component):
    """Takes the address of a vector beat a cycle and makes as few bursts of them as it can.

    Beats whose addresses follow each other join the open burst until it is ``burst_beats`` channel beats (or half the
    buffer) long or would cross 4 KB. The burst is closed by the first beat that cannot join. For a load, whose
    addresses come every cycle, it is closed by the first cycle without one, too; for a store, which waits for data,
    only with ``finish``. Up to a burst a cycle.

    A beat taken in takes a place of the buffer until ``freed`` gives it back; a burst opens only with room for a
    longest one, so that a slow consumer gets long bursts late, not short ones at once.

    Parameters
    ----------
    spec
        Sizes of beats, bursts and the buffer.

    Members
    -------
    access : In(stream)
        See :func:`access_layout`. ``ready`` depends on ``valid`` and payload.
    write, turn, priority : In
        Passed into requests; stable while there is work. With ``write``, a skipped beat takes no place.
    finish : In(1)
        No more accesses will come before the open burst has been closed.
    freed : In(1)
        A place of the buffer became free.
    request : Out(stream)
        Bursts, from registers.
    opened : Out(1)
        A burst is open or not yet taken.
    used : Out
        Places taken.
    issued : Out(1)
        A burst has been closed in this cycle.
    """

    def __init__(self, *, spec: FabricSpec) -> None:
        self._spec = spec
        self._parts = spec.beat_bytes // spec.channel_bytes
        self._longest = spec.longest_burst
        super().__init__(
            {
                "access": In(stream.Signature(access_layout(spec))),
                "write": In(1),
                "turn": In(TURN_BITS),
                "priority": In(4),
                "finish": In(1),
                "freed": In(1),
                "request": Out(stream.Signature(request_layout())),
                "opened": Out(1),
                "used": Out(range(spec.agcu_buffer + 1)),
                "issued": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        spec, longest = self._spec, self._longest
        access = self.access.payload

        is_open = Signal()
        start, following = Signal(spec.address_bits), Signal(spec.address_bits)
        beats = Signal(range(longest + 1))
        free = Signal(range(spec.agcu_buffer + 1), init=spec.agcu_buffer)

        # A closed burst waits here for the channel; the stage behind it is the open burst itself.
        closed = Signal(request_layout())
        closed_valid = Signal()
        can_close = Signal()
        m.d.comb += [
            self.request.valid.eq(closed_valid),
            self.request.payload.eq(closed),
            can_close.eq(~closed_valid | self.request.ready),
        ]

        wanted, joins, full, close = Signal(), Signal(), Signal(), Signal()
        beat_bits = ADDRESS_BITS - spec.address_bits
        same_page = access.address[: _PAGE_BITS - beat_bits].any()
        m.d.comb += [
            wanted.eq(self.access.valid & ~access.skip),
            full.eq(beats == longest),
            joins.eq(wanted & is_open & (access.address == following) & ~full & same_page & (free != 0)),
            close.eq(is_open & ~joins & (~self.write | full | self.finish | self.access.valid)),
        ]
        opens = Signal()
        m.d.comb += opens.eq(wanted & ~joins & (~is_open | (close & can_close)) & (free >= longest))
        with m.If(access.skip):
            m.d.comb += self.access.ready.eq(self.write | (free != 0))
        with m.Else():
            m.d.comb += self.access.ready.eq(joins | opens)

        with m.If(self.request.ready):
            m.d.sync += closed_valid.eq(0)
        with m.If(close & can_close):
            m.d.comb += self.issued.eq(1)
            m.d.sync += [
                closed_valid.eq(1),
                closed.address.eq(start << beat_bits),
                closed.beats.eq(beats * self._parts - 1),
                closed.write.eq(self.write),
                closed.turn.eq(self.turn),
                closed.priority.eq(self.priority),
                is_open.eq(0),
            ]
        with m.If(joins):
            m.d.sync += [following.eq(following + 1), beats.eq(beats + 1)]
        with m.If(opens):
            m.d.sync += [
                is_open.eq(1),
                start.eq(access.address),
                following.eq(access.address + 1),
                beats.eq(1),
            ]

        taken = Signal()
        m.d.comb += taken.eq(self.access.valid & self.access.ready & ~(access.skip & self.write))
        m.d.sync += free.eq(free - taken + self.freed)
        m.d.comb += [self.opened.eq(is_open | closed_valid), self.used.eq(spec.agcu_buffer - free)]
        return m
