"""Buffer sizing: a netlist gets the buffers without which it would deadlock, or is refused with what it lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

import numpy as np

from weft.compiler.backend.buffering.ahead import further_ahead
from weft.compiler.backend.buffering.execute import Execution
from weft.compiler.backend.buffering.fifos import MOST_FIFOS, fifo_room, with_fifos
from weft.compiler.backend.buffering.launches import Launches
from weft.compiler.backend.buffering.network import Input, ProcessNetwork
from weft.compiler.backend.buffering.shortage import Shortage, find_shortage, shortages_of
from weft.compiler.backend.buffering.tracing import trace
from weft.compiler.backend.fit import fit, place_and_route
from weft.compiler.backend.mapping import FitError, Mapping
from weft.compiler.errors import WeftError
from weft.compiler.netlist.netlist import Netlist
from weft.hw.program import Agcu, Pmu
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network

__all__ = ["fit_with_buffers", "shortages", "size_rings"]

_DEEPEST, _MOST_LINES = 64, 65536
"""Largest ``fifo_depth`` and ``pmu_lines`` of a spec."""


def fit_with_buffers(netlist: Netlist, spec: FabricSpec, launches: Launches) -> Mapping:
    """The netlist placed and routed, with what buffers it needs so that no launch stops for want of room.

    A link that is too short gets a FIFO, which takes a PMU; but too few ``blocks`` that somebody asked for are refused.
    PMUs that are free let loads run further ahead, if there are ways to them.

    Raises
    ------
    WeftError
        A buffer or a link that is too small and cannot be made larger on this fabric.
    FitError
        See :func:`weft.compiler.backend.fit.fit`. If only the FIFOs do not fit, the sentence says which link needs
        them, and names a ``fifo_depth`` that does without them, if there is one.
    """
    netlist = size_rings(netlist, spec, launches)
    buffered, reason = _with_fifos(netlist, spec, launches)
    longer = further_ahead(buffered, spec)
    if longer is not buffered:
        with suppress(FitError):
            return place_and_route(longer, spec)
    try:
        return fit(buffered, spec)
    except FitError as error:
        if not reason or not _fits(netlist, spec):
            raise
        sentence = f"{reason}; with a FIFO there, it {error.missing}"
        depth = _deeper(netlist, spec, launches)
        if depth is not None and _fits(netlist, spec.replace(fifo_depth=depth)):
            raise FitError(sentence, {"fifo_depth": depth}) from None
        raise FitError(sentence, error.changes) from None


def _fits(netlist: Netlist, spec: FabricSpec) -> bool:
    try:
        place_and_route(netlist, spec)
    except FitError:
        return False
    return True


def shortages(netlist: Netlist, spec: FabricSpec, launches: Launches) -> list[Shortage]:
    """What is too small in the first launch that would deadlock, each of which would help; empty if all end."""
    return find_shortage(_networks(netlist, spec, launches))


def _networks(netlist: Netlist, spec: FabricSpec, launches: Launches) -> Iterator[ProcessNetwork]:
    """Of the first, second and last turn of each launch, and of the first of a later round.

    If each turn ends when it begins with empty channels, so do all of them together, each unit at its own pace: one
    turn after the other is one of the orders, and in all of them a network ends in the same place.
    """
    agcus = [unit.program for unit in netlist.units.values() if isinstance(unit.program, Agcu)]
    most = max([1, *(program.turns for program in agcus)])
    judged = [(0, turn) for turn in sorted({0, min(1, most - 1), most - 1})]
    # The others of a later round are those of the first, and sizes that grow are tried as arguments.
    judged += [(1, 0)] if any(program.rounds_arg for program in agcus) else []
    for arguments in launches.arguments:
        for turn_round, turn in judged:
            traced = trace(netlist, spec, arguments, turn, turn_round)
            if traced.network is not None:
                yield traced.network
            if traced.unjudged:
                other = trace(netlist, spec, arguments, turn, turn_round, other_first=True)
                if other.network is not None:
                    yield other.network


# -- rings ------------------------------------------------------------------------------------------------


def size_rings(netlist: Netlist, spec: FabricSpec, launches: Launches) -> Netlist:
    """Buffers of a dynamic size, which take a whole scratchpad, shortened to the longest block of any launch.

    So there is room for several. All other rings are as long as the scratchpad already, which nothing else would use:
    more buffers neither deadlock nor slow a program. Launches without a network bring nothing longer: they never end,
    or, where data decide, there is none for any launch.
    """
    by_length = [unit for unit in netlist.units.values() if isinstance(unit.program, Pmu) and unit.program.by_length]
    if not launches.complete or not by_length:
        return netlist
    longest: dict[str, int] = {}
    for network in _networks(netlist, spec, launches):
        for name, kept in network.longest.items():
            longest[name] = max(kept, longest.get(name, 1))
    units = dict(netlist.units)
    for name, kept in longest.items():
        program = units[name].program
        assert isinstance(program, Pmu)
        lines = int(program.lines_filled(np.array([kept]), lanes=spec.lanes)[0])
        if program.blocks == 1 and lines < program.block_lines == spec.pmu_lines:
            shorter = replace(program, block_lines=lines, blocks=spec.pmu_lines // lines)
            units[name] = replace(units[name], program=shorter)
    return Netlist(units, netlist.nets)


# -- FIFOs ------------------------------------------------------------------------------------------------


def _with_fifos(netlist: Netlist, spec: FabricSpec, launches: Launches) -> tuple[Netlist, str]:
    """FIFOs on the links that need them, and a sentence about the first; every network is traced once, without them."""
    reason, fifos = "", Counter[Input | None]()
    for network in _networks(netlist, spec, launches):
        execution = Execution(network)
        execution.make_room({each: count * _room(each, spec) for each, count in fifos.items()})
        while found := shortages_of(execution):
            short = _extensible(found, fifos, netlist, spec, launches)
            count = _fifos(short, spec)
            fifos[short.channel.input] += count
            execution.make_room({short.channel.input: count * _room(short.channel.input, spec)})
            reason = reason or short.sentence
    for each, count in fifos.items():
        assert each is not None
        netlist = with_fifos(netlist, each.network, each.pin, count, spec)
    return netlist, reason


def _extensible(
    found: list[Shortage], fifos: Counter[Input | None], netlist: Netlist, spec: FabricSpec, launches: Launches
) -> Shortage:
    """The first shortage that FIFOs can mend.

    Raises
    ------
    WeftError
        There is none, or fewer blocks are asked for than would do.
    """
    for each in found:
        if each.channel.input is None and each.needed * _lines(each, netlist) <= spec.pmu_lines:
            raise WeftError(f"{each.sentence}: set blocks = {each.needed} in its mapped.bufferize, or leave it out")
    for each in found:
        place = each.channel.input
        if place is None or place.network is Network.CONTROL:  # tokens cannot wait in a PMU
            continue
        if fifos[place] + _fifos(each, spec) <= MOST_FIFOS:
            return each
    short = found[0]
    raise WeftError(f"{short.sentence}: {_advice(short, fifos[short.channel.input], netlist, spec, launches)}")


def _fifos(short: Shortage, spec: FabricSpec) -> int:
    """Scratchpads, one behind the other, that hold what a link lacks."""
    return -(-(short.needed - short.channel.capacity) // _room(short.channel.input, spec))


def _room(place: Input | None, spec: FabricSpec) -> int:
    """Beats for which a scratchpad there makes room; there is none in the ring of another."""
    return spec.pmu_lines if place is None else fifo_room(place.network, spec)


def _deeper(netlist: Netlist, spec: FabricSpec, launches: Launches) -> int | None:
    """The smallest depth of input FIFOs with which no launch deadlocks."""
    depth = 2 * spec.fifo_depth
    while depth <= _DEEPEST:
        if not shortages(netlist, spec.replace(fifo_depth=depth), launches):
            return depth
        depth *= 2
    return None


def _advice(short: Shortage, fifos: int, netlist: Netlist, spec: FabricSpec, launches: Launches) -> str:
    """The smallest change that would do; ``fifos`` stand there."""
    place = short.channel.input
    if place is not None and place.network is Network.CONTROL:
        depth = _deeper(netlist, spec, launches)
        return f"no fifo_depth up to {_DEEPEST} is enough" if depth is None else f"set fifo_depth={depth}"
    if place is None:
        lines = short.needed * _lines(short, netlist)
    else:
        lines = fifos * spec.pmu_lines + short.needed - short.channel.capacity
    enough = 1 << (lines - 1).bit_length()
    if enough > _MOST_LINES:
        return "no PMU keeps so much, load it from memory again"
    return f"set pmu_lines={enough}{'' if place is None else ' for a FIFO there'}"


def _lines(short: Shortage, netlist: Netlist) -> int:
    """Lines of a block of the PMU that is short of them."""
    program = netlist.units[short.channel.pin.unit].program
    assert isinstance(program, Pmu)
    return program.block_lines
