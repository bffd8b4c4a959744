"""The ports that every unit has: its program as plain wires, its streams, and what it tells of itself."""

from __future__ import annotations

import dataclasses
from typing import Any

from amaranth.hdl import signed, unsigned
from amaranth.lib import data
from amaranth.lib.wiring import In, Out

from weft.hw.fields import SIGNED_FIELDS
from weft.hw.program import Agcu, Pcu, Pmu
from weft.hw.spec import FabricSpec
from weft.hw.stream.beat import beat_stream
from weft.hw.topology import NETWORKS, TileKind, unit_ports

__all__ = ["program_layout", "unit_members"]

_PROGRAMS: dict[TileKind, type] = {TileKind.PCU: Pcu, TileKind.PMU: Pmu, TileKind.AGCU: Agcu}


def program_layout(program: type, spec: FabricSpec) -> data.StructLayout:
    """A program's fields as hardware sees them, at the same bits as :class:`weft.hw.fields.Layout` packs them."""
    members: dict[str, Any] = {}
    for field in dataclasses.fields(program):
        meta = field.metadata
        size = meta["count"] if "rows" in meta else meta["width"]
        size = size if isinstance(size, int) else size(spec)
        if "rows" in meta:
            members[field.name] = data.ArrayLayout(program_layout(meta["rows"], spec), size)
        else:
            members[field.name] = signed(size) if field.name in SIGNED_FIELDS else unsigned(size)
    return data.StructLayout(members)


def unit_members(spec: FabricSpec, kind: TileKind) -> dict[str, Any]:
    """Members shared by all units.

    ``program``
        The active context's fields, stable while a launch runs.
    ``launch``
        One cycle high when a launch begins; the program may have changed in this very cycle.
    ``{network}_in``, ``{network}_out``
        Arrays of beat streams, as many as :func:`weft.hw.topology.unit_ports` says; absent where there are none.
    ``busy``, ``starved``, ``blocked``
        This cycle the unit did work; had none for want of input; could not for want of room at an output.
    ``waits``
        32 bits: bit ``i`` an input it waits for (vector inputs, then scalar, then control), bit ``16 + i`` an output
        that is not taken, in the same order; 0 when idle.
    """
    members: dict[str, Any] = {
        "program": In(program_layout(_PROGRAMS[kind], spec)),
        "launch": In(1),
        "busy": Out(1),
        "starved": Out(1),
        "blocked": Out(1),
        "waits": Out(32),
    }
    for network in NETWORKS:
        inputs, outputs = unit_ports(spec, kind, network)
        if inputs:
            members[f"{network.value}_in"] = In(beat_stream(spec, network)).array(inputs)
        if outputs:
            members[f"{network.value}_out"] = Out(beat_stream(spec, network)).array(outputs)
    return members
