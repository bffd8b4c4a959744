"""A turn of an AGCU, as :mod:`weft.hw.program.agcu` says: its runs, addresses and firings; memory always answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile

import numpy as np

from weft.hw.program.agcu import BOUND_BITS, Agcu, AgcuKind, AgcuPart
from weft.hw.program.firings.nest import Loop, Nest, Parts, Walk
from weft.hw.program.firings.process import Process, Side, Where
from weft.hw.program.firings.stream import NOTHING, Bools, Ints, Shape, Stops
from weft.hw.spec import ADDRESS_BITS, FabricSpec
from weft.hw.topology import Network

__all__ = ["CONTROL", "SCALAR", "VECTOR", "AgcuTurn", "addresses_of", "nest_of", "pairs_of", "turn_of"]

VECTOR: Where = (Network.VECTOR, 0)
SCALAR: Where = (Network.SCALAR, 0)
CONTROL: Where = (Network.CONTROL, 0)
_WORD = 0xFFFF_FFFF
_ADDRESS = (1 << ADDRESS_BITS) - 1
_TOKEN = Shape.of(np.zeros(1, np.uint8))


def nest_of(program: Agcu, arguments: Mapping[int, int], grown: int = 0) -> Nest:
    """The loop nest of a launch, ``grown`` iterations longer at the levels that grow."""
    loops: list[Loop] = []
    empty = False
    for level in program.levels:
        bound = arguments.get(level.bound_arg, 0) if level.bound_arg else level.bound
        bound = (bound + level.grows * grown) % (1 << BOUND_BITS)
        if not bound:  # one void beat, whatever is inside
            loops, empty = [Loop(1, 0, 0)] * len(loops), True
        loops.append(Loop(max(1, bound), level.stride, level.rank))
    return Nest(tuple(loops) or (Loop(1, 0, 0),), empty)


def _parts_of(program: Agcu) -> Parts:
    """The nests of a load that brings several matrices; all go through neighbouring addresses."""
    stride = program.levels[0].stride
    ranks = [*(level.rank for level in program.levels), 0, 0]
    nests: list[Nest] = []
    first = tuple(level.bound for level in program.levels)
    for bounds in [first, *(part.bounds for part in _present(program))]:
        strides = np.cumprod([stride, *bounds[:-1]]).tolist()
        nests.append(Nest((*map(Loop, bounds, strides, ranks),)))
    return Parts((*nests,), program.end_rank)


def _present(program: Agcu) -> list[AgcuPart]:
    """The parts that there are."""
    return list(takewhile(lambda part: part.beats > 0, program.parts))


def _base(program: Agcu, arguments: Mapping[int, int], turn: int, turn_round: int, spec: FabricSpec) -> int:
    """Byte address of the first beat of a run, without what an index adds."""
    moved = turn * program.turn_stride + turn_round * program.round_stride
    beats = sum(arguments.get(each, 0) & _WORD for each in (program.arg_a, program.arg_b) if each)
    return program.base + moved + beats * spec.beat_bytes


def addresses_of(program: Agcu, arguments: Mapping[int, int], turn: int, beats: int, spec: FabricSpec) -> Ints:
    """Byte addresses of the first beats of a turn, [beats], where no index decides them."""
    if _present(program):
        parts, starts = _parts_of(program), _starts(program, _base(program, arguments, turn, 0, spec))
        return (parts.of_beats(starts) + parts.offsets())[:beats] & _ADDRESS
    return (_base(program, arguments, turn, 0, spec) + nest_of(program, arguments).offsets(beats)) & _ADDRESS


def _starts(program: Agcu, base: int) -> Ints:
    """Where each nest of a load of several matrices begins, [nests]."""
    return base + np.array([0, *(part.offset for part in _present(program))])


def pairs_of(stop: Stops, void: Bools) -> tuple[Ints, Ints]:
    """The beats that ``pack`` puts into the low and into the high half of each word, [words]; -1 for none."""
    full = np.flatnonzero(~void)
    row = (np.cumsum(stop > 0) - (stop > 0))[full]
    begins = np.append(True, row[1:] != row[:-1])[: len(row)]
    place = np.arange(len(full)) - np.flatnonzero(begins)[np.cumsum(begins) - 1]
    alone = np.append(begins[1:], True)[: len(row)]
    low = place % 2 == 0
    return full[low], np.where(alone, -1, np.append(full[1:], -1)[: len(full)])[low]


@dataclass(frozen=True)
class AgcuTurn:
    """What an AGCU does in a turn.

    It first sends the int32 ``emits``, if there is one. ``waits`` are inputs that never bring what it waits for,
    ``taken`` the beats that it takes of each input; ``tells`` says whether it sends the token that it is done. ``walk``
    are the runs of its nest, None for a sink and where it moves nothing, and ``starts`` the byte address at which each
    begins, [runs], None where the indices are not known. ``indices`` are the beats of the scalar input with
    ``indexed``, whether each is void.
    """

    program: Agcu
    emits: int | None = None
    waits: tuple[Where, ...] = ()
    taken: Mapping[Where, int] = field(default_factory=dict[Where, int])
    tells: bool = False
    walk: Walk | Parts | None = None
    starts: Ints | None = None
    indices: Bools | None = None

    def addresses(self, beats: int) -> Ints:
        """The byte addresses that the first ``beats`` beats with data go to or come from, [at most beats].

        Indices must be known. A nest begins anew when it ends, runs by index do not.
        """
        assert self.walk is not None
        assert self.starts is not None
        if self.walk.nest.empty:
            return np.zeros(0, np.int64)
        if isinstance(self.walk, Walk) and not self.program.indexed:
            return (self.starts + self.walk.nest.offsets(beats)) & _ADDRESS
        addresses = self.walk.of_beats(self.starts) + self.walk.offsets()
        return addresses[~self.walk.void][:beats] & _ADDRESS

    @property
    def outputs(self) -> dict[Network, Shape]:
        """The stream at each output that is used."""
        outputs: dict[Network, Shape] = {}
        if self.program.kind is AgcuKind.LOAD:
            outputs[Network.VECTOR] = NOTHING if self.walk is None else self.walk.shape
        if self.emits is not None:
            outputs[Network.SCALAR] = Shape(_TOKEN.stop, _TOKEN.void, self.emits)
        if self.tells:
            outputs[Network.CONTROL] = _TOKEN
        return outputs

    @property
    def process(self) -> Process:
        """Its firings.

        In order: the token that the round before is done, what it emits, the token that it begins after, its beats,
        each index before those that it leads to, the token that it is done.
        """
        load, emits, waits = self.program.kind is AgcuKind.LOAD, self.emits is not None, CONTROL in self.taken
        beats = self._moves_beats()
        early = self.tells and self.program.tells_next
        begins, late = int(early) + int(emits) + int(waits), self.tells and not early

        def side(where: Where, before: int, during: Bools, after: bool) -> Side:
            """Of what happens in the firings before, during and after those for beats."""
            total = (before != never) + int(during.sum()) + (after and late)
            ends = np.full(int(late), after)
            return Side.of(where, total, lambda: np.concatenate([np.arange(begins) == before, during, ends]))

        never, none = -1, np.zeros(len(beats), bool)
        takes = [side(CONTROL, begins - 1, none, False)] if waits else []
        gives = [side(SCALAR, int(early), none, False)] if emits else []
        gives += [side(CONTROL, 0 if early else never, none, late)] if self.tells else []
        (gives if load else takes).append(side(VECTOR, never, beats, False))
        if self.indices is not None:
            takes.append(side(SCALAR, never, ~beats, False))
        return Process(begins + len(beats) + late, tuple(takes), tuple(gives))

    def _moves_beats(self) -> Bools:
        """Which firings move a vector beat, the others taking an index: each before what it leads to."""
        load, taken = self.program.kind is AgcuKind.LOAD, self.taken.get(VECTOR, 0)
        if self.walk is None or self.indices is None:
            return np.ones(self.walk.beats if load and self.walk is not None else taken, bool)
        run = len(self.walk.nest)
        if load:
            sizes = np.where(self.indices, 1, run)
        else:
            sizes = np.where(self.indices | self.walk.nest.empty, 0, run * (1 + self.program.pack))
        beats = np.ones(int((1 + sizes).sum()), bool)
        beats[np.cumsum(1 + sizes) - 1 - sizes] = False
        over = 0 if load else int(beats.sum()) - taken
        if over > 0:  # an odd last beat of each row stands for a pair
            beats = np.delete(beats, np.flatnonzero(beats)[-over:])
        return np.append(beats, np.ones(max(0, -over), bool))


def turn_of(
    program: Agcu,
    given: Mapping[Where, Shape],
    arguments: Mapping[int, int],
    turn: int = 0,
    turn_round: int = 0,
    *,
    spec: FabricSpec,
    grown: int = 0,
) -> AgcuTurn:
    """A turn of a launch with these arguments, which is given these streams.

    ``turn_round`` is the round, ``grown`` what it adds to the levels that grow: 0 where ``arguments`` hold sizes as
    they are in this round.
    """
    if program.kind is AgcuKind.OFF or turn >= max(1, program.turns):
        return AgcuTurn(program)
    begun = AgcuTurn(program, _emitted(program, arguments, turn), tells=program.tells_in(turn, turn_round))
    if not program.works_in(turn):
        return begun
    taken: dict[Where, int] = {}
    if program.waits_in(turn, turn_round):
        taken[CONTROL] = 1
        if CONTROL not in given:
            return replace(begun, waits=(CONTROL,), taken=taken)
    load, indexed = program.kind is AgcuKind.LOAD, program.indexed and program.kind is not AgcuKind.SINK
    waits: list[Where] = []
    for where in [*[SCALAR] * indexed, *[VECTOR] * (not load)]:
        ends = np.flatnonzero(given.get(where, NOTHING).stop >= program.end_rank)
        if len(ends):
            taken[where] = int(ends[0]) + 1
        else:
            waits.append(where)
    if waits or program.kind is AgcuKind.SINK:
        return replace(begun, waits=tuple(waits), taken=taken)
    nest, base = nest_of(program, arguments, grown), _base(program, arguments, turn, turn_round, spec)
    if _present(program):
        return replace(begun, taken=taken, walk=_parts_of(program), starts=_starts(program, base))
    length = np.array([nest.loops[0].count])
    if not indexed:
        walk = Walk(nest, length, np.full(1, program.end_rank, np.uint8))
        return replace(begun, taken=taken, walk=walk, starts=np.array([base]))
    index, count = given[SCALAR], taken[SCALAR]
    void, values = index.void[:count], index.values()
    # A void index makes one void beat of a load, and gives no address to a store.
    runs = np.ones(count, bool) if load else ~void
    ends = index.stop[:count] + np.uint8(program.nest_rank)
    starts = None if values is None else base + values[:count][runs] * program.index_stride
    walk = Walk(nest, np.where(void, 0, length)[runs], ends[runs])
    return replace(begun, taken=taken, walk=walk, starts=starts, indices=void)


def _emitted(program: Agcu, arguments: Mapping[int, int], turn: int) -> int | None:
    if program.emit_turn:
        return turn
    word = arguments.get(program.emit_arg, 0) & _WORD
    return (word ^ 1 << 31) - (1 << 31) if program.emit_arg else None
