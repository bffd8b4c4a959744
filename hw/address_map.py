"""Where everything lies on the configuration bus and in the chip's AXI4-Lite space.

A configuration word's address is ``context << 24 | tile << 8 | word``. The words of a tile are those of its unit's
layout, then those of its switch's. Hardware decode, image writer, image reader and documentation derive from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

from weft.hw.fields import Layout
from weft.hw.program import Agcu, Pcu, Pmu, switch_program
from weft.hw.spec import FabricSpec, SpecError
from weft.hw.topology import TileKind, Topology

__all__ = ["HEADER_WORDS", "IMAGE_MAGIC", "IMAGE_VERSION", "AddressMap", "Counter", "HostRegister", "Status"]

IMAGE_MAGIC = 0x54464557  # "WEFT", little endian
IMAGE_VERSION = 5
HEADER_WORDS = 8
"""An image is little-endian words: magic, version, spec hash (low, high), context, records, CRC-32, 0; then for each
record an address and a word. The CRC-32 (IEEE 802.3, as zlib's) is over all bytes but those of the CRC word itself."""

_PROGRAMS: dict[TileKind, type] = {TileKind.PCU: Pcu, TileKind.PMU: Pmu, TileKind.AGCU: Agcu}


class Counter(IntEnum):
    """Counters of a tile, read over the configuration bus; all 32 bit, cleared by a host command."""

    BUSY = 0
    STARVED = 1
    BLOCKED = 2
    BEATS = 3
    STATUS = 4
    """Not a count: which ports wait, see the unit."""


class Status(IntEnum):
    """Bits of the chip's STATUS register."""

    BUSY = 0
    DONE = 1
    FAILED = 2
    IMAGE_REFUSED = 3


class HostRegister(IntEnum):
    """Byte addresses of the chip's AXI4-Lite registers."""

    ID = 0x00  # IMAGE_MAGIC
    VERSION = 0x04
    HASH_LOW = 0x08
    HASH_HIGH = 0x0C
    STATUS = 0x10
    COMMAND = 0x14  # write: bit 0 launch, bit 1 clear counters, bit 2 begin an image; bits 15..8 context
    IMAGE = 0x18  # write: next word of an image
    CYCLES = 0x1C  # cycles of the last launch
    READ_ADDRESS = 0x20  # write: tile << 8 | counter; then READ_DATA holds its value
    READ_DATA = 0x24
    VIOLATION = 0x28  # 1 + tile number of an AGCU that refused an access, 0: none
    CHANNEL_BEATS = 0x80  # read: data beats of channel i since clear, reads at 0x80 + 8 i, writes at 0x84 + 8 i
    ARGUMENT = 0x400  # write: launch argument i at 0x400 + 4 i (i from 1)


@dataclass(frozen=True)
class AddressMap:
    """The configuration address map of a fabric.

    Raises
    ------
    SpecError
        More words in a tile, tiles in the array or contexts than an address has room for.
    """

    spec: FabricSpec

    def __post_init__(self) -> None:
        tiles = self.spec.rows * (self.spec.columns + 2)
        if tiles > 1 << 16:
            raise SpecError(f"rows * (columns + 2) must be at most 65536 tiles, not {tiles}")
        for kind in TileKind:
            words = self.unit(kind).words + self.switch(kind).words
            if words > 256:
                raise SpecError(
                    f"configuration of a {kind.value} tile must fit 256 words, not {words}; use fewer stages"
                )

    @cached_property
    def _layouts(self) -> dict[TileKind, tuple[Layout[Any], Layout[Any]]]:
        return {
            kind: (Layout(program, self.spec), Layout(switch_program(self.spec, kind), self.spec))
            for kind, program in _PROGRAMS.items()
        }

    def unit(self, kind: TileKind) -> Layout[Any]:
        """Layout of a unit's configuration."""
        return self._layouts[kind][0]

    def switch(self, kind: TileKind) -> Layout[Any]:
        """Layout of the configuration of the switch beside a unit."""
        return self._layouts[kind][1]

    def words(self, kind: TileKind) -> int:
        """Configuration words of a tile: its unit's, then its switch's."""
        return self.unit(kind).words + self.switch(kind).words

    @staticmethod
    def address(context: int, tile: int, word: int) -> int:
        """Address of a configuration word on the bus."""
        return context << 24 | tile << 8 | word

    @cached_property
    def bits(self) -> int:
        """Configuration bits of the whole fabric, of one context."""
        return sum(self.unit(kind).bits + self.switch(kind).bits for kind in Topology(self.spec).tiles.values())
