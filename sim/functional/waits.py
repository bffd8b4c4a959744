"""Why a launch of the functional device hangs, in words."""

from __future__ import annotations

import numpy as np

from weft.hw.program import Agcu, AgcuKind, InputMode, Pcu, Source
from weft.hw.topology import Network
from weft.sim.device import Beats

__all__ = ["Where", "agcu_waits", "describe", "leftovers", "pcu_waits"]

Where = tuple[Network, int]
"""An input of a unit: its network and its number."""


def describe(unit: str, where: Where, sources: dict[Where, str]) -> str:
    """That a unit waits at an input, and for whom."""
    network, port = where
    return f"{unit} waits for a beat at {network.value} input {port}, from {sources.get(where, 'nobody')}"


def leftovers(unit: str, given: dict[Where, Beats], taken: dict[Where, int], sources: dict[Where, str]) -> list[str]:
    """A line for each input with beats that the unit has not taken."""
    return [
        f"{unit} has taken {taken.get(where, 0)} of {len(beats.stop)} beats at {where[0].value} input {where[1]}, "
        f"from {sources[where]}"
        for where, beats in given.items()
        if taken.get(where, 0) < len(beats.stop)
    ]


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


def agcu_waits(
    program: Agcu, given: dict[Where, Beats], turn: int, turn_round: int
) -> tuple[list[Where], dict[Where, int]]:
    """The inputs at which an AGCU waits for ever in this turn, and what it takes of its scalar and control input."""
    waits: list[Where] = []
    taken: dict[Where, int] = {}
    if program.kind is AgcuKind.OFF or not program.works_in(turn):
        return waits, taken
    if program.waits_in(turn, turn_round):
        token: Where = (Network.CONTROL, 0)
        taken[token] = 1
        if token not in given:
            return [token], taken
    ended: list[Where] = [(Network.SCALAR, 0)] if program.indexed and program.kind is not AgcuKind.SINK else []
    ended += [(Network.VECTOR, 0)] if program.kind is not AgcuKind.LOAD else []
    for where in ended:
        ends = np.flatnonzero(given[where].stop >= program.end_rank) if where in given else np.zeros(0, int)
        if len(ends):
            taken[where] = int(ends[0]) + 1
        else:
            waits.append(where)
    return waits, taken
