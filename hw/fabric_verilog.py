"""The array of tiles as Verilog, written from the topology: nothing but wires, instances and a register.

The same as :class:`weft.hw.fabric.Fabric`, for all that reads Verilog. Amaranth and Yosys would take tens of seconds to
convert the wide ports of a few hundred instances, between which there is nothing to convert.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from weft.hw.fabric import FABRIC, fabric_members, instance_name, tile_module
from weft.hw.spec import FabricSpec
from weft.hw.tile.config import GROUP
from weft.hw.tile.tile import extra_members, link_name, tile_members
from weft.hw.topology import NETWORKS, Direction, Tile, TileKind, Topology
from weft.hw.verilog_ports import verilog_ports

__all__ = ["fabric_verilog"]


@dataclass(frozen=True)
class _Port:
    name: str
    out: bool
    bits: int

    @property
    def range(self) -> str:
        """As it stands in a declaration."""
        return f"[{self.bits - 1}:0] " if self.bits > 1 else ""


def fabric_verilog(spec: FabricSpec) -> str:
    """Text of the module :data:`weft.hw.fabric.FABRIC`.

    Its ports are ``clk``, ``rst`` and :func:`weft.hw.fabric.fabric_members`, its tiles are instances of the modules
    :func:`weft.hw.fabric.tile_module`. Equal specs give equal bytes.
    """
    return "\n".join([*_header(spec), *_Body(spec).lines(), "endmodule", "`default_nettype wire", ""])


def _header(spec: FabricSpec) -> Iterator[str]:
    ports = [_Port("clk", False, 1), _Port("rst", False, 1), *_ports(fabric_members(spec))]
    yield "// A name that is not declared is a mistake, not a wire of one bit."
    yield "`default_nettype none"
    yield f"module {FABRIC} ("
    yield ",\n".join(f"  {'output' if port.out else 'input'} wire {port.range}{port.name}" for port in ports)
    yield ");"


def _ports(members: dict[str, wiring.Member]) -> list[_Port]:
    interface = wiring.Signature(members).create()
    return [_Port(name, flow is Out, len(value)) for name, (flow, value) in verilog_ports(interface).items()]


class _Body:
    """What is between the module's ports and its end."""

    def __init__(self, spec: FabricSpec) -> None:
        self._spec = spec
        self._topology = Topology(spec)
        self._kinds = {kind: _ports(tile_members(spec, kind)) for kind in TileKind}
        self._extras = {kind: extra_members(spec, kind) for kind in TileKind}
        self._places = {kind: {tile: n for n, tile in enumerate(self._topology.of_kind(kind))} for kind in TileKind}
        self._link_names = {link_name(n, d, out=out) for n in NETWORKS for d in Direction for out in (False, True)}
        # A link is called after the output that sends it.
        self._nets: dict[tuple[Tile, str], str] = {}
        for network in NETWORKS:
            for link in self._topology.links(network):
                sender = f"{link_name(network, link.direction, out=True)}__{link.track}"
                receiver = f"{link_name(network, link.direction.opposite, out=False)}__{link.track}"
                self._nets[link.source, sender] = f"{instance_name(link.source)}__{sender}"
                self._nets[link.target, receiver] = f"{instance_name(link.source)}__{sender}"

    def lines(self) -> Iterator[str]:
        for tile, kind in self._topology.tiles.items():
            yield from self._wires(tile, kind)
        for tile, kind in self._topology.tiles.items():
            yield ""
            yield f"  {tile_module(kind)} {instance_name(tile)} ("
            yield "    .clk(clk),"
            yield "    .rst(rst),"
            yield ",\n".join(f"    .{port.name}({self._connected(tile, kind, port)})" for port in self._kinds[kind])
            yield "  );"
        yield ""
        yield from self._answer()

    def _wires(self, tile: Tile, kind: TileKind) -> Iterator[str]:
        """Those that are called after the tile: its answer, and the links that it sends, with their ready."""
        for port in self._kinds[kind]:
            net = self._connected(tile, kind, port)
            if net.startswith(f"{instance_name(tile)}__"):
                yield f"  wire {port.range}{net};"

    def _connected(self, tile: Tile, kind: TileKind, port: _Port) -> str:
        """What stands at the pin of a tile."""
        member, _, rest = port.name.partition("__")
        if member == "tile":
            return f"{port.bits}'d{self._topology.number(tile)}"
        if port.name == "bus__valid":
            return f"bus__valid__{self._topology.number(tile) // GROUP}"
        if member == "read_data":
            return f"{instance_name(tile)}__{port.name}"
        if member in self._extras[kind]:
            return "__".join(filter(None, (member, str(self._places[kind][tile]), rest)))
        if member in self._link_names:
            stream, _, wire = port.name.rpartition("__")
            if net := self._nets.get((tile, stream)):
                return f"{net}__{wire}"
            return "" if port.out else f"{port.bits}'h0"
        # What no other rule knows goes to all tiles, or from them nowhere.
        return "" if port.out else port.name

    def _answer(self) -> Iterator[str]:
        """The tile that was asked answers, the others are zero."""
        yield "  reg [31:0] answer = 32'h0;"
        yield "  always @(posedge clk)"
        yield "    if (rst) answer <= 32'h0;"
        yield "    else answer <="
        rows = range(self._spec.rows)
        columns = range(self._spec.columns + 2)
        # In brackets, so that no tool has to go as deep as there are tiles.
        terms = [" | ".join(f"{instance_name(Tile(row, column))}__read_data" for column in columns) for row in rows]
        yield " |\n".join(f"      ({term})" for term in terms) + ";"
        yield "  assign read_data = answer;"
