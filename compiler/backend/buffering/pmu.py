"""The two sides of a PMU as processes with a ring of buffers between them, as :mod:`weft.hw.program.pmu` says."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from weft.compiler.backend.buffering.beats import Bools, Ints, Shape, Stops
from weft.compiler.backend.buffering.process import RING, Process, Side, Where
from weft.hw.program import Pmu, PmuLevel, Port, Trigger
from weft.hw.topology import Network

__all__ = ["Blocks", "read_process", "trigger_of", "write_port", "write_process"]


@dataclass(frozen=True)
class Blocks:
    """The outer stop of each block, and the beats kept in it."""

    outer: Stops
    kept: Ints


def write_port(program: Pmu) -> Where | None:
    """The input whose beats are kept."""
    return None if program.write is Port.OFF else (Network[program.write.name], 0)


def trigger_of(program: Pmu) -> Where | None:
    """The input whose beats start runs."""
    if program.read is Port.OFF or program.trigger is Trigger.BLOCK:
        return None
    return (Network.SCALAR, 1) if program.trigger.by_scalar else (Network.CONTROL, 0)


def write_process(program: Pmu, beats: Shape, held: int, turn: int = 0) -> tuple[Process, Blocks]:
    """The write side: a beat a firing, and a buffer given with the beats that end one.

    It needs a free buffer for any beat. ``held`` buffers are full from the turn or launch before; the turns before are
    taken to have brought as many blocks as this one.
    """
    port = write_port(program)
    assert port is not None
    ends = beats.stop >= program.write_rank

    chosen = np.ones(int(ends.sum()), bool)
    if program.period:
        place = (turn * len(chosen) + np.arange(len(chosen))) % program.period
        chosen = (place >= program.block_from) & (place < program.block_to)
    hands_over = ends.copy()
    hands_over[ends] = chosen

    def firings() -> tuple[Ints, Ints]:
        given = held + np.cumsum(hands_over, dtype=np.int64)
        return given - hands_over + 1, given

    outer = beats.stop[hands_over] - program.write_rank
    process = Process(len(beats), (Side.each(port, len(beats)),), (Side(RING, held + len(outer), firings),))
    return process, Blocks(outer, _kept(program, beats, ends)[chosen])


def _kept(program: Pmu, beats: Shape, ends: Bools) -> Ints:
    """Beats kept in each block that has ended; they are counted from its beginning."""
    block = np.cumsum(ends) - ends
    before = np.cumsum(~beats.void) - ~beats.void
    begins = np.append(True, ends)[: len(ends)]
    index = before - before[begins][block]
    keep = ~beats.void & (index >= program.write_from)
    if program.write_to:
        keep &= index < program.write_to
    return np.bincount(block[keep], minlength=int(ends.sum()) + 1)[: int(ends.sum())]


@dataclass(frozen=True)
class _Runs:
    """Runs of the read side: block, outer stop, whether it gives the buffer back, and iterations of level 0.

    0 iterations are a void beat.
    """

    block: Ints
    outer: Stops
    frees: Bools
    length: Ints


def read_process(
    program: Pmu, blocks: Blocks | None, trigger: Shape | None, *, lanes: int
) -> tuple[Process, dict[Network, Shape], int]:
    """The read side of a PMU with ``lanes`` lanes, the streams that it gives, and the buffers that it needs in all.

    Without ``blocks`` it is taken to find as many as it needs. A run with a trigger begins with a firing of its own.
    With ``Trigger.LENGTH`` the lengths must be those that a launch decides, ``trigger.value``.
    """
    runs = _runs(program, blocks, trigger, lanes)
    levels = program.levels or (PmuLevel(),)
    beats = np.maximum(1, runs.length * prod(max(1, level.bound) for level in levels[1:]))
    begins_apart = trigger is not None or program.control_out
    total, sent = int(beats.sum()) + begins_apart * len(beats), int(beats.sum())
    after = np.cumsum(beats + begins_apart)

    def run() -> Ints:
        return np.repeat(np.arange(len(beats)), beats + begins_apart)

    def ring() -> tuple[Ints, Ints]:
        last = np.zeros(total, bool)
        last[after - 1] = runs.frees
        return runs.block[run()] + 1, runs.block[run()] + last

    def begun() -> tuple[Ints, Ints]:
        return run() + 1, run() + 1

    def data() -> tuple[Ints, Ints]:
        sends = np.ones(total, bool)
        if begins_apart:
            sends[after - beats - 1] = False
        number = np.cumsum(sends, dtype=np.int64)
        return number, number

    def cycles() -> Ints:
        # A run is begun while the last beat of the one before is read.
        each = np.ones(total, np.int64)
        each[after - 1] = 0
        return each

    where, network = trigger_of(program), Network[program.read.name]
    takes = [Side(RING, int(runs.frees.sum()), ring)]
    if where is not None:
        takes.append(Side(where, len(beats), begun))
    gives = [Side((network, 0), sent, data)]
    outputs = {network: _sent(program, levels, runs, beats)}
    if program.control_out:
        gives.append(Side((Network.CONTROL, 0), len(beats), begun))
        outputs[Network.CONTROL] = Shape.of(runs.outer)
    needed = int(runs.block[-1]) + 1 if len(beats) else 0
    return Process(total, tuple(takes), tuple(gives), cycles if begins_apart else None), outputs, needed


def _runs(program: Pmu, blocks: Blocks | None, trigger: Shape | None, lanes: int) -> _Runs:
    if program.trigger is Trigger.BLOCK:
        assert blocks is not None
        block, outer = np.arange(len(blocks.outer)), blocks.outer
        frees, void = np.ones(len(block), bool), np.zeros(len(block), bool)
    else:
        assert trigger is not None
        frees = trigger.stop >= program.free_rank
        block = np.cumsum(frees, dtype=np.int64) - frees
        count = len(block) if blocks is None else int(np.searchsorted(block, len(blocks.outer)))
        block, frees, outer = block[:count], frees[:count], trigger.stop[:count]
        void = trigger.void[:count] & program.trigger.by_scalar
    if program.trigger is Trigger.LENGTH:
        assert trigger is not None
        length = np.full(len(block), max(0, trigger.value or 0))
    elif blocks is None or not program.by_length:
        bound = program.levels[0].bound if program.levels else 1
        length = np.full(len(block), max(1, bound))
    else:
        length = blocks.kept[block]
        if program.transposed and program.read is Port.VECTOR:
            length = -(-program.lines_filled(length, lanes=lanes) // lanes)
    if blocks is not None:
        void |= blocks.kept[block] == 0
    return _Runs(block, outer, frees, np.where(void, 0, length))


def _sent(program: Pmu, levels: tuple[PmuLevel, ...], runs: _Runs, beats: Ints) -> Shape:
    longest = int(runs.length.max(initial=0))
    if (runs.length == longest).all():
        stop = np.tile(_stops(levels, longest), len(beats))
    else:
        nests = {int(each): _stops(levels, int(each)) for each in np.unique(runs.length)}
        stop = np.concatenate([nests[each] for each in runs.length.tolist()])
    ends = np.cumsum(beats) - 1
    stop[ends] = runs.outer + program.read_rank
    void = np.zeros(len(stop), bool)
    void[ends[runs.length == 0]] = True
    return Shape(stop, void)


def _stops(levels: tuple[PmuLevel, ...], length: int) -> Stops:
    """Stops of one run; the last is not meant."""
    stop = np.zeros(1, np.int8)
    for place, level in enumerate(levels if length else ()):
        stop = np.tile(stop, max(1, level.bound) if place else length)
        stop[-1] = level.rank
    return stop
