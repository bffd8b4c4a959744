"""What the hardware takes in cycles outside its units: the end of a launch, memory."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["LAUNCH", "SETTLE", "Memory"]

LAUNCH = 2
"""From the last AGCU at rest until the launch is over."""
SETTLE = 16
"""From the start of a launch until the launcher first looks whether all AGCUs are at rest."""


@dataclass(frozen=True)
class Memory:
    """Off-chip memory: cycles from a request to its first beat, and bursts that a channel has under way."""

    latency: int = 32
    outstanding: int = 32
