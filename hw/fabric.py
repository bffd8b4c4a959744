"""The array of tiles."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from weft.hw.spec import FabricSpec
from weft.hw.stream.connect import connect_streams
from weft.hw.tile.config import ConfigBus, bus_groups, connect_bus, context_bits
from weft.hw.tile.tile import Tile, extra_members, link_name
from weft.hw.topology import NETWORKS, TileKind, Topology
from weft.hw.topology import Tile as Place

__all__ = ["FABRIC", "Fabric", "fabric_members", "instance_name", "tile_module"]

FABRIC = "weft_fabric"
"""Name of the Verilog module of a fabric."""


def tile_module(kind: TileKind) -> str:
    """Name of the Verilog module that all tiles of a kind are instances of."""
    return f"weft_tile_{kind.value}"


def instance_name(place: Place) -> str:
    """Name of a tile in the fabric."""
    return f"tile_{place.row}_{place.column}"


def fabric_members(spec: FabricSpec) -> dict[str, Any]:
    """Members of a fabric, see :class:`Fabric`."""
    agcus = len(Topology(spec).of_kind(TileKind.AGCU))
    return {
        "bus": In(ConfigBus(groups=bus_groups(spec))),
        # The ports that go to all tiles are called as they are there.
        "active_context": In(context_bits(spec)),
        "launch": In(1),
        "running": In(1),
        "read_data": Out(32),
        **{name: each.array(agcus) for name, each in extra_members(spec, TileKind.AGCU).items()},
    }


class Fabric(wiring.Component):
    """Tiles and the links between them, as :class:`weft.hw.topology.Topology` says.

    Links at the edge bring nothing and take nothing. Between tiles there is nothing but wires; ``bus``,
    ``active_context``, ``launch`` and ``running`` go to all tiles in the same cycle and must come from registers.

    For Amaranth's simulator. Its Verilog would hold a module for each tile, not for each kind:
    :func:`weft.hw.fabric_verilog.fabric_verilog` writes it instead.

    Parameters
    ----------
    spec
        What fabric.
    checks
        Assert in simulation what the parts promise each other.

    Members
    -------
    bus : In(ConfigBus(groups=bus_groups(spec)))
        To every tile, each ``valid`` to its group.
    active_context : In(context_bits(spec)), launch : In(1), running : In(1)
        To every tile.
    read_data : Out(32)
        Of the tile that was asked, 2 cycles after ``bus.read``.
    memory, argument, done, violation : arrays
        Those of each AGCU, in the order of ``Topology(spec).of_kind(TileKind.AGCU)``.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        super().__init__(fabric_members(spec))

    def elaborate(self, platform: object) -> Module:
        m = Module()
        topology = Topology(self._spec)
        tiles = {place: Tile(spec=self._spec, kind=kind, checks=self._checks) for place, kind in topology.tiles.items()}
        for place, tile in tiles.items():
            m.submodules[instance_name(place)] = tile
            number = topology.number(place)
            connect_bus(m, chip=self.bus, tile=tile.bus, number=number)
            m.d.comb += [
                tile.tile.eq(number),
                tile.active_context.eq(self.active_context),
                tile.launch.eq(self.launch),
                tile.running.eq(self.running),
            ]
        m.d.sync += self.read_data.eq(reduce(or_, (tile.read_data for tile in tiles.values())))

        # A tile drives what it sends and the ready of what it receives. The rest of a link at the edge stays zero.
        for network in NETWORKS:
            for link in topology.links(network):
                connect_streams(
                    m,
                    producer=getattr(tiles[link.source], link_name(network, link.direction, out=True))[link.track],
                    consumer=getattr(tiles[link.target], link_name(network, link.direction.opposite, out=False))[
                        link.track
                    ],
                )
        for index, place in enumerate(topology.of_kind(TileKind.AGCU)):
            for name, member in extra_members(self._spec, TileKind.AGCU).items():
                _pass_outward(m, member, outer=getattr(self, name)[index], inner=getattr(tiles[place], name))
        return m


def _pass_outward(m: Module, member: wiring.Member, *, outer: Any, inner: Any) -> None:
    if member.is_signature:
        connect(m, outside=flipped(outer), inside=inner)
    elif member.flow is Out:
        m.d.comb += outer.eq(inner)
    else:
        m.d.comb += inner.eq(outer)
