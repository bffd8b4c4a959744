"""The two sides of a PMU as processes with a ring of buffers between them, as :mod:`hw.program.pmu` says."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from compiler.buffering.beats import Ints, Shape
from compiler.buffering.process import RING, Process, Side, Where, counts
from hw.program import Pmu, PmuLevel, Port, Trigger
from hw.topology import Network

__all__ = ["Blocks", "read_process", "trigger_of", "write_port", "write_process"]


@dataclass(frozen=True)
class Blocks:
    """Beats kept in each block, and its outer stop."""

    kept: Ints
    outer: Ints


def write_port(program: Pmu) -> Where | None:
    """The input whose beats are kept."""
    return None if program.write is Port.OFF else (Network[program.write.name], 0)


def trigger_of(program: Pmu) -> Where | None:
    """The input whose beats start runs."""
    if program.read is Port.OFF or program.trigger is Trigger.BLOCK:
        return None
    return (Network.SCALAR, 1) if program.trigger is Trigger.ADDRESS else (Network.CONTROL, 0)


def write_process(program: Pmu, beats: Shape, held: int) -> tuple[Process, Blocks]:
    """The write side: a beat a firing, and a buffer given with the beats that end one.

    It needs a free buffer for any beat. ``held`` buffers are full from the launch before.
    """
    port = write_port(program)
    assert port is not None
    ends = beats.stop >= program.write_rank
    given = held + np.cumsum(ends)
    number = counts(len(beats))
    process = Process(len(beats), (Side(port, number, number),), (Side(RING, given - ends + 1, given),))
    # Beats are counted from the beginning of their block.
    block = np.cumsum(ends) - ends
    before = np.cumsum(~beats.void) - ~beats.void
    begins = np.concatenate([[True], ends[:-1]])[: len(ends)]
    index = before - (before[begins][block] if len(ends) else before)
    keep = ~beats.void & (index >= program.write_from)
    if program.write_to:
        keep &= index < program.write_to
    kept = np.bincount(block[keep], minlength=int(ends.sum()) + 1)[: int(ends.sum())]
    return process, Blocks(kept, beats.stop[ends] - program.write_rank)


def read_process(
    program: Pmu, blocks: Blocks | None, trigger: Shape | None
) -> tuple[Process, dict[Network, Shape], int]:
    """The read side, the streams that it gives, and the buffers that it needs in all.

    Without ``blocks`` it is taken to find as many as it needs. A run with a trigger begins with a firing of its own.
    """
    if program.trigger is Trigger.BLOCK:
        assert blocks is not None
        block, outer = np.arange(len(blocks.outer)), blocks.outer
        frees, void = np.ones(len(block), bool), np.zeros(len(block), bool)
    else:
        assert trigger is not None
        frees = trigger.stop >= program.free_rank
        block = np.cumsum(frees) - frees
        runs = len(block) if blocks is None else int(np.searchsorted(block, len(blocks.outer)))
        block, frees, outer = block[:runs], frees[:runs], trigger.stop[:runs]
        void = trigger.void[:runs] & (program.trigger is Trigger.ADDRESS)
    levels = program.levels or (PmuLevel(),)
    length = np.full(len(block), max(1, levels[0].bound))
    if program.by_length and blocks is not None:
        length = blocks.kept[block]
    length = np.where(void, 0, length)
    beats = np.maximum(1, length * prod(max(1, level.bound) for level in levels[1:]))

    begins_apart = trigger is not None or program.control_out
    firings = beats + begins_apart
    run = np.repeat(np.arange(len(block)), firings)
    after = np.cumsum(firings)
    last = np.zeros(len(run), bool)
    last[after - 1] = True
    sends = np.ones(len(run), bool)
    if begins_apart:
        sends[after - firings] = False
    sent = np.cumsum(sends)
    takes = [Side(RING, block[run] + 1, block[run] + (last & frees[run]))]
    where = trigger_of(program)
    if where is not None:
        takes.append(Side(where, run + 1, run + 1))
    network = Network[program.read.name]
    gives = [Side((network, 0), sent, sent)]
    outputs = {network: _beats(program, levels, length, outer)}
    if program.control_out:
        gives.append(Side((Network.CONTROL, 0), run + 1, run + 1))
        outputs[Network.CONTROL] = Shape.of(outer)
    needed = int(block[-1]) + 1 if len(block) else 0
    return Process(len(run), tuple(takes), tuple(gives)), outputs, needed


def _beats(program: Pmu, levels: tuple[PmuLevel, ...], length: Ints, outer: Ints) -> Shape:
    nests = {int(each): _stops(levels, int(each)) for each in np.unique(length)}
    if len(nests) == 1:
        stop = np.tile(next(iter(nests.values())), len(length))
    else:
        stop = np.concatenate([nests[each] for each in length.tolist()] or [np.zeros(0, np.int64)])
    ends = np.cumsum([len(nests[each]) for each in length.tolist()], dtype=np.int64) - 1
    stop[ends] = outer + program.read_rank
    void = np.zeros(len(stop), bool)
    void[ends[length == 0]] = True
    return Shape(stop, void)


def _stops(levels: tuple[PmuLevel, ...], length: int) -> Ints:
    """Stops of one run; the last is not meant."""
    stop = np.zeros(1, np.int64)
    for place, level in enumerate(levels if length else ()):
        stop = np.tile(stop, max(1, level.bound) if place else length)
        stop[-1] = level.rank
    return stop
