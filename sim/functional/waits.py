"""Why a launch of the functional device hangs, in words."""

from __future__ import annotations

from collections.abc import Mapping

from weft.hw.program import Pcu
from weft.hw.program.firings.header import inputs_of
from weft.hw.program.firings.process import Where
from weft.hw.topology import Network
from weft.sim.device import Beats
from weft.sim.functional.shapes import shape_of

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


def pcu_waits(program: Pcu, given: Mapping[Where, Beats], taken: Mapping[Where, int]) -> list[Where]:
    """The inputs that a PCU has emptied but needs for its next step."""
    needed = dict.fromkeys(inputs_of(program))
    selector: Where = (Network.SCALAR, 0)
    place = taken.get(selector, 0)
    if program.merge and selector in given and place < len(given[selector].stop) and not given[selector].void[place]:
        words = shape_of(given[selector]).values()
        needed[Network.VECTOR, int(words is not None and words[place] != 0)] = None
    return [where for where in needed if where not in given or taken[where] == len(given[where].stop)]
