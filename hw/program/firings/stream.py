"""A stream without its data: what decides how many beats every unit takes and gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["NOTHING", "Bools", "Ints", "Shape", "Stops"]

Ints = NDArray[np.int64]
Stops = NDArray[np.uint8]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Shape:
    """Stop and void of every beat of a stream, uint8 and bool [beats].

    ``value`` is the int32 that the beats carry, one for all of them or int64 [beats]. It is None where the reader does
    not know it, because data decide.
    """

    stop: Stops
    void: Bools
    value: int | Ints | None = None

    @classmethod
    def of(cls, stop: Stops) -> Shape:
        """A stream of beats that are not void."""
        return cls(stop, np.zeros(len(stop), bool))

    def __len__(self) -> int:
        return len(self.stop)

    def values(self) -> Ints | None:
        """The int32 of each beat, [beats]; None where nobody knows them."""
        if not len(self.stop):
            return np.zeros(0, np.int64)
        return None if self.value is None else np.broadcast_to(np.asarray(self.value, np.int64), len(self.stop))


NOTHING = Shape.of(np.zeros(0, np.uint8))
"""A stream without beats."""
