"""What an AGCU has beyond the ports of every unit: its road to memory, launch arguments, what it tells the chip."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.spec import ADDRESS_BITS, FabricSpec

__all__ = ["TURN_BITS", "agcu_members", "argument_signature", "memory_signature", "request_layout"]

TURN_BITS = 8
"""Turns that an AGCU has gone through are counted modulo 2 to the power of this."""


def request_layout() -> data.StructLayout:
    """A burst: byte ``address``, channel beats minus one, read or write, and what says who goes first.

    ``turn`` is the number of turns that the AGCU has gone through in the launch, those of all rounds, modulo
    ``2**TURN_BITS``: the earlier goes first, and within a turn the lower ``priority``. A burst never crosses a 4 KB
    boundary.
    """
    return data.StructLayout(
        {
            "address": unsigned(ADDRESS_BITS),
            "beats": unsigned(8),
            "write": unsigned(1),
            "turn": unsigned(TURN_BITS),
            "priority": unsigned(4),
        }
    )


def memory_signature(spec: FabricSpec) -> wiring.Signature:
    """An AGCU's road to its channel, as the AGCU sees it.

    ``request``
        Bursts. The data of a write burst is offered in the order of requests, and whole by itself: once requested, it
        needs nothing but the channel to take it.
    ``write_data``
        Channel beats of the write bursts. May be offered before its request.
    ``read_data``
        Channel beats in the order of read requests; always taken at once, because room was reserved.
    ``written``
        A write burst has reached memory (one cycle).
    ``error``
        Memory answered with an error (one cycle).
    """
    return wiring.Signature(
        {
            "request": Out(stream.Signature(request_layout())),
            "write_data": Out(stream.Signature(unsigned(spec.channel_bits))),
            "read_data": In(stream.Signature(unsigned(spec.channel_bits))),
            "written": In(1),
            "error": In(1),
        }
    )


def argument_signature(spec: FabricSpec) -> wiring.Signature:
    """A launch argument on its way to every AGCU: ``data`` is argument ``index`` from now on; 0 stays zero."""
    return wiring.Signature({"valid": Out(1), "index": Out(spec.arguments.bit_length()), "data": Out(32)})


def agcu_members(spec: FabricSpec) -> dict[str, Any]:
    """The members that a tile passes outward.

    ``memory``
        See :func:`memory_signature`.
    ``argument``
        Written between launches.
    ``done``
        The unit has no work left; falls in the cycle after ``launch`` if the program has some.
    ``violation``
        In this launch an access was refused, or memory answered with an error.
    """
    return {
        "memory": Out(memory_signature(spec)),
        "argument": In(argument_signature(spec)),
        "done": Out(1),
        "violation": Out(1),
    }
