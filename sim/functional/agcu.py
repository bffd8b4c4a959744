"""What an AGCU does in one turn of a launch, as whole streams: the functional twin of :mod:`weft.hw.agcu`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.hw.program import Agcu, AgcuKind, AgcuLevel
from weft.hw.program.agcu import BOUND_BITS
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats, DeviceError

__all__ = ["AgcuResult", "run_agcu", "told_at_the_beginning"]

_WORD = 0xFFFF_FFFF
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class AgcuResult:
    """Beats sent by each network's output (None: not sent to in this launch) and what happened to memory.

    ``taken`` are the vector beats consumed, ``bytes_read`` and ``bytes_written`` what crossed the channel,
    ``violation`` says that an access was refused.
    """

    vector: Beats | None
    scalar: Beats | None
    control: Beats | None
    taken: int
    bytes_read: int
    bytes_written: int
    violation: bool


@dataclass(frozen=True)
class _Walk:
    """Beats of all runs of the nest: byte address, stop and void of each."""

    address: Ints
    stop: Ints
    void: NDArray[np.bool_]


def _beats(data: NDArray[np.float32], stop: Ints, void: NDArray[np.bool_]) -> Beats:
    return Beats(data, stop.astype(np.uint8), void)


def _one_beat(spec: FabricSpec, word: int | None) -> Beats:
    data = np.zeros((1, 0), np.float32) if word is None else np.array([[word]], np.uint32).view(np.float32)
    return _beats(data, np.zeros(1, np.int64), np.zeros(1, bool))


def _nest(spec: FabricSpec, levels: tuple[AgcuLevel, ...], arguments: dict[int, int], turn_round: int) -> _Walk:
    """One run of the nest from address 0; what its last beat carries is not meant."""
    padded = levels + (AgcuLevel(),) * (spec.agcu_levels - len(levels))
    offset, stop, empty = np.zeros(1, np.int64), np.zeros(1, np.int64), False
    for level in padded:
        bound = arguments.get(level.bound_arg, 0) if level.bound_arg else level.bound
        bound = (bound + level.grows * turn_round) % (1 << BOUND_BITS)
        if not bound:  # one void beat, whatever is inside
            offset, stop, bound, empty = offset[:1], stop[:1], 1, True
        steps = np.arange(bound, dtype=np.int64) * level.stride
        offset = (steps[:, None] + offset[None, :]).ravel()
        stop = np.tile(stop, bound)
        stop[-1:] = level.rank
    return _Walk(offset, stop, np.full(len(offset), empty))


def _ends_at(beats: Beats | None, end_rank: int, what: str) -> int:
    """Beats up to and with the first whose stop is at least ``end_rank``."""
    ends = np.flatnonzero(beats.stop >= end_rank) if beats is not None else np.zeros(0, int)
    if not len(ends):
        raise DeviceError(f"the {what} input of an AGCU must bring a beat with a stop of at least {end_rank}")
    return int(ends[0]) + 1


def _walk(
    spec: FabricSpec, program: Agcu, arguments: dict[int, int], scalar: Beats | None, turn: int, turn_round: int
) -> _Walk:
    base = program.base + turn * program.turn_stride + turn_round * program.round_stride
    base += sum(arguments.get(each, 0) for each in (program.arg_a, program.arg_b) if each)
    nest = _nest(spec, program.levels, arguments, turn_round)
    if not program.indexed:
        stop = nest.stop.copy()
        stop[-1:] = program.end_rank
        return _Walk((nest.address + base) & _WORD, stop, nest.void)
    taken = _ends_at(scalar, program.end_rank, "scalar")
    assert scalar is not None
    values = np.ascontiguousarray(scalar.data[:taken, 0], dtype=np.float32).view(np.int32).astype(np.int64)
    rank = (1 << spec.stop_bits) - 1
    runs: list[_Walk] = []
    for value, outer, void in zip(values, scalar.stop[:taken], scalar.void[:taken], strict=True):
        last = (program.nest_rank + int(outer)) & rank
        if void:
            # An empty dimension of indices is an empty dimension of what they point at.
            if program.kind is AgcuKind.LOAD:
                runs.append(_Walk(np.zeros(1, np.int64), np.array([last]), np.ones(1, bool)))
            continue
        stop = nest.stop.copy()
        stop[-1:] = last
        start = base + int(value) * program.index_stride
        runs.append(_Walk((nest.address + start) & _WORD, stop, nest.void))
    return _Walk(
        np.concatenate([run.address for run in runs] or [np.zeros(0, np.int64)]),
        np.concatenate([run.stop for run in runs] or [np.zeros(0, np.int64)]),
        np.concatenate([run.void for run in runs] or [np.zeros(0, bool)]),
    )


def _allowed(spec: FabricSpec, program: Agcu, memory: NDArray[np.uint8], address: Ints) -> NDArray[np.bool_]:
    """Which accesses lie whole in the segment; an address that is no multiple of a vector beat is refused, too."""
    end = program.segment_base + program.segment_size
    inside = (address >= program.segment_base) & (address + spec.beat_bytes <= end)
    inside &= address % spec.beat_bytes == 0
    if inside.any() and int(address[inside].max()) + spec.beat_bytes > len(memory):
        raise DeviceError(f"an AGCU's segment must lie in the memory of {len(memory)} bytes, not end at {end}")
    return inside


def _lines(spec: FabricSpec, memory: NDArray[np.uint8]) -> NDArray[np.uint32]:
    whole = len(memory) // spec.beat_bytes * spec.beat_bytes
    return memory[:whole].view(np.uint32).reshape(-1, spec.lanes)


def _load(spec: FabricSpec, memory: NDArray[np.uint8], walk: _Walk, inside: NDArray[np.bool_]) -> Beats:
    words = np.zeros((len(walk.address), spec.lanes), np.uint32)
    words[inside] = _lines(spec, memory)[walk.address[inside] // spec.beat_bytes]
    return _beats(words.view(np.float32), walk.stop, walk.void)


def _packed(beats: Beats, taken: int) -> Iterator[NDArray[np.uint32]]:
    """The beats of bf16 pairs of a stream, the first of a pair in the low halves."""
    words = np.ascontiguousarray(beats.data[:taken], dtype=np.float32).view(np.uint32)
    low: NDArray[np.uint32] | None = None
    for word, stop, void in zip(words, beats.stop[:taken], beats.void[:taken], strict=True):
        if not void and low is not None:
            yield low | word & 0xFFFF_0000
            low = None
        elif not void:
            low = word >> 16
        if stop and low is not None:
            yield low
            low = None
    # A stop of 0 can end a launch whose end_rank is 0: the pair stays open, and is padded like at any other end.
    if low is not None:
        yield low


def _to_write(spec: FabricSpec, program: Agcu, vector: Beats, taken: int) -> NDArray[np.uint32]:
    if program.pack:
        pairs = list(_packed(vector, taken))
        return np.stack(pairs) if pairs else np.zeros((0, spec.lanes), np.uint32)
    words = np.ascontiguousarray(vector.data[:taken], dtype=np.float32).view(np.uint32)
    return words[~np.asarray(vector.void[:taken], bool)]


def told_at_the_beginning(
    spec: FabricSpec, program: Agcu, arguments: dict[int, int], turn: int, turn_round: int
) -> Beats | None:
    """What an AGCU with ``tells_next`` sends to control before anything of the turn happens."""
    if turn_round < program.rounds(arguments) and program.tells_in(turn, turn_round):
        return _one_beat(spec, None)
    return None


def run_agcu(
    spec: FabricSpec,
    program: Agcu,
    memory: NDArray[np.uint8],
    arguments: dict[int, int],
    *,
    turn: int = 0,
    turn_round: int = 0,
    vector: Beats | None,
    scalar: Beats | None,
    control: Beats | None,
) -> AgcuResult:
    """One turn of an AGCU; a store changes ``memory`` in place.

    Loops over packed beats and over indices in Python, over everything else in NumPy. Where the program's text leaves
    room: a bound taken from an argument is its low 24 bits; beats to store that come after the indices have ended are
    taken and dropped; a bf16 is the upper half of a word; an access that is not aligned to a vector beat is refused;
    SINK ignores ``indexed``.

    Parameters
    ----------
    memory
        All off-chip memory, its length a multiple of a vector beat.
    arguments
        Launch arguments by number; those not given read as zero.
    turn
        Which turn of its round, from 0.
    turn_round
        Which round of the launch, from 0.
    vector, scalar, control
        What arrives at the inputs; more beats than the launch takes are left alone.

    Raises
    ------
    DeviceError
        An input that never ends the launch, or a segment that reaches beyond memory.
    """
    if program.kind is AgcuKind.OFF or turn >= max(1, program.turns) or turn_round >= program.rounds(arguments):
        return AgcuResult(None, None, None, 0, 0, 0, False)
    number = turn if program.emit_turn else arguments.get(program.emit_arg, 0)
    emitted = _one_beat(spec, number & _WORD) if program.emit_turn or program.emit_arg else None
    done = _one_beat(spec, None) if program.tells_in(turn, turn_round) else None
    if not program.works_in(turn):
        return AgcuResult(None, emitted, done, 0, 0, 0, False)
    if program.waits_in(turn, turn_round) and (control is None or not len(control.stop)):
        raise DeviceError("the control input of an AGCU must bring a token to begin with")
    if program.kind is AgcuKind.SINK:
        taken = _ends_at(vector, program.end_rank, "vector")
        return AgcuResult(None, emitted, done, taken, 0, 0, False)

    walk = _walk(spec, program, arguments, scalar, turn, turn_round)
    if program.kind is AgcuKind.LOAD:
        inside = _allowed(spec, program, memory, walk.address) & ~walk.void
        beats = _load(spec, memory, walk, inside)
        refused = bool((~inside & ~walk.void).any())
        return AgcuResult(beats, emitted, done, 0, int(inside.sum()) * spec.beat_bytes, 0, refused)

    taken = _ends_at(vector, program.end_rank, "vector")
    assert vector is not None
    words = _to_write(spec, program, vector, taken)
    address = walk.address[~walk.void]
    if not program.indexed and len(address):
        address = np.resize(address, len(words))
    count = min(len(address), len(words))
    address, words = address[:count], words[:count]
    inside = _allowed(spec, program, memory, address)
    _lines(spec, memory)[address[inside] // spec.beat_bytes] = words[inside]
    written = int(inside.sum()) * spec.beat_bytes
    return AgcuResult(None, emitted, done, taken, 0, written, not bool(inside.all()))
