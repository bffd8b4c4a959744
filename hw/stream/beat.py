"""What a stream carries: beats of data with stop tokens.

A beat is ``data``, ``stop`` and ``void``. ``stop`` is 0, or the rank of the highest dimension that ends with this beat
(STeP, arXiv 2511.07776; SAM: only the highest is sent). A ``void`` beat carries a stop and no data, for empty
dimensions.
"""

from __future__ import annotations

from amaranth.hdl import unsigned
from amaranth.lib import data, stream

from weft.hw.spec import FabricSpec
from weft.hw.topology import Network

__all__ = ["beat_layout", "beat_stream"]


def beat_layout(spec: FabricSpec, network: Network) -> data.StructLayout:
    """Payload of a network's streams: ``data`` is ``lanes`` words (vector), one word (scalar), or absent (control)."""
    shapes = {Network.VECTOR: data.ArrayLayout(unsigned(32), spec.lanes), Network.SCALAR: unsigned(32)}
    members = {"data": shapes[network]} if network in shapes else {}
    return data.StructLayout({**members, "stop": unsigned(spec.stop_bits), "void": unsigned(1)})


def beat_stream(spec: FabricSpec, network: Network) -> stream.Signature:
    """A ready/valid stream of beats: once valid, valid and payload hold; valid never waits for ready."""
    return stream.Signature(beat_layout(spec, network))
