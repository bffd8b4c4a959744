"""The beats that a PCU's header makes of packed ones, as :mod:`weft.hw.program.pcu` says of ``unpack``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from weft.hw.program.firings.stream import Bools, Shape
from weft.hw.program.pcu import Pcu

__all__ = ["Unpacked", "unpacked_of"]


@dataclass(frozen=True)
class Unpacked:
    """What packed beats hold.

    ``keep`` [2 * packed beats] says of the low and the high half of each, one after the other, which is a beat of
    ``shape``; ``last`` [beats] which of these is the last of a packed one.
    """

    shape: Shape
    keep: Bools
    last: Bools


def unpacked_of(program: Pcu, packed: Shape) -> Unpacked:
    """A beat of bf16 pairs holds two vectors, but one if it is void, or with ``unpack_odd`` if it has a stop."""
    single = packed.void | ((packed.stop > 0) & program.unpack_odd)
    keep = np.stack([np.ones(len(single), bool), ~single], axis=1).ravel()
    stop = np.stack([np.where(single, packed.stop, np.uint8(0)), packed.stop], axis=1).ravel()[keep]
    last = np.stack([single, np.ones(len(single), bool)], axis=1).ravel()[keep]
    return Unpacked(Shape(stop, np.repeat(packed.void, 2)[keep]), keep, last)
