"""Configuration images: a mapping as the words that a chip loads, and back.

The words are laid out by :mod:`weft.hw.address_map`: a header, then an address and a word for every configuration word
of every tile, row by row, those of unused tiles and switches too, so that nothing of an earlier image stays behind.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from weft.compiler.backend.image_text import describe_tile
from weft.compiler.backend.image_trace import ImageError, trace_routes, unit_name
from weft.compiler.backend.mapping import Mapping, Route
from weft.compiler.netlist.netlist import Netlist, Program, Unit
from weft.hw.address_map import HEADER_WORDS, IMAGE_MAGIC, IMAGE_VERSION, AddressMap
from weft.hw.fields import Layout
from weft.hw.program import Switch
from weft.hw.spec import FabricSpec
from weft.hw.topology import Tile, Topology

__all__ = ["DecodedImage", "ImageError", "describe", "read_image", "write_image"]

_CRC_WORD = 6


@dataclass(frozen=True)
class DecodedImage:
    """What an image says.

    Parameters
    ----------
    spec
        The fabric it is for.
    context
        Where it is loaded.
    programs
        Of the tiles whose unit does something.
    switches
        Of all tiles.
    routes
        Traced from the switches; units are called after their tile, like ``pcu(2,3)``.
    """

    spec: FabricSpec
    context: int
    programs: dict[Tile, Program]
    switches: dict[Tile, Switch]
    routes: tuple[Route, ...]

    @cached_property
    def netlist(self) -> Netlist:
        """Units and nets, without the names they had."""
        topology = Topology(self.spec)
        names = {tile: unit_name(topology, tile) for tile in self.programs}
        units = {names[tile]: Unit(names[tile], program) for tile, program in self.programs.items()}
        return Netlist(units, tuple(route.net for route in self.routes))

    @cached_property
    def mapping(self) -> Mapping:
        """The mapping that :func:`write_image` turns into the same image."""
        topology = Topology(self.spec)
        tiles = {unit_name(topology, tile): tile for tile in self.programs}
        return Mapping(self.spec, self.netlist, tiles, self.routes)


def write_image(mapping: Mapping, context: int, *, spec: FabricSpec) -> bytes:
    """The image of a mapping, to be loaded into a context of a fabric.

    Raises
    ------
    ImageError
        A mapping for another fabric, or a context that the fabric does not have.
    ValueError
        A field whose value does not fit, or a switch output set twice.
    """
    if mapping.spec.hash != spec.hash:
        raise ImageError(f"mapping must be for fabric {spec.hash}, not for {mapping.spec.hash}")
    if not 0 <= context < spec.contexts:
        raise ImageError(f"context must be below {spec.contexts}, not {context}")
    addresses = AddressMap(spec)
    topology = Topology(spec)
    words: list[int] = []
    for tile, kind in topology.tiles.items():
        layout, unit = addresses.unit(kind), mapping.units.get(tile)
        try:
            values = [0] * layout.words if unit is None else layout.pack(unit.program)
        except ValueError as error:
            raise ImageError(f"unit {unit.name if unit else tile!r}: {error}") from None
        values += addresses.switch(kind).pack(mapping.switches[tile])
        for index, value in enumerate(values):
            words += addresses.address(context, topology.number(tile), index), value
    return _with_header(words, context, spec)


def _with_header(words: list[int], context: int, spec: FabricSpec) -> bytes:
    number = int(spec.hash, 16)
    header = [IMAGE_MAGIC, IMAGE_VERSION, number & 0xFFFFFFFF, number >> 32, context, len(words) // 2, 0, 0]
    data = bytearray(struct.pack(f"<{len(header) + len(words)}I", *header, *words))
    struct.pack_into("<I", data, 4 * _CRC_WORD, _crc(data))
    return bytes(data)


def _crc(data: bytes | bytearray) -> int:
    """Over all bytes but those of the CRC word itself."""
    return zlib.crc32(data[4 * _CRC_WORD + 4 :], zlib.crc32(data[: 4 * _CRC_WORD]))


def read_image(data: bytes, spec: FabricSpec) -> DecodedImage:
    """What an image for a fabric says.

    Raises
    ------
    ImageError
        No image, of another version, truncated, damaged, for another fabric, or with settings that no fabric can
        carry out.
    """
    words = _checked_words(data, spec)
    context = words[4]
    if context >= spec.contexts:
        raise ImageError(f"image must be for a context below {spec.contexts}, not {context}")
    records = iter(zip(words[HEADER_WORDS::2], words[HEADER_WORDS + 1 :: 2], strict=True))
    addresses, topology = AddressMap(spec), Topology(spec)
    expected = sum(addresses.words(kind) for kind in topology.tiles.values())
    if words[5] != expected:
        raise ImageError(f"image must hold {expected} records for this fabric, not {words[5]}")
    programs: dict[Tile, Program] = {}
    switches: dict[Tile, Switch] = {}
    for tile, kind in topology.tiles.items():
        base = addresses.address(context, topology.number(tile), 0)
        unit, switch = addresses.unit(kind), addresses.switch(kind)
        values = list(_take(records, base, unit.words + switch.words))
        if any(values[: unit.words]):
            programs[tile] = _unpacked(unit, values[: unit.words], f"unit in tile {tile}")
        switches[tile] = _unpacked(switch, values[unit.words :], f"switch in tile {tile}")
    routes = trace_routes(spec, switches)
    used = {unit_name(topology, tile) for tile in programs}
    for pin in (pin for route in routes for pin in (route.net.source, *route.net.targets)):
        if pin.unit not in used:
            raise ImageError(f"a stream of the image begins or ends at {pin.unit}, whose unit is off")
    return DecodedImage(spec, context, programs, switches, routes)


def _checked_words(data: bytes, spec: FabricSpec) -> tuple[int, ...]:
    header = 4 * HEADER_WORDS
    if len(data) < header:
        raise ImageError(f"image is truncated: it has {len(data)} bytes and its header alone {header}")
    magic, version, low, high, _, records, crc, reserved = struct.unpack_from(f"<{HEADER_WORDS}I", data)
    if magic != IMAGE_MAGIC:
        raise ImageError(f"image must begin with the word {IMAGE_MAGIC:#010x}, not {magic:#010x}")
    if version != IMAGE_VERSION:
        raise ImageError(f"image must be of version {IMAGE_VERSION}, not {version}")
    if len(data) != header + 8 * records:
        what = "truncated" if len(data) < header + 8 * records else "too long"
        raise ImageError(f"image is {what}: it has {len(data)} bytes, its header says {header + 8 * records}")
    if crc != _crc(data) or reserved:
        raise ImageError(f"image is damaged: its CRC must be {_crc(data):#010x}, not {crc:#010x}")
    if f"{high << 32 | low:016x}" != spec.hash:
        raise ImageError(f"image must be for fabric {spec.name!r} ({spec.hash}), not for {high << 32 | low:016x}")
    return struct.unpack(f"<{len(data) // 4}I", data)


def _take(records: Iterator[tuple[int, int]], base: int, count: int) -> Iterator[int]:
    for address, (found, word) in zip(range(base, base + count), records, strict=False):
        if found != address:
            raise ImageError(f"image must have its records in order: {address:#010x}, not {found:#010x}")
        yield word


def _unpacked(layout: Layout[Any], words: list[int], where: str) -> Any:
    try:
        program = layout.unpack(words)
    except ValueError as error:
        raise ImageError(f"{where}: {error}") from None
    if layout.pack(program) != words:
        raise ImageError(f"{where}: the bits behind its last field must be zero")
    return program


def describe(decoded: DecodedImage) -> str:
    """The image in words: for each tile in use what its unit does, stage by stage, and where its streams go."""
    topology = Topology(decoded.spec)
    nets = f"{len(decoded.programs)} units, {len(decoded.routes)} nets"
    lines = [f"image for fabric {decoded.spec.name!r} ({decoded.spec.hash}), context {decoded.context}: {nets}"]
    for tile, program in decoded.programs.items():
        lines += ["", *describe_tile(unit_name(topology, tile), program, decoded.routes)]
    passing = [tile for tile, switch in decoded.switches.items() if tile not in decoded.programs and _carries(switch)]
    if passing:
        lines += ["", f"only passed through: {', '.join(map(str, passing))}"]
    return "\n".join(lines) + "\n"


def _carries(switch: Switch) -> bool:
    return any(vars(switch).values())
