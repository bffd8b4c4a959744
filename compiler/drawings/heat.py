"""How much a tile did, and the colours that show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple, dataclass

__all__ = ["BLOCKED", "BUSY", "SCALE", "STARVED", "Shares", "heat_colour", "heat_top", "text_colour"]

SCALE = ("#fffbe6", "#fee79b", "#fdbf5a", "#f98e3c", "#e65a26", "#c22a1c", "#8c0f1f")
"""From 0 to 1 in even steps. Each is darker than the one before, so that it needs no eye for red and green."""
BUSY, STARVED, BLOCKED = "#c22a1c", "#8ec6e6", "#4a5360"


@dataclass(frozen=True)
class Shares:
    """Shares of the cycles in which a tile was busy, waited for an input, and waited for room; it was idle in the rest.

    Raises
    ------
    ValueError
        One that is not between 0 and 1, or all three together above 1.
    """

    busy: float
    starved: float = 0.0
    blocked: float = 0.0

    def __post_init__(self) -> None:
        if not all(share >= 0.0 for share in astuple(self)) or sum(astuple(self)) > 1.0 + 1e-9:
            raise ValueError(f"shares of cycles must be between 0 and 1, and their sum too, not {astuple(self)}")

    @property
    def words(self) -> str:
        """For people."""
        return f"busy {self.busy:.1%}, starved {self.starved:.1%}, blocked {self.blocked:.1%}".replace("%", " %")


def heat_top(shares: Iterable[Shares]) -> float:
    """Where a scale of busy shares may end: the first of 1, 2, 5, 10, 20, 50 and 100 % that none is above."""
    most = max((each.busy for each in shares), default=1.0)
    return next((top for top in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5) if most <= top), 1.0)


def heat_colour(share: float) -> str:
    """The colour of a share from 0 to 1, between the two nearest of the scale."""
    place = share * (len(SCALE) - 1)
    low = min(int(place), len(SCALE) - 2)
    first, second = (bytes.fromhex(colour[1:]) for colour in SCALE[low : low + 2])
    return "#" + "".join(f"{round(a + (b - a) * (place - low)):02x}" for a, b in zip(first, second, strict=True))


def text_colour(background: str) -> str:
    """Black or white, whichever can be read on a colour."""
    red, green, blue = bytes.fromhex(background[1:])
    return "#ffffff" if 0.299 * red + 0.587 * green + 0.114 * blue < 140 else "#1f2933"
