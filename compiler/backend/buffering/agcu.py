"""An AGCU as a process, as :mod:`weft.hw.program.agcu` says; memory always answers."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from weft.compiler.backend.buffering.beats import Bools, Ints, Shape, Stops
from weft.compiler.backend.buffering.process import Process, Side, Where
from weft.hw.program import Agcu, AgcuKind, AgcuLevel
from weft.hw.topology import Network

__all__ = ["agcu_process"]

_VECTOR: Where = (Network.VECTOR, 0)
_SCALAR: Where = (Network.SCALAR, 0)
_CONTROL: Where = (Network.CONTROL, 0)
_BOUND = 0xFF_FFFF


def agcu_process(
    program: Agcu, given: Mapping[Where, Shape], arguments: Mapping[int, int], turn: int = 0, turn_round: int = 0
) -> tuple[Process, dict[Network, Shape]] | None:
    """The process of an AGCU in a turn of a launch with these arguments, and the streams that it gives.

    ``arguments`` hold sizes as they are in this round, with all that has been added to them. In order: the token that
    the round before is done, what it emits, the token that it begins after, its beats, the token that it is done. None
    where it would wait for ever.
    """
    if program.kind is AgcuKind.OFF or turn >= max(1, program.turns):
        return Process(0, (), ()), {}
    load = program.kind is AgcuKind.LOAD
    outputs: dict[Network, Shape] = {}
    token = np.zeros(1, np.int8)
    works = program.works_in(turn)
    if not works:
        beats = np.zeros(0, bool)
        if load:
            outputs[Network.VECTOR] = Shape.of(token[:0])
    elif load and program.indexed:
        indices = given.get(_SCALAR)
        taken = None if indices is None else _to_end(indices, program.end_rank)
        if indices is None or taken is None:
            return None
        beats, outputs[Network.VECTOR] = _indexed(program, indices.stop[:taken], indices.void[:taken], arguments)
    elif load:
        nest = _nest(program.levels, arguments)
        nest.stop[-1] = program.end_rank
        beats, outputs[Network.VECTOR] = np.ones(len(nest), bool), nest
    else:
        stored = given.get(_VECTOR)
        taken = None if stored is None else _to_end(stored, program.end_rank)
        if taken is None:
            return None
        beats = np.ones(taken, bool)
        if program.indexed and program.kind is AgcuKind.STORE:
            indices = given.get(_SCALAR)
            ended = None if indices is None else _to_end(indices, program.end_rank)
            if indices is None or ended is None:
                return None
            beats = _stored(program, indices.void[:ended], taken, arguments)
    waits = program.waits_in(turn, turn_round)
    if waits and _CONTROL not in given:
        return None

    emits, tells = program.emit_turn or bool(program.emit_arg), program.tells_in(turn, turn_round)
    early = tells and program.tells_next
    begins, late = int(early) + int(emits) + int(waits), tells and not early
    if emits:
        value = turn if program.emit_turn else arguments.get(program.emit_arg, 0)
        outputs[Network.SCALAR] = Shape(token, token > 0, value)
    if tells:
        outputs[Network.CONTROL] = Shape.of(token)
    middle = len(beats)

    def side(where: Where, before: int, during: Bools, after: bool) -> Side:
        """Of what happens in the firings before, during and after those for beats."""

        def firings() -> tuple[Ints, Ints]:
            flags = np.concatenate([np.arange(begins) == before, during, np.full(int(late), after)])
            done = np.cumsum(flags, dtype=np.int64)
            return done, done

        return Side(where, (before != never) + int(during.sum()) + (after and late), firings)

    never, none = -1, np.zeros(middle, bool)
    takes = [side(_CONTROL, begins - 1, none, False)] if waits else []
    gives = [side(_SCALAR, int(early), none, False)] if emits else []
    gives += [side(_CONTROL, 0 if early else never, none, late)] if tells else []
    (gives if load else takes).append(side(_VECTOR, never, beats, False))
    if program.indexed and works:
        takes.append(side(_SCALAR, never, ~beats, False))
    return Process(begins + middle + late, tuple(takes), tuple(gives)), outputs


def _stored(program: Agcu, void: Bools, taken: int, arguments: Mapping[int, int]) -> Bools:
    """Which firings of a store by index take a beat, the others taking an index: each before what goes there."""
    nest = _nest(program.levels, arguments)
    sizes = np.where(void, 0, 0 if nest.void.any() else len(nest) * (1 + program.pack))
    beats = np.ones(int((1 + sizes).sum()), bool)
    beats[np.cumsum(1 + sizes) - 1 - sizes] = False
    over = int(beats.sum()) - taken
    if over > 0:  # an odd last beat of each row stands for a pair
        beats = np.delete(beats, np.flatnonzero(beats)[-over:])
    return np.append(beats, np.ones(max(0, -over), bool))


def _to_end(beats: Shape, end_rank: int) -> int | None:
    """Beats up to and with the first that ends a launch."""
    ends = np.flatnonzero(beats.stop >= end_rank)
    return int(ends[0]) + 1 if len(ends) else None


def _nest(levels: tuple[AgcuLevel, ...], arguments: Mapping[int, int]) -> Shape:
    """One run of the nest; its last stop is not meant."""
    stop, empty = np.zeros(1, np.int8), False
    for level in levels:
        bound = arguments.get(level.bound_arg, 0) & _BOUND if level.bound_arg else level.bound
        if not bound:  # one void beat, whatever is inside
            stop, bound, empty = stop[:1], 1, True
        stop = np.tile(stop, bound)
        stop[-1] = level.rank
    return Shape(stop, np.full(len(stop), empty))


def _indexed(program: Agcu, outer: Stops, void: Bools, arguments: Mapping[int, int]) -> tuple[Bools, Shape]:
    """Which firings give a beat, the others taking an index; and the beats. A void index makes one void beat."""
    nest = _nest(program.levels, arguments)
    sizes = np.where(void, 1, len(nest))
    beats = np.ones(int((1 + sizes).sum()), bool)
    beats[np.cumsum(1 + sizes) - 1 - sizes] = False
    stop = np.concatenate([nest.stop[-1:] if each else nest.stop for each in void.tolist()])
    ends = np.cumsum(sizes) - 1
    stop[ends] = outer + program.nest_rank
    voids = np.full(len(stop), bool(nest.void.any()))
    voids[ends[void]] = True
    return beats, Shape(stop, voids)
