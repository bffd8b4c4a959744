"""Connecting streams, with a check that both ends mean the same by their bits."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module

__all__ = ["connect_streams", "payload_shape"]


def payload_shape(stream: Any) -> Any:
    """The payload's shape as its stream declares it."""
    return stream.signature.members["payload"].shape


def connect_streams(m: Module, *, producer: Any, consumer: Any) -> None:
    """Let the beats of ``producer`` go to ``consumer``.

    A component may pass its own ports as they are: its input is a producer, its output a consumer.
    :func:`amaranth.lib.wiring.connect` compares widths only, so a struct could end in another of the same size;
    here the shapes must be equal.

    Raises
    ------
    TypeError
        The payloads' shapes differ.
    ValueError
        The producer is always ready to be taken from, but the consumer does not always take.
    """
    shapes = payload_shape(producer), payload_shape(consumer)
    if shapes[0] != shapes[1]:
        raise TypeError(f"consumer must have the payload shape of its producer, {shapes[0]!r}, not {shapes[1]!r}")
    if _constant(producer, "ready") and not _constant(consumer, "ready"):
        raise ValueError(f"consumer must be always ready as its producer expects, not {consumer!r}")
    if _constant(consumer, "valid") and not _constant(producer, "valid"):
        raise ValueError(f"producer must be always valid as its consumer expects, not {producer!r}")
    m.d.comb += consumer.payload.eq(producer.payload)
    if not _constant(consumer, "valid"):
        m.d.comb += consumer.valid.eq(producer.valid)
    if not _constant(producer, "ready"):
        m.d.comb += producer.ready.eq(consumer.ready)


def _constant(stream: Any, wire: str) -> bool:
    signature = stream.signature
    return bool(getattr(signature, f"always_{wire}"))
