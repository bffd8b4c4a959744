"""A stream without its numbers: what decides how many beats every unit takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bools", "Ints", "Shape", "Stops"]

Ints = NDArray[np.int64]
Stops = NDArray[np.int8]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Shape:
    """Stop and void of every beat of a stream; ``value`` is what each of them carries, where a launch decides it."""

    stop: Stops
    void: Bools
    value: int | None = None

    @classmethod
    def of(cls, stop: Stops) -> Shape:
        """A stream of beats with data."""
        return cls(stop, np.zeros(len(stop), bool))

    def __len__(self) -> int:
        return len(self.stop)
