"""What a PMU does in one launch, as whole streams: the functional twin of :mod:`weft.hw.pmu`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.hw.program import Pmu, PmuLevel, Port, Trigger
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats, DeviceError

__all__ = ["PmuResult", "PmuState", "run_pmu"]

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class PmuState:
    """What a PMU still holds when a launch is over.

    ``lines`` [lines, lanes] are those of all blocks one after the other, oldest first, each block beginning with a new
    line, and ``holes`` the words among them that were never written; ``kept`` the beats and ``outer`` the outer stop of
    each block, ``size`` its lines. ``partial`` are the beats kept of the block that has not ended, in order of arrival,
    ``partial_counted`` those counted. ``number`` blocks have arrived since the launch began.
    """

    lines: NDArray[np.float32]
    holes: Bools
    kept: Ints
    size: Ints
    outer: Ints
    partial: NDArray[np.float32]
    partial_counted: int = 0
    number: int = 0

    @classmethod
    def empty(cls, spec: FabricSpec) -> PmuState:
        """A PMU after reset."""
        none, lines = np.zeros(0, np.int64), np.zeros((0, spec.lanes), np.float32)
        return cls(lines, np.zeros(lines.shape, bool), none, none, none, lines)

    def without(self, blocks: int) -> PmuState:
        """This state when the oldest ``blocks`` are given back."""
        gone = int(self.size[:blocks].sum())
        blocks_left = (self.kept[blocks:], self.size[blocks:], self.outer[blocks:])
        partial = (self.partial, self.partial_counted, self.number)
        return PmuState(self.lines[gone:], self.holes[gone:], *blocks_left, *partial)


@dataclass(frozen=True)
class PmuResult:
    """What a launch sent and kept.

    ``vector``, ``scalar`` and ``control`` are None where the program sends nothing. ``written`` are all beats that
    arrived at the write port, ``taken`` how many beats the trigger's input gave; the rest of them wait for blocks.
    """

    vector: Beats | None
    scalar: Beats | None
    control: Beats | None
    state: PmuState
    written: Beats
    taken: int


@dataclass(frozen=True)
class _Runs:
    """Runs of the read side: block, outer stop, what is added to the offset, iterations of level 0 (0: a void beat)."""

    block: Ints
    outer: Ints
    value: Ints
    length: Ints


def _write(spec: FabricSpec, program: Pmu, beats: Beats, state: PmuState) -> PmuState:
    scalar = program.write is Port.SCALAR
    words = 1 if scalar else spec.lanes
    stop = np.asarray(beats.stop, np.int64)
    counted = ~np.asarray(beats.void, bool)
    ends = stop >= program.write_rank
    block = np.cumsum(ends) - ends  # the block that a beat belongs to; 0 is the partial one's
    ended = int(ends.sum())

    number = np.cumsum(counted) - counted
    first = np.flatnonzero(np.concatenate([[True], ends]))  # the first beat of each block
    begin = np.append(number, counted.sum())[first]
    begin[0] = -state.partial_counted
    index = number - begin[block]
    chosen = np.ones(ended + 1, bool)
    if program.period:
        place = (state.number + np.arange(ended + 1)) % program.period
        chosen = (place >= program.block_from) & (place < program.block_to)
    keep = counted & chosen[block] & (index >= program.write_from)
    if program.write_to:
        keep &= index < program.write_to

    kept = np.bincount(block[keep], minlength=ended + 1)[: ended + 1].astype(np.int64)
    kept[0] += len(state.partial)
    size = program.lines_filled(kept, lanes=spec.lanes)
    if int(size.max()) > program.block_lines:
        raise DeviceError(f"a block of a PMU must fit its {program.block_lines} lines, not {int(size.max())}")
    data = np.ascontiguousarray(beats.data, np.float32).reshape(len(stop), words)[keep]
    data = np.concatenate([state.partial.reshape(-1, words), data])

    whole, given = int(kept[:ended].sum()), chosen[:ended]
    lines, holes = _placed(program, data[:whole], kept[:ended], size[:ended], spec.lanes)
    return PmuState(
        np.concatenate([state.lines, lines]),
        np.concatenate([state.holes, holes]),
        np.concatenate([state.kept, kept[:ended][given]]),
        np.concatenate([state.size, size[:ended][given]]),
        np.concatenate([state.outer, stop[ends][given] - program.write_rank]),
        data[whole:],
        int(counted.sum() - begin[ended]),
        state.number + ended,
    )


def _placed(
    program: Pmu, beats: NDArray[np.float32], kept: Ints, size: Ints, lanes: int
) -> tuple[NDArray[np.float32], Bools]:
    """The lines of whole blocks, and the words in them that none of their ``beats`` [beats, words] has written."""
    words = beats.shape[1]
    address = program.write_addresses(np.arange(int(kept.max(initial=0))))
    if int(address.min(initial=0)) < 0:
        raise DeviceError(f"a beat of a PMU must be written from the start of its buffer on, not at {address.min()}")
    index = np.arange(len(beats)) - np.repeat(np.cumsum(kept) - kept, kept)
    place = np.repeat((np.cumsum(size) - size) * (lanes // words), kept) + address[index]
    # The beat that wrote a place last, of several to one the latest; -1 is none.
    latest = np.full(int(size.sum()) * (lanes // words), -1, np.int64)
    np.maximum.at(latest, place, np.arange(len(beats)))
    latest = latest.reshape(-1, lanes // words)
    # One to the first place of a line has cleared what earlier ones wrote elsewhere in it.
    holes = (latest < 0) & (latest[:, :1] < 0)
    stays = (latest >= latest[:, :1]) & (latest >= 0)
    lines = np.where(stays[..., None], beats[latest], np.float32(0))
    return lines.reshape(-1, lanes), np.repeat(holes, words, axis=1)


def _runs(
    spec: FabricSpec, program: Pmu, state: PmuState, control: Beats | None, address: Beats | None
) -> tuple[_Runs, int, int]:
    """The runs of a launch, the blocks given back, and the beats taken of the trigger's input."""
    bound = max(1, program.levels[0].bound if program.levels else 1)
    blocks = len(state.kept)
    if program.trigger is Trigger.BLOCK:
        block, outer, value = np.arange(blocks), state.outer, np.zeros(blocks, np.int64)
        void = np.zeros(blocks, bool)
        freed, taken = blocks, 0
    else:
        beats = control if program.trigger is Trigger.CONTROL else address
        stop = np.zeros(0, np.int64) if beats is None else np.asarray(beats.stop, np.int64)
        frees = stop >= program.free_rank
        block = np.cumsum(frees) - frees
        taken = int(np.searchsorted(block, blocks))
        freed = int(frees[:taken].sum())
        block, outer = block[:taken], stop[:taken]
        value, void = np.zeros(taken, np.int64), np.zeros(taken, bool)
        if program.trigger.by_scalar and beats is not None:
            words = np.ascontiguousarray(beats.data[:taken], np.float32).reshape(taken).view(np.int32)
            value, void = words.astype(np.int64), np.asarray(beats.void[:taken], bool)
    length = np.full(len(block), bound)
    if program.trigger is Trigger.LENGTH:
        length, value = np.where(void, 0, np.maximum(value, 0)), np.zeros(taken, np.int64)
        if int(length.max(initial=0)) >= 2 * spec.pmu_words:
            raise DeviceError(f"a length for a PMU must be at most {2 * spec.pmu_words - 1}, not {int(length.max())}")
    elif program.by_length:
        length = -(-state.size[block] // spec.lanes) if _across(program) else state.kept[block]
    return _Runs(block, outer, value, np.where(void | (state.kept[block] == 0), 0, length)), freed, taken


def _across(program: Pmu) -> bool:
    """Whether a beat's lanes are words of different lines."""
    return program.transposed and program.read is Port.VECTOR


def _nest(program: Pmu, length: int) -> tuple[Ints, Ints]:
    """Addresses, from the offset, and stops of one run with ``length`` iterations of level 0; its last stop is open."""
    address, stop = np.array([program.offset], np.int64), np.zeros(1, np.int64)
    for place, level in enumerate(program.levels or (PmuLevel(),)):
        bound = max(1, level.bound) if place else length
        address = (np.arange(bound)[:, None] * level.stride + address).reshape(-1)
        stop = np.tile(stop, bound)
        stop[-1] = level.rank
    return address, stop


def _read(spec: FabricSpec, program: Pmu, runs: _Runs, state: PmuState) -> Beats:
    """The beats of all runs, all runs of equal length at once."""
    words = 1 if program.read is Port.SCALAR else spec.lanes
    store = state.lines.reshape(-1, words)
    across = _across(program)
    unit = spec.lanes if across else spec.lanes // words  # addresses of a line
    first, size = (np.cumsum(state.size) - state.size) * unit, state.size * unit
    last_stop = runs.outer + program.read_rank
    if len(last_stop) and int(last_stop.max()) > spec.stop_ranks:
        raise DeviceError(f"a stop must have a rank of at most {spec.stop_ranks}, not {int(last_stop.max())}")

    nests = {int(length): _nest(program, int(length)) for length in np.unique(runs.length[runs.length > 0])}
    beats = np.array([len(nests[length][0]) if length else 1 for length in runs.length.tolist()], np.int64)
    begin = np.cumsum(beats) - beats
    total = int(beats.sum())
    data, stop = np.zeros((total, words), np.float32), np.zeros(total, np.uint8)
    void = np.zeros(total, bool)
    for length, (address, inner) in nests.items():
        these = np.flatnonzero(runs.length == length)
        block, value = runs.block[these], runs.value[these]
        low, high = int(address.min()), int(address.max())
        outside = (value + low < 0) | (value + high >= size[block])
        if outside.any():
            worst = int(np.flatnonzero(outside)[0])
            raise DeviceError(
                f"a read of a PMU must lie in the {int(size[block[worst]])} {'lines' if unit == 1 else 'words'} "
                f"of its block, not {low + int(value[worst])} to {high + int(value[worst])}"
            )
        source = ((first[block] + value)[:, None] + address).reshape(-1)
        if across:
            read, holes = _columns(state, source, np.repeat(block, len(address)))
        else:
            read, holes = store[source], state.holes.reshape(-1, words)[source]
        if holes.any():
            raise DeviceError("a read of a PMU must take words that its block has written")
        if len(nests) == 1 and len(these) == len(beats):
            data, stop = read, np.tile(inner, len(these)).astype(np.uint8)
        else:
            target = (begin[these][:, None] + np.arange(len(address))).reshape(-1)
            data[target], stop[target] = read, np.tile(inner, len(these))
    void[begin[runs.length == 0]] = True
    stop[begin + beats - 1] = last_stop
    return Beats(data, stop, void)


def _columns(state: PmuState, address: Ints, block: Ints) -> tuple[NDArray[np.float32], Bools]:
    """The beats [beats, lanes] of transposed reads at word addresses, each of a line in its block, and their holes."""
    lanes = state.lines.shape[1]
    line = (address // lanes)[:, None] + np.arange(lanes)
    inside = line < np.cumsum(state.size)[block][:, None]
    source = np.where(inside, line, 0), (address % lanes)[:, None]
    return np.where(inside, state.lines[source], np.float32(0)), inside & state.holes[source]


def run_pmu(
    spec: FabricSpec,
    program: Pmu,
    *,
    vector: Beats | None,
    scalar: Beats | None,
    address: Beats | None,
    control: Beats | None,
    state: PmuState | None = None,
) -> PmuResult:
    """One launch of a PMU, as if its ring were long enough and its outputs always taken.

    Where the program's text leaves room: a bound of 0 is 1; a void beat's data are zero.

    Parameters
    ----------
    vector, scalar, address, control
        All beats that arrive at the vector input, the scalar inputs 0 and 1, and the control input. More than the
        program takes are left alone.
    state
        What the launch before left; None is nothing.

    Raises
    ------
    DeviceError
        A ring that does not fit the scratchpad, a block that does not fit its buffer, a read of what its block has not
        written, a length from the network beyond what a bound can be, or a stop beyond the fabric's ranks.
    """
    state = PmuState.empty(spec) if state is None else state
    ring = program.blocks * program.block_lines
    if ring > spec.pmu_lines:
        raise DeviceError(f"blocks * block_lines of a PMU must be at most {spec.pmu_lines}, not {ring}")
    arriving = {Port.VECTOR: vector, Port.SCALAR: scalar}.get(program.write)
    width = 1 if program.write is Port.SCALAR else spec.lanes
    if arriving is None:
        arriving = Beats(np.zeros((0, width), np.float32), np.zeros(0, np.uint8), np.zeros(0, bool))
    if len(arriving.stop):
        state = _write(spec, program, arriving, state)
    if program.read is Port.OFF:
        return PmuResult(None, None, None, state, arriving, 0)

    runs, freed, taken = _runs(spec, program, state, control, address)
    sent = _read(spec, program, runs, state)
    tokens = None
    if program.control_out:
        count = len(runs.outer)
        tokens = Beats(np.zeros((count, 0), np.float32), runs.outer.astype(np.uint8), np.zeros(count, bool))
    vector_out, scalar_out = (sent if program.read is port else None for port in (Port.VECTOR, Port.SCALAR))
    return PmuResult(vector_out, scalar_out, tokens, state.without(freed), arriving, taken)
