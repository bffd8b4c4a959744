"""What a tile says it waits for, in words."""

from __future__ import annotations

from weft.hw.spec import FabricSpec
from weft.hw.topology import NETWORKS, TileKind, unit_ports

__all__ = ["describe_waits"]


def describe_waits(spec: FabricSpec, kind: TileKind, bits: int) -> str:
    """The ports in a unit's ``waits``: ``vector input 1, scalar output 0``; see `weft.hw.tile.unit.unit_members`."""
    inputs = [f"{network.value} input {i}" for network in NETWORKS for i in range(unit_ports(spec, kind, network)[0])]
    outputs = [f"{network.value} output {i}" for network in NETWORKS for i in range(unit_ports(spec, kind, network)[1])]
    names = [name for i, name in enumerate(inputs[:16]) if bits >> i & 1]
    names += [name for i, name in enumerate(outputs[:16]) if bits >> (16 + i) & 1]
    return ", ".join(names)
