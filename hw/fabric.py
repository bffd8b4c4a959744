"""The array of tiles."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Any

from amaranth.hdl import ClockSignal, Instance, Module, ResetSignal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from hw.spec import FabricSpec
from hw.stream.connect import connect_streams
from hw.tile.config import ConfigBus, context_bits
from hw.tile.tile import Tile, extra_members, link_name, tile_members
from hw.topology import NETWORKS, TileKind, Topology
from hw.topology import Tile as Place

__all__ = ["Fabric", "instance_name", "tile_module"]


def tile_module(kind: TileKind) -> str:
    """Name of the Verilog module that all tiles of a kind are instances of."""
    return f"weft_tile_{kind.value}"


def instance_name(place: Place) -> str:
    """Name of a tile in the fabric."""
    return f"tile_{place.row}_{place.column}"


class Fabric(wiring.Component):
    """Tiles and the links between them, as :class:`hw.topology.Topology` says.

    Links at the edge bring nothing and take nothing. Between tiles there is nothing but wires; ``bus``, ``context``,
    ``launch`` and ``running`` go to all tiles in the same cycle and must come from registers.

    Parameters
    ----------
    spec
        What fabric.
    checks
        Assert in simulation what the parts promise each other; with ``instances`` it is up to the tiles' own modules.
    instances
        Place each tile as an instance of the Verilog module :func:`tile_module`, which is converted once a kind. Time
        to elaborate then hardly grows with the number of tiles. Amaranth's simulator needs False.

    Members
    -------
    bus : In(ConfigBus())
        To every tile.
    context : In(context_bits(spec)), launch : In(1), running : In(1)
        To every tile.
    read_data : Out(32)
        Of the tile that was asked, 2 cycles after ``bus.read``.
    memory, argument, done, violation : arrays
        Those of each AGCU, in the order of ``Topology(spec).of_kind(TileKind.AGCU)``.
    """

    def __init__(self, *, spec: FabricSpec, checks: bool = False, instances: bool = False) -> None:
        self._spec = spec
        self._checks = checks
        self._instances = instances
        self._topology = Topology(spec)
        agcus = len(self._topology.of_kind(TileKind.AGCU))
        super().__init__(
            {
                "bus": In(ConfigBus()),
                "context": In(context_bits(spec)),
                "launch": In(1),
                "running": In(1),
                "read_data": Out(32),
                **{name: each.array(agcus) for name, each in extra_members(spec, TileKind.AGCU).items()},
            }
        )

    def elaborate(self, platform: object) -> Module:
        m = Module()
        topology = self._topology
        tiles = {place: self._place(m, place) for place in topology.tiles}
        for place, tile in tiles.items():
            connect(m, bus=flipped(self.bus), tile=tile.bus)
            m.d.comb += [
                tile.tile.eq(topology.number(place)),
                tile.active_context.eq(self.context),
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

    def _place(self, m: Module, place: Place) -> Any:
        """Add the tile; its ports."""
        kind = self._topology.tiles[place]
        name = instance_name(place)
        if not self._instances:
            m.submodules[name] = tile = Tile(spec=self._spec, kind=kind, checks=self._checks)
            return tile
        ports = wiring.Signature(tile_members(self._spec, kind)).create(path=(name,))
        m.submodules[name] = Instance(tile_module(kind), i_clk=ClockSignal(), i_rst=ResetSignal(), **_wires(ports))
        return ports


def _wires(ports: Any) -> dict[str, Value]:
    """The ports as keyword arguments of an instance, named as Amaranth's Verilog back end names a component's."""
    wires: dict[str, Value] = {}
    for path, member, value in ports.signature.flatten(ports):
        direction = "i" if member.flow is In else "o"
        wires[f"{direction}_{'__'.join(map(str, path))}"] = Value.cast(value)
    return wires


def _pass_outward(m: Module, member: wiring.Member, *, outer: Any, inner: Any) -> None:
    if member.is_signature:
        connect(m, outside=flipped(outer), inside=inner)
    elif member.flow is Out:
        m.d.comb += outer.eq(inner)
    else:
        m.d.comb += inner.eq(outer)
