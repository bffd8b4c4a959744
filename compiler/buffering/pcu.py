"""A PCU as a process: which of its steps take and give a beat, as :mod:`hw.program.pcu` says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from compiler.buffering.beats import Bools, Ints, Shape
from compiler.buffering.process import Process, Side, Where, counts
from hw.program import Accumulate, Input, InputMode, Pcu, Source
from hw.topology import Network

__all__ = ["pcu_process"]


@dataclass(frozen=True)
class _Steps:
    """The reference beat of each step, and the inputs' sides."""

    stop: Ints
    void: Bools
    takes: tuple[Side, ...]


def pcu_process(program: Pcu, given: Mapping[Where, Shape]) -> tuple[Process, dict[Network, Shape]] | None:
    """The process of a PCU that is given these streams, and the streams it gives.

    None where data decide: the blocks of a merge whose selector no launch argument holds.

    A step needs room for a result even if it gives none, because a result at the pipeline's end without room stops the
    header.
    """
    steps = _merged(program, given) if program.merge else _zipped(program, given)
    if steps is None:
        return None
    ends = steps.stop >= program.acc_rank
    stop, void = steps.stop, steps.void
    gives = np.ones(len(stop), bool)
    takes = steps.takes
    if program.accumulate is Accumulate.REDUCE:
        gives, stop, void = ends, stop[ends], np.zeros(int(ends.sum()), bool)
    elif program.accumulate is Accumulate.DRAIN:
        stop, drains = _drained(program, stop, ends)
        void = np.zeros(len(stop), bool)
        step = np.repeat(np.arange(len(ends)), 1 + drains)
        is_drain = np.ones(len(step), bool)
        is_drain[np.cumsum(1 + drains) - 1 - drains] = False
        gives = is_drain
        takes = tuple(Side(s.where, np.where(is_drain, s.done[step], s.needs[step]), s.done[step]) for s in takes)
    after = np.cumsum(gives)
    changed = np.where(stop >= program.stop_rank, stop - program.stop_sub + program.stop_add, stop)
    result = Shape(changed, void)
    used = [(Network.VECTOR, program.vector_out), (Network.SCALAR, program.scalar_out)]
    outputs = {network: result for network, on in used if on}
    sides = tuple(Side((network, 0), after - gives + 1, after) for network in outputs)
    return Process(len(gives), takes, sides), outputs


def _drained(program: Pcu, stop: Ints, ends: Bools) -> tuple[Ints, Ints]:
    """Stops of all drain steps, and how many of them follow each step."""
    position = np.arange(len(stop))
    row_ends = (stop >= program.acc_row) | ends
    row_begins = np.concatenate([[True], row_ends[:-1]])[: len(stop)]
    first = np.maximum.accumulate(np.where(row_begins, position, 0)) if len(stop) else position
    at = np.flatnonzero(ends)
    row = (at - first[at] + 1).repeat(program.drain_stages)
    begin = first[at].repeat(program.drain_stages)
    last = np.cumsum(row)
    drained = stop[np.arange(int(row.sum())) - np.repeat(last - row - begin, row)]
    not_last_stage = np.ones(len(row), bool)
    not_last_stage[program.drain_stages - 1 :: program.drain_stages] = False
    drained[last[not_last_stage] - 1] = program.acc_row
    follow = np.zeros(len(stop), np.int64)
    follow[at] = (at - first[at] + 1) * program.drain_stages
    return drained, follow


# -- header -----------------------------------------------------------------------------------------------


def _unpacked(program: Pcu, given: Mapping[Where, Shape]) -> tuple[dict[Where, Shape], Bools | None]:
    """The streams as the header sees them, and which of the unpacked beats are the last of a packed one."""
    packed = given.get((Network.VECTOR, 0))
    if not program.unpack or packed is None:
        return dict(given), None
    single = (packed.stop > 0) & program.unpack_odd
    keep = np.stack([np.ones(len(single), bool), ~single], axis=1).ravel()
    stop = np.stack([np.where(single, packed.stop, 0), packed.stop], axis=1).ravel()[keep]
    last = np.stack([single, np.ones(len(single), bool)], axis=1).ravel()[keep]
    return {**given, (Network.VECTOR, 0): Shape(stop, np.repeat(packed.void, 2)[keep])}, last


def _zipped(program: Pcu, given: Mapping[Where, Shape]) -> _Steps | None:
    streams, last = _unpacked(program, given)
    inputs: list[tuple[Where, Input]] = [((Network.VECTOR, i), each) for i, each in enumerate(program.vector)]
    inputs += [((Network.SCALAR, i), each) for i, each in enumerate(program.scalar)]
    active = [(where, each) for where, each in inputs if each.mode is not InputMode.OFF]
    network = Network.SCALAR if program.reference >= Source.SCALAR0 else Network.VECTOR
    reference = streams.get((network, program.reference & 7))
    if reference is None or any(where not in streams for where, _ in active):
        return None
    after: dict[Where, tuple[Ints, Ints]] = {}
    steps = len(reference)
    for where, each in active:
        pops = reference.stop >= each.hold_rank if each.mode is InputMode.HOLD else np.ones(len(reference), bool)
        done = np.cumsum(pops)
        after[where] = done - pops, done
        steps = min(steps, int(np.searchsorted(done - pops, len(streams[where]))))
    sides = []
    for where, (before, done) in after.items():
        needs, done = before[:steps] + 1, done[:steps]
        if where == (Network.VECTOR, 0) and last is not None:
            whole = np.append(0, np.cumsum(last))
            needs, done = whole[needs - 1] + 1, whole[done]
        sides.append(Side(where, needs, done))
    return _Steps(reference.stop[:steps], reference.void[:steps], tuple(sides))


def _merged(program: Pcu, given: Mapping[Where, Shape]) -> _Steps | None:
    selector = given.get((Network.SCALAR, 0))
    if selector is None or selector.value is None:
        return None
    where: Where = (Network.VECTOR, int(selector.value != 0))
    chosen = given.get(where)
    if chosen is None:
        return None
    last = chosen.stop >= program.merge_rank
    ends = np.cumsum(last, dtype=np.int64)
    before = ends - last
    steps = int(np.searchsorted(before, len(selector)))
    beats = Side(where, counts(steps), counts(steps))
    selectors = Side((Network.SCALAR, 0), before[:steps] + 1, ends[:steps])
    return _Steps(chosen.stop[:steps], chosen.void[:steps], (beats, selectors))
