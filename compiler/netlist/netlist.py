"""A netlist: the configured units of one context and the streams between them, not yet placed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from weft.hw.program import Agcu, Pcu, Pmu
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile, TileKind, unit_ports

__all__ = ["Net", "Netlist", "Pin", "Program", "Unit", "kind_of"]

Program = Pcu | Pmu | Agcu


def kind_of(program: Program) -> TileKind:
    """The kind of tile that runs a program."""
    return {Pcu: TileKind.PCU, Pmu: TileKind.PMU, Agcu: TileKind.AGCU}[type(program)]


@dataclass(frozen=True)
class Unit:
    """A unit with its program.

    ``tile`` pins it to a place (a buffer that two contexts share), ``channel`` asks for an AGCU on that memory channel.
    ``selectors`` are those of a merge, again and again, where the program knows them; ``lines`` those of the text that
    it was made of, in order, where there is one.
    """

    name: str
    program: Program
    tile: Tile | None = None
    channel: int | None = None
    selectors: tuple[int, ...] = ()
    lines: tuple[int, ...] = field(default=(), compare=False)

    @property
    def kind(self) -> TileKind:
        """The kind of tile it needs."""
        return kind_of(self.program)

    def __str__(self) -> str:
        """As a sentence calls it: ``'y' (lines 6 and 8)``."""
        if not self.lines:
            return repr(self.name)
        *others, last = map(str, self.lines)
        return f"{self.name!r} (line{'s' if others else ''} {', '.join(others)}{' and ' if others else ''}{last})"


@dataclass(frozen=True, order=True)
class Pin:
    """A port of a unit, counted within its network and direction."""

    unit: str
    port: int = 0


@dataclass(frozen=True)
class Net:
    """A stream from an output to one or more inputs; a beat goes on when all have taken it (eager fork)."""

    network: Network
    source: Pin
    targets: tuple[Pin, ...]


@dataclass(frozen=True)
class Netlist:
    """Units and nets of one context.

    Raises
    ------
    ValueError
        From :meth:`check`: a net with an unknown unit or port, an input driven twice, an output that feeds two nets.
    """

    units: dict[str, Unit] = field(default_factory=dict)
    nets: tuple[Net, ...] = ()

    def check(self, spec: FabricSpec) -> None:
        """Refuse a netlist that no fabric of this spec could hold whatever its size."""
        used: Counter[tuple[str, Network, Pin]] = Counter()
        for net in self.nets:
            for side, pins in (("output", (net.source,)), ("input", net.targets)):
                for pin in pins:
                    if pin.unit not in self.units:
                        raise ValueError(f"net from {net.source} names the unit {pin.unit!r}, which does not exist")
                    inputs, outputs = unit_ports(spec, self.units[pin.unit].kind, net.network)
                    limit = inputs if side == "input" else outputs
                    if not 0 <= pin.port < limit:
                        where = f"{net.network.value} {side} {pin.port} of {pin.unit!r}"
                        raise ValueError(f"{where} must be below {limit} on this fabric")
                    used[side, net.network, pin] += 1
        for (side, network, pin), count in used.items():
            if count > 1:
                raise ValueError(f"{network.value} {side} {pin.port} of {pin.unit!r} is joined {count} times")
