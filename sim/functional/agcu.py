"""What an AGCU does to memory in one turn of a launch, as whole streams: the functional twin of :mod:`weft.hw.agcu`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from weft.hw.program import Agcu, AgcuKind
from weft.hw.program.firings.agcu import CONTROL, SCALAR, VECTOR, AgcuTurn, pairs_of, turn_of
from weft.hw.program.firings.process import Where
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats, DeviceError
from weft.sim.functional.shapes import shape_of

__all__ = ["AgcuResult", "run_agcu", "told_at_the_beginning"]

_WORD = 0xFFFF_FFFF
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class AgcuResult:
    """Beats sent by each network's output (None: not sent to in this launch) and what happened to memory.

    ``taken`` are the beats consumed of each input, ``bytes_read`` and ``bytes_written`` what crossed the channel,
    ``violation`` says that an access was refused. ``waits`` are inputs that never bring what it waits for; it then does
    nothing.
    """

    vector: Beats | None = None
    scalar: Beats | None = None
    control: Beats | None = None
    taken: Mapping[Where, int] = field(default_factory=dict[Where, int])
    bytes_read: int = 0
    bytes_written: int = 0
    violation: bool = False
    waits: tuple[Where, ...] = ()


def _one_beat(word: int | None) -> Beats:
    data = np.zeros((1, 0), np.float32) if word is None else np.array([[word & _WORD]], np.uint32).view(np.float32)
    return Beats(data, np.zeros(1, np.uint8), np.zeros(1, bool))


def _allowed(spec: FabricSpec, program: Agcu, memory: NDArray[np.uint8], address: Ints) -> NDArray[np.bool_]:
    """Which accesses lie in the segment."""
    end = program.segment_base + program.segment_size
    inside = (address >= program.segment_base) & (address + spec.beat_bytes <= end)
    if inside.any() and int(address[inside].max()) + spec.beat_bytes > len(memory):
        raise DeviceError(f"an AGCU's segment must lie in the memory of {len(memory)} bytes, not end at {end}")
    return inside


def _lines(spec: FabricSpec, memory: NDArray[np.uint8]) -> NDArray[np.uint32]:
    whole = len(memory) // spec.beat_bytes * spec.beat_bytes
    return memory[:whole].view(np.uint32).reshape(-1, spec.lanes)


def _load(spec: FabricSpec, program: Agcu, memory: NDArray[np.uint8], turn: AgcuTurn) -> tuple[Beats, int, bool]:
    """The beats, the bytes read, and whether an access was refused."""
    assert turn.walk is not None
    void, stop = turn.walk.void, turn.walk.stops & np.uint8((1 << spec.stop_bits) - 1)
    address = turn.addresses(len(void))
    inside = _allowed(spec, program, memory, address)
    words = np.zeros((len(void), spec.lanes), np.uint32)
    if len(address) == len(words) and inside.all():
        words = _lines(spec, memory)[address // spec.beat_bytes]
    else:
        words[np.flatnonzero(~void)[inside]] = _lines(spec, memory)[address[inside] // spec.beat_bytes]
    refused = not bool(inside.all())
    return Beats(words.view(np.float32), stop, void), int(inside.sum()) * spec.beat_bytes, refused


def _to_write(program: Agcu, vector: Beats, taken: int) -> NDArray[np.uint32]:
    """The words of each beat that is written; a bf16 is the upper half of one."""
    words = np.ascontiguousarray(vector.data[:taken], dtype=np.float32).view(np.uint32)
    if not program.pack:
        return words[~np.asarray(vector.void[:taken], bool)]
    low, high = pairs_of(vector.stop[:taken], vector.void[:taken])
    upper = words[high] & np.uint32(0xFFFF_0000)
    upper[high < 0] = 0
    return words[low] >> np.uint32(16) | upper


def told_at_the_beginning(program: Agcu, arguments: dict[int, int], turn: int, turn_round: int) -> Beats | None:
    """What an AGCU with ``tells_next`` sends to control before anything of the turn happens."""
    if turn_round < program.rounds(arguments) and program.tells_in(turn, turn_round):
        return _one_beat(None)
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

    Where the program's text leaves room: a bound taken from an argument is its low 24 bits; beats to store that come
    after the indices have ended are taken and dropped; SINK ignores ``indexed``.

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
        A segment that reaches beyond memory.
    """
    if turn_round >= program.rounds(arguments):
        return AgcuResult()
    given = {VECTOR: vector, SCALAR: scalar, CONTROL: control}
    shapes = {where: shape_of(beats) for where, beats in given.items() if beats is not None and len(beats.stop)}
    does = turn_of(program, shapes, arguments, turn, turn_round, spec=spec, grown=turn_round)
    if does.waits:
        return AgcuResult(waits=does.waits)
    emitted = None if does.emits is None else _one_beat(does.emits)
    done = _one_beat(None) if does.tells else None
    if does.walk is None:
        return AgcuResult(None, emitted, done, does.taken)
    if program.kind is AgcuKind.LOAD:
        beats, read, refused = _load(spec, program, memory, does)
        return AgcuResult(beats, emitted, done, does.taken, read, 0, refused)
    assert vector is not None
    words = _to_write(program, vector, does.taken[VECTOR])
    address = does.addresses(len(words))
    words = words[: len(address)]
    inside = _allowed(spec, program, memory, address)
    _lines(spec, memory)[address[inside] // spec.beat_bytes] = words[inside]
    written = int(inside.sum()) * spec.beat_bytes
    return AgcuResult(None, emitted, done, does.taken, 0, written, not bool(inside.all()))
