"""Images written by hand, for tests of devices that need no compiler."""

from __future__ import annotations

import struct
import zlib

from weft.hw.address_map import IMAGE_MAGIC, IMAGE_VERSION, AddressMap
from weft.hw.program import Agcu
from weft.hw.program.agcu import AgcuKind, AgcuLevel
from weft.hw.program.switch import Switch, switch_program
from weft.hw.spec import FabricSpec
from weft.hw.topology import Direction, Network, Tile, Topology, tracks

__all__ = ["copy_image", "write"]


def write(
    spec: FabricSpec, programs: dict[Tile, object], switches: dict[Tile, dict[str, int]], context: int = 0
) -> bytes:
    """The image of some units' programs and switches' fields; the rest is off."""
    addresses, topology = AddressMap(spec), Topology(spec)
    records: list[int] = []
    for tile, kind in topology.tiles.items():
        unit = addresses.unit(kind)
        words = unit.pack(programs.get(tile, unit.program()))
        words += addresses.switch(kind).pack(
            switch_program(spec, kind)(**{**_off(spec, kind), **switches.get(tile, {})})
        )
        for index, word in enumerate(words):
            records += [addresses.address(context, topology.number(tile), index), word]
    digits = int(spec.hash, 16)
    head = [IMAGE_MAGIC, IMAGE_VERSION, digits & 0xFFFFFFFF, digits >> 32, context, len(records) // 2]
    body = struct.pack(f"<{len(records) + 1}I", 0, *records)
    start = struct.pack("<6I", *head)
    return start + struct.pack("<I", zlib.crc32(start + body)) + body


def _off(spec: FabricSpec, kind: object) -> dict[str, int]:
    return {place.path: 0 for place in AddressMap(spec).switch(kind).places}


def copy_image(
    spec: FabricSpec, *, row: int, beats: int, ends: bool = True, context: int = 0, size: int = 1 << 20
) -> bytes:
    """The west AGCU of a row loads from argument 1, its beats cross the row, the east one stores at argument 2.

    Without ``ends`` the load's last beat does not end the launch of the store.
    """
    each = tracks(spec, Network.VECTOR)
    links = len(Direction) * each
    west, east = Direction.WEST.number * each, Direction.EAST.number * each
    level = AgcuLevel(bound=beats, stride=spec.beat_bytes)
    last = Tile(row, spec.columns + 1)
    programs = {
        Tile(row, 0): Agcu(AgcuKind.LOAD, arg_a=1, levels=(level,), end_rank=int(ends), segment_size=size),
        last: Agcu(AgcuKind.STORE, arg_a=2, levels=(level,), end_rank=1, segment_size=size),
    }
    name = Switch.field
    switches = {Tile(row, column): {name(Network.VECTOR, east): 1 + west} for column in range(1, spec.columns + 1)}
    switches[Tile(row, 0)] = {name(Network.VECTOR, east): 1 + links}
    switches[last] = {name(Network.VECTOR, links): 1 + west}
    return write(spec, programs, switches, context)
