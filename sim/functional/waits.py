"""Why a launch of the functional device hangs, in words."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from weft.hw.program import InputMode, Pcu, Source
from weft.hw.program.firings.process import Where
from weft.hw.topology import Network
from weft.sim.device import Beats

__all__ = ["describe", "leftovers", "pcu_waits"]


def describe(unit: str, where: Where, sources: Mapping[Where, str]) -> str:
    """That a unit waits at an input, and for whom."""
    return f"{unit} waits for a beat at {_name(where)}, from {sources.get(where, 'nobody')}"


def leftovers(
    unit: str, given: Mapping[Where, Beats], taken: Mapping[Where, int], sources: Mapping[Where, str]
) -> list[str]:
    """A line for each input with beats that the unit has not taken."""
    return [
        f"{unit} has taken {taken.get(where, 0)} of {len(beats.stop)} beats at {_name(where)}, from {sources[where]}"
        for where, beats in given.items()
        if taken.get(where, 0) < len(beats.stop)
    ]


def _name(where: Where) -> str:
    network, port = where
    assert network is not None
    return f"{network.value} input {port}"


def pcu_waits(program: Pcu, given: dict[Where, Beats], taken: dict[Where, int]) -> list[Where]:
    """The inputs that a PCU has emptied but needs for its next step."""
    modes = [(Network.VECTOR, port, each) for port, each in enumerate(program.vector)]
    modes += [(Network.SCALAR, port, each) for port, each in enumerate(program.scalar)]
    needed: dict[Where, None] = {
        (network, port): None for network, port, each in modes if each.mode is not InputMode.OFF
    }
    if program.unpack.is_wide:  # scalar input 0 feeds the others
        needed = {where: None for where in needed if where[1] == 0}
    if program.merge:
        selector: Where = (Network.SCALAR, 0)
        words = given.get(selector)
        place = taken[selector]
        needed[selector] = None
        if words is not None and place < len(words.stop) and not words.void[place]:
            bits = np.ascontiguousarray(words.data).view(np.uint32).reshape(len(words.stop), -1)
            needed[Network.VECTOR, int(bits[place, 0] != 0)] = None
    elif program.reference >= Source.SCALAR0:
        needed[Network.SCALAR, program.reference - Source.SCALAR0] = None
    else:
        needed[Network.VECTOR, int(program.reference)] = None
    return [where for where in needed if where not in given or taken[where] == len(given[where].stop)]
