"""What a PMU does in one launch, as whole streams: the functional twin of :mod:`weft.hw.pmu`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.hw.program import Pmu, Port, Trigger
from weft.hw.program.firings.pmu_read import Read, read_of
from weft.hw.program.firings.pmu_write import Blocks, written_of
from weft.hw.program.firings.stream import NOTHING, Stops
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats, DeviceError
from weft.sim.functional.shapes import shape_of

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
    outer: Stops
    partial: NDArray[np.float32]
    partial_counted: int = 0
    number: int = 0

    @classmethod
    def empty(cls, spec: FabricSpec) -> PmuState:
        """A PMU after reset."""
        none, lines = np.zeros(0, np.int64), np.zeros((0, spec.lanes), np.float32)
        return cls(lines, np.zeros(lines.shape, bool), none, none, np.zeros(0, np.uint8), lines)

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


def _write(spec: FabricSpec, program: Pmu, beats: Beats, state: PmuState) -> PmuState:
    written = written_of(
        program,
        shape_of(beats),
        number=state.number,
        counted=state.partial_counted,
        begun=len(state.partial),
    )
    words = 1 if program.write is Port.SCALAR else spec.lanes
    size = program.lines_filled(written.kept, lanes=spec.lanes)
    if int(size.max()) > program.block_lines:
        raise DeviceError(f"a block of a PMU must fit its {program.block_lines} lines, not {int(size.max())}")
    data = np.ascontiguousarray(beats.data, np.float32).reshape(len(beats.stop), words)[written.keep]
    data = np.concatenate([state.partial.reshape(-1, words), data])

    blocks, given = written.blocks, written.chosen[:-1]
    kept, size = written.kept[:-1], size[:-1]
    whole = int(kept.sum())
    lines, holes = _placed(program, data[:whole], kept, size, spec.lanes)
    return PmuState(
        np.concatenate([state.lines, lines]),
        np.concatenate([state.holes, holes]),
        np.concatenate([state.kept, blocks.kept]),
        np.concatenate([state.size, size[given]]),
        np.concatenate([state.outer, blocks.outer]),
        data[whole:],
        written.counted,
        state.number + len(kept),
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


def _read(spec: FabricSpec, program: Pmu, read: Read, state: PmuState) -> Beats:
    """The beats of all runs, all runs of equal length at once."""
    words = 1 if program.read is Port.SCALAR else spec.lanes
    store, walk = state.lines.reshape(-1, words), read.walk
    across = program.transposed and program.read is Port.VECTOR
    unit = spec.lanes if across else spec.lanes // words  # addresses of a line
    first, size = (np.cumsum(state.size) - state.size) * unit, state.size * unit
    if len(walk.ends) and int(walk.ends.max()) > spec.stop_ranks:
        raise DeviceError(f"a stop must have a rank of at most {spec.stop_ranks}, not {int(walk.ends.max())}")
    assert read.address is not None
    data = np.zeros((walk.beats, words), np.float32)
    for nest, runs in walk.alike():
        address = program.offset + nest.offsets()
        block, value = read.block[runs], read.address[runs]
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
            beats, holes = _columns(state, source, np.repeat(block, len(address)))
        else:
            beats, holes = store[source], state.holes.reshape(-1, words)[source]
        if holes.any():
            raise DeviceError("a read of a PMU must take words that its block has written")
        if len(beats) == len(data):
            data = beats
        else:
            data[walk.places(nest, runs).reshape(-1)] = beats
    return Beats(data, walk.stops, walk.void)


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

    trigger = address if program.trigger.by_scalar else control
    started = shape_of(trigger) if trigger is not None else NOTHING
    read = read_of(program, Blocks(state.outer, state.kept), started, lanes=spec.lanes)
    longest = int(read.walk.length.max(initial=0))
    if program.trigger is Trigger.LENGTH and longest >= 2 * spec.pmu_words:
        raise DeviceError(f"a length for a PMU must be at most {2 * spec.pmu_words - 1}, not {longest}")
    sent = _read(spec, program, read, state)
    tokens = None
    if program.control_out:
        count = len(read.outer)
        tokens = Beats(np.zeros((count, 0), np.float32), read.outer, np.zeros(count, bool))
    vector_out, scalar_out = (sent if program.read is port else None for port in (Port.VECTOR, Port.SCALAR))
    taken = 0 if program.trigger is Trigger.BLOCK else len(read.block)
    return PmuResult(vector_out, scalar_out, tokens, state.without(read.freed), arriving, taken)
