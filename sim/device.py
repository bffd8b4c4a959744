"""What every device can do, be it a model, simulated RTL or a board."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from weft.hw.spec import FabricSpec
from weft.hw.topology import Tile

__all__ = ["GIVEN_UP", "Activity", "Beats", "Device", "DeviceError", "HangError", "Launch", "channel_memory"]

GIVEN_UP = "the device must be closed, for a launch on it hangs or took too long"
"""Why a device refuses everything after a :class:`HangError`."""


class DeviceError(RuntimeError):
    """A device refused an image or a launch failed or hung; one sentence, then who waits for what."""


class HangError(DeviceError):
    """A launch that does not end. Nothing can stop it but closing the device."""


@dataclass(frozen=True)
class Beats:
    """Beats in order of arrival: ``data`` float32 [beats, width], ``stop`` uint8 [beats], ``void`` bool [beats]."""

    data: np.ndarray
    stop: np.ndarray
    void: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Beats]) -> Beats:
        """One after the other, at least one."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in ("data", "stop", "void")))


@dataclass(frozen=True)
class Activity:
    """What the tiles did in the course of a launch: cycles in windows.

    ``window`` is cycles; ``tiles`` holds uint32 [windows, 4] of each tile: busy, starved and blocked cycles, and beats
    sent, within each window. The last window may be shorter.
    """

    window: int
    tiles: dict[Tile, np.ndarray]


@dataclass(frozen=True)
class Launch:
    """What one launch did.

    ``cycles`` is 0 on a device without a clock. ``buffers`` holds the beats that arrived at the write side of each PMU
    (before any is left out by ``write_from``) and at each storing or sinking AGCU, if the device records them.
    ``counters`` are busy, starved, blocked and beats of each tile in this launch, ``activity`` the same in windows if
    the device was told to sample them; ``channel_beats`` the data beats (read, written) of each channel.
    """

    cycles: int = 0
    buffers: dict[Tile, Beats] = field(default_factory=dict)
    counters: dict[Tile, dict[str, int]] = field(default_factory=dict)
    channel_beats: tuple[tuple[int, int], ...] = ()
    bytes_by_tile: dict[Tile, tuple[int, int]] = field(default_factory=dict)
    activity: Activity | None = None


class Device(Protocol):
    """A fabric that can be configured and launched. ``memory`` is all off-chip memory, bytes, shared, not copied.

    Each channel has an equal part of it, one after the other (:func:`channel_memory`), and addresses of its own, from
    0: an AGCU reaches the memory of its tile's channel. ``cycles`` have gone by so far, in launches and while the host
    has access; 0 on a device without a clock.
    """

    spec: FabricSpec
    memory: np.ndarray
    cycles: int

    def load(self, image: bytes) -> None:
        """Configure the context that the image names.

        DeviceError if it is for another fabric or damaged, or after a HangError.
        """
        ...

    def launch(self, context: int, arguments: dict[int, int]) -> Launch:
        """Run a context to its end. DeviceError if it fails, or after a HangError; HangError if it does not end."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...


def channel_memory(device: Device, channel: int) -> np.ndarray:
    """The memory of a channel, bytes, shared."""
    size = len(device.memory) // device.spec.channels
    return device.memory[channel * size : (channel + 1) * size]
