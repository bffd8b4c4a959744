"""What tiles and channels did in launches, as shares of the cycles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from weft.compiler.backend.mapping import Mapping
from weft.compiler.drawings.heat import Shares
from weft.hw.topology import Tile
from weft.sim.device import Activity, Launch

__all__ = ["RecordedLaunch", "channel_shares", "tile_shares"]


@dataclass(frozen=True)
class RecordedLaunch:
    """A launch and what ran: ``name`` of the launch ("token 3"), ``program`` ("decoder") and its mapping.

    Raises
    ------
    ValueError
        The device was not told to sample its tiles.
    """

    name: str
    program: str
    mapping: Mapping
    launch: Launch

    def __post_init__(self) -> None:
        if self.launch.activity is None:
            raise ValueError(f"launch {self.name!r} must have an activity")

    @property
    def activity(self) -> Activity:
        """What the tiles did in it."""
        assert self.launch.activity is not None
        return self.launch.activity


def tile_shares(launches: Iterable[RecordedLaunch]) -> dict[Tile, Shares]:
    """Of each tile that holds a unit, over the launches of one program together."""
    totals: dict[Tile, np.ndarray] = {}
    cycles = 0
    for each in launches:
        cycles += each.launch.cycles
        for tile in each.mapping.units:
            totals[tile] = totals.get(tile, 0) + each.activity.tiles[tile][:, :3].sum(axis=0, dtype=np.int64)
    return {tile: Shares(*(float(count) / cycles for count in total)) for tile, total in totals.items()}


def channel_shares(launches: Sequence[RecordedLaunch]) -> list[float]:
    """Of each channel: beats of data, read and written, a cycle."""
    cycles = sum(each.launch.cycles for each in launches)
    beats = np.array([each.launch.channel_beats for each in launches], np.int64)  # [launches, channels, 2]
    return (beats.sum(axis=(0, 2)) / cycles).tolist()
