"""A drawing of a mapping: tiles and what they hold, and the way of every net through the switches.

The switch of a tile is drawn at its upper left corner, and the links run in the gaps between tiles, each at its own
place in the gap, so that no two lie on each other. It is an SVG without scripts; names of nets and units, and what a
tile did, appear under the pointer.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from weft.compiler.backend.mapping import Hop, Mapping, Route
from weft.compiler.drawings.heat import BLOCKED, BUSY, SCALE, STARVED, Shares, heat_colour, heat_top, text_colour
from weft.hw.topology import NETWORKS, Direction, Network, Tile, TileKind, Topology, tracks

__all__ = ["floorplan_svg"]

_TILE = (104, 62)
_STEP = 3.3  # between neighbouring links
_MARGIN, _TITLE, _LEGEND, _LINE_FEED = 18, 58, 44, 24
_WIDTH = 640  # that a line of the legend and the words above need
_UNUSED, _UNUSED_LINE, _UNUSED_TEXT = "#f8f9fa", "#dfe3e8", "#a3abb5"
_FILL = {TileKind.PCU: "#dbe7f6", TileKind.PMU: "#dff0e3", TileKind.AGCU: "#f7ead2"}
_LINE = {TileKind.PCU: "#6d8fbd", TileKind.PMU: "#6ba67a", TileKind.AGCU: "#c39a4e"}
_STROKE = {
    Network.VECTOR: ("#2457a6", 2.0, ""),
    Network.SCALAR: ("#d2691e", 1.4, ""),
    Network.CONTROL: ("#7a3e9d", 1.3, ' stroke-dasharray="4 2"'),
}
_STYLE = "svg{font-family:Helvetica,Arial,sans-serif;fill:#1f2933}path{fill:none;stroke-linejoin:round}"
Point = tuple[float, float]


def floorplan_svg(mapping: Mapping, heat: dict[Tile, Shares] | None = None, *, title: str = "") -> str:
    """An SVG of a mapping; the same text for equal arguments.

    Parameters
    ----------
    mapping
        What is drawn.
    heat
        What some tiles did: the busy share as a percentage and as a colour, from 0 to the top of the scale that fits
        the busiest tile; all shares as a bar.
    title
        Above the drawing; by default the fabric's name and size.
    """
    return "\n".join(_Drawing(mapping, heat, title).lines()) + "\n"


class _Drawing:
    """Sizes and places of one drawing."""

    def __init__(self, mapping: Mapping, heat: dict[Tile, Shares] | None, title: str) -> None:
        self.mapping, self.heat, self.title, self.spec = mapping, heat, title, mapping.spec
        self.top = heat_top((heat or {}).values())
        self.topology = Topology(mapping.spec)
        self.lanes = sum(tracks(self.spec, network) for network in NETWORKS)
        self.box = _STEP * (2 * self.lanes + 1)
        self.gap = self.box + 12
        self.width = max((self.spec.columns + 2) * (_TILE[0] + self.gap) + 2 * _MARGIN, _WIDTH)
        self.folded = heat is not None and self.width < 2 * _WIDTH  # the legend, on two lines
        self.height = self.spec.rows * (_TILE[1] + self.gap) + _TITLE + _LEGEND + (_LINE_FEED if self.folded else 0)

    # -- places -----------------------------------------------------------------------------------------

    def switch(self, tile: Tile) -> Point:
        """Centre of a tile's switch."""
        x = _MARGIN + self.gap / 2 + tile.column * (_TILE[0] + self.gap)
        return x, _TITLE + self.gap / 2 + tile.row * (_TILE[1] + self.gap)

    def unit(self, tile: Tile) -> Point:
        """Upper left corner of a tile's unit."""
        x, y = self.switch(tile)
        return x + self.gap / 2, y + self.gap / 2

    def _lane(self, network: Network, track: int) -> float:
        before = sum(tracks(self.spec, each) for each in NETWORKS[: NETWORKS.index(network)])
        return (before + track + 0.75) * _STEP

    def pin(self, tile: Tile, network: Network, number: int, *, output: bool) -> Point:
        """Where an input or output of a switch lies on its edge; those of the unit share the lower right corner."""
        x, y = self.switch(tile)
        count, half = tracks(self.spec, network), self.box / 2
        if number >= len(Direction) * count:
            shift = self._lane(network, 0) / 2 * (1 if output else -1)
            return x + half - max(shift, 0), y + half + min(shift, 0)
        direction = list(Direction)[number // count]
        heading = direction if output else direction.opposite
        rows, columns = direction.value
        side = self._lane(network, number % count)  # right of the way it runs
        return x + columns * half - heading.value[0] * side, y + rows * half + heading.value[1] * side

    # -- parts ------------------------------------------------------------------------------------------

    def lines(self) -> Iterator[str]:
        """The lines of the SVG."""
        size = f'width="{self.width:.0f}" height="{self.height:.0f}" viewBox="0 0 {self.width:.0f} {self.height:.0f}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
        yield f"<style>{_STYLE}</style>"
        yield f'<rect width="{self.width:.0f}" height="{self.height:.0f}" fill="#ffffff"/>'
        yield from self._title()
        for tile in self.topology.tiles:
            yield from self._tile(tile)
        for network in reversed(NETWORKS):
            yield from self._network(network)
        yield from self._legend()
        yield "</svg>"

    def _title(self) -> Iterator[str]:
        used = {kind: 0 for kind in TileKind}
        for unit in self.mapping.netlist.units.values():
            used[unit.kind] += 1
        counts = [f"{used[kind]} of {len(self.topology.of_kind(kind))} {kind.value.upper()}s" for kind in TileKind]
        nets = [
            f"{sum(net.network is network for net in self.mapping.netlist.nets)} {network.value}"
            for network in NETWORKS
        ]
        fabric = f"fabric {self.spec.name}, {self.spec.rows} x {self.spec.columns + 2} tiles"
        name = self.title or fabric
        yield f'<text x="{_MARGIN}" y="28" font-size="19" font-weight="bold">{escape(name)}</text>'
        parts = [fabric] * (name != fabric) + [", ".join(counts), f"nets: {', '.join(nets)}"]
        yield f'<text x="{_MARGIN}" y="48" font-size="13">{escape("; ".join(parts))}</text>'

    def _tile(self, tile: Tile) -> Iterator[str]:
        kind, (x, y) = self.topology.tiles[tile], self.unit(tile)
        unit = self.mapping.units.get(tile)
        shares = (self.heat or {}).get(tile)
        fill = heat_colour(shares.busy / self.top) if shares else _FILL[kind] if unit and self.heat is None else _UNUSED
        line, width = (_LINE[kind], 1.3 if self.heat is None else 2.2) if unit else (_UNUSED_LINE, 1.0)
        text = text_colour(fill) if unit else _UNUSED_TEXT
        sx, sy = self.switch(tile)
        half = self.box / 2
        yield (
            f'<rect x="{sx - half:.1f}" y="{sy - half:.1f}" width="{self.box:.1f}" height="{self.box:.1f}" rx="3" '
            f'fill="#f3f4f6" stroke="#d9dde2"/>'
        )
        title = f"{kind.value.upper()} {tile}" + (f": {unit.name}" if unit else ": unused")
        title += f"; {shares.words}" if shares else ""
        yield f'<g fill="{text}"><title>{escape(title)}</title>'
        yield (
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{_TILE[0]}" height="{_TILE[1]}" rx="5" fill="{fill}" '
            f'stroke="{line}" stroke-width="{width}"/>'
        )
        label = f"{kind.value.upper()} {tile.row},{tile.column}"
        yield f'<text x="{x + 6:.1f}" y="{y + 14:.1f}" font-size="9.5">{label}</text>'
        parts = _folded(unit.name) if unit else []
        for index, part in enumerate(parts):
            yield (
                f'<text x="{x + _TILE[0] / 2:.1f}" y="{y + 43 - 6.5 * len(parts) + 13 * index:.1f}" font-size="12.5" '
                f'font-weight="bold" text-anchor="middle">{escape(part)}</text>'
            )
        if shares:
            yield from self._shares(shares, x, y)
        yield "</g>"

    def _shares(self, shares: Shares, x: float, y: float) -> Iterator[str]:
        """The busy share in the upper right corner, and a bar of all shares along the lower edge."""
        digits = 1 if 0 < shares.busy < 0.0995 else 0
        yield (
            f'<text x="{x + _TILE[0] - 6:.1f}" y="{y + 14:.1f}" font-size="10" font-weight="bold" '
            f'text-anchor="end">{100 * shares.busy:.{digits}f} %</text>'
        )
        left, top, whole = x + 6, y + _TILE[1] - 11, _TILE[0] - 12
        yield f'<rect x="{left:.1f}" y="{top:.1f}" width="{whole}" height="6" fill="#ffffff"/>'
        for share, colour in ((shares.busy, BUSY), (shares.starved, STARVED), (shares.blocked, BLOCKED)):
            if share > 0:
                yield f'<rect x="{left:.1f}" y="{top:.1f}" width="{whole * share:.1f}" height="6" fill="{colour}"/>'
                left += whole * share
        yield (
            f'<rect x="{x + 6:.1f}" y="{top:.1f}" width="{whole}" height="6" fill="none" stroke="#ffffff" '
            f'stroke-width="0.8"/>'
        )

    def _network(self, network: Network) -> Iterator[str]:
        colour, width, dash = _STROKE[network]
        yield f'<g stroke="{colour}" stroke-width="{width}"{dash}>'
        for route in self.mapping.routes:
            if route.net.network is network:
                targets = ", ".join(pin.unit for pin in route.net.targets)
                title = escape(f"{network.value}: {route.net.source.unit} to {targets}")
                yield f'<path d="{" ".join(self._path(route))}"><title>{title}</title></path>'
        yield "</g>"

    def _path(self, route: Route) -> Iterator[str]:
        network = route.net.network
        for hop in route.hops:
            points = [
                *self._stub(hop, network, output=False),
                self.pin(hop.tile, network, hop.input, output=False),
                self.pin(hop.tile, network, hop.output, output=True),
                *self._stub(hop, network, output=True),
            ]
            yield "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)

    def _stub(self, hop: Hop, network: Network, *, output: bool) -> Iterator[Point]:
        """The other end of the wire at an output, or of the one from the unit at an input."""
        number, count = hop.output if output else hop.input, tracks(self.spec, network)
        if number < len(Direction) * count:
            if output:
                direction = list(Direction)[number // count]
                rows, columns = direction.value
                other = Tile(hop.tile.row + rows, hop.tile.column + columns)
                yield self.pin(other, network, direction.opposite.number * count + number % count, output=False)
            return
        x, y = self.pin(hop.tile, network, number, output=output)
        reach = (self.gap - self.box) / 2 + 4
        yield x + reach, y + reach

    def _legend(self) -> Iterator[str]:
        x, y = float(_MARGIN), self.height - _LEGEND / 2 - (_LINE_FEED if self.folded else 0)
        for kind in TileKind:
            fill, width = (_FILL[kind], 1.3) if self.heat is None else ("#ffffff", 2.2)
            yield from _key(x, y, 20, fill, kind.name, f'rx="3" stroke="{_LINE[kind]}" stroke-width="{width}"')
            x += 76
        for network in NETWORKS:
            colour, width, dash = _STROKE[network]
            yield f'<path d="M{x:.0f} {y - 3:.0f}h28" stroke="{colour}" stroke-width="{width + 0.6}"{dash}/>'
            yield f'<text x="{x + 34:.0f}" y="{y + 2:.0f}" font-size="12">{network.value}</text>'
            x += 92
        if self.heat is not None:
            if self.folded:
                x, y = float(_MARGIN), y + _LINE_FEED
            for colour in SCALE[:-1]:
                yield from _key(x, y, 13, colour)
                x += 13
            yield from _key(x, y, 13, SCALE[-1], f"busy 0 to {100 * self.top:.0f} %")
            x += 150
            for name, colour in (("busy", BUSY), ("starved", STARVED), ("blocked", BLOCKED), ("idle", "#ffffff")):
                yield from _key(x, y, 13, colour, name, 'stroke="#dfe3e8"')
                x += 82


def _key(x: float, y: float, width: int, fill: str, name: str = "", more: str = "") -> Iterator[str]:
    """A field of the legend with its name."""
    yield f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="{width}" height="14" fill="{fill}" {more}/>'
    if name:
        yield f'<text x="{x + width + 6:.0f}" y="{y + 2:.0f}" font-size="12">{escape(name)}</text>'


def _folded(name: str, *, width: int = 12) -> list[str]:
    """A name on at most two lines, broken at a dot or underscore if there is one."""
    if len(name) <= width:
        return [name]
    breaks = [index + 1 for index, letter in enumerate(name) if letter in "._/" and 0 < index < width]
    at = max(breaks, default=width)
    rest = name[at:]
    return [name[:at], rest if len(rest) <= width else rest[: width - 1] + "\N{HORIZONTAL ELLIPSIS}"]
