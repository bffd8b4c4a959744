"""The configuration bus and what a tile keeps of it."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from weft.hw.address_map import AddressMap
from weft.hw.spec import FabricSpec
from weft.hw.topology import TileKind, Topology

__all__ = ["GROUP", "ConfigBus", "ConfigRegisters", "bus_groups", "connect_bus", "context_bits"]

GROUP = 16
"""Tiles that share a ``valid`` of the bus: those of consecutive numbers."""


def bus_groups(spec: FabricSpec) -> int:
    """How many groups of tiles the bus has."""
    return -(-len(Topology(spec).tiles) // GROUP)


def context_bits(spec: FabricSpec) -> int:
    """Width of a context's number, at least 1."""
    return max(1, (spec.contexts - 1).bit_length())


class ConfigBus(wiring.Signature):
    """The bus from the chip to all tiles at once, as the chip sees it. No tile ever holds it up.

    The chip decodes the upper bits of a tile's number and gives each group of tiles a ``valid`` of its own. A
    configuration word is broadcast to one group, so other tiles stay asleep. At a tile there is one ``valid``.

    ``valid``, ``payload``
        Write a configuration word, ``data``; its ``address`` is as in :mod:`weft.hw.address_map`. A word every cycle.
    ``read``, ``read_address``
        Ask for the counter ``read_address = tile << 8 | counter``; its value then stays on the tile's ``read_data``
        until the next ``read``, while those of all other tiles are zero.
    ``clear``
        Counters begin anew.
    """

    def __init__(self, *, groups: int | None = None) -> None:
        super().__init__(
            {
                "valid": Out(1) if groups is None else Out(1).array(groups),
                "payload": Out(data.StructLayout({"data": 32, "address": 32})),
                "read": Out(1),
                "read_address": Out(24),
                "clear": Out(1),
            }
        )


def connect_bus(m: Module, *, chip: Any, tile: Any, number: int) -> None:
    """Connect the bus of a tile, by its number, to that of the chip."""
    m.d.comb += tile.valid.eq(chip.valid[number // GROUP])
    m.d.comb += [getattr(tile, name).eq(getattr(chip, name)) for name in tile.signature.members if name != "valid"]


class ConfigRegisters(wiring.Component):
    """Keeps the configurations of a tile, one a context, and shows that of the active one.

    A word written, or another context, is shown in the next cycle. Writing to contexts that are not active disturbs
    nothing. At reset all words are zero, which is every unit off. Let a launch follow the last write and the change of
    context by 2 cycles or more. A rigid part (`weft.hw.clock_gate`): with a gated clock, what follows from a program
    alone rests as well.

    Parameters
    ----------
    spec
        Of the fabric.
    kind
        Of the tile.

    Members
    -------
    bus : In(ConfigBus())
        The configuration bus.
    tile : In(16)
        The tile's number on the bus, tied outside: tiles of a kind are all the same.
    context : In(context_bits(spec))
        The active context.
    unit : Out(bits)
        Program of the unit, bits as :class:`weft.hw.fields.Layout` places them.
    switch : Out(bits)
        Program of the switch, likewise.
    active : Out(1)
        There is something to write, or another context to show.
    """

    def __init__(self, *, spec: FabricSpec, kind: TileKind) -> None:
        self._spec = spec
        addresses = AddressMap(spec)
        self._unit = addresses.unit(kind)
        self._switch = addresses.switch(kind)
        super().__init__(
            {
                "bus": In(ConfigBus()),
                "tile": In(16),
                "context": In(context_bits(spec)),
                "unit": Out(self._unit.bits),
                "switch": Out(self._switch.bits),
                "active": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        word_in, address = self.bus.payload.data, self.bus.payload.address
        mine = Signal()
        shown = Signal.like(self.context)
        m.d.comb += [
            mine.eq(self.bus.valid & (address[8:24] == self.tile)),
            self.active.eq(mine | (shown != self.context)),
        ]
        # The program decides which input an output shows, so the choice of a program must come from a register.
        m.d.sync += shown.eq(self.context)

        for context in range(self._spec.contexts):
            unit = self._words("unit", context, self._unit.bits)
            switch = self._words("switch", context, self._switch.bits)
            with m.If(mine & (address[24:] == context)), m.Switch(address[:8]):
                for number, word in enumerate(unit + switch):
                    with m.Case(number):
                        m.d.sync += word.eq(word_in)
            with m.If(shown == context):
                m.d.comb += [self.unit.eq(Cat(unit)), self.switch.eq(Cat(switch))]
        return m

    @staticmethod
    def _words(name: str, context: int, bits: int) -> list[Signal]:
        """Registers of a program; the last is only as wide as it is used."""
        return [Signal(min(32, bits - start), name=f"{name}_{context}_{start // 32}") for start in range(0, bits, 32)]
