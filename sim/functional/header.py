"""Functional twin of the PCU's header: which input beats make which step."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from weft.hw.numerics import floats_of
from weft.hw.program.pcu import Input, InputMode, Pcu, Source
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats
from weft.sim.functional.wide import wide_steps

__all__ = ["Steps", "gather"]

Floats = NDArray[np.float32]
_VOID = np.ones(1, bool)


@dataclass(frozen=True)
class Steps:
    """Steps as they enter the body: registers [steps, lanes], scalars [steps, 1], stop and void [steps].

    ``drains`` [drain steps, lanes] is register 1 of the drain steps, where it is not zero.
    """

    registers: tuple[Floats, ...]
    scalars: tuple[Floats, ...]
    stop: NDArray[np.uint8]
    void: NDArray[np.bool_]
    drains: Floats | None = None


def gather(
    spec: FabricSpec, program: Pcu, vector: list[Beats | None], scalar: list[Beats | None]
) -> tuple[Steps, tuple[int, ...], tuple[int, ...]]:
    """The steps that the input beats make, and how many beats each vector and each scalar input gave."""
    vectors = [beats or _none(spec.lanes) for beats in _padded(vector, spec.vector_inputs)]
    scalars = [beats or _none(1) for beats in _padded(scalar, spec.scalar_inputs)]
    taken_vector, taken_scalar = [0] * len(vectors), [0] * len(scalars)
    if program.unpack.is_wide:
        return _wide(spec, program, vectors[0], scalars[0])
    packed = vectors[0]
    if program.unpack:
        vectors[0] = unpack(packed, odd=program.unpack_odd)

    if program.merge:
        reference, used, taken_scalar[0] = _merge(program, vectors, scalars[0])
        taken_vector[: len(used)] = used
        chosen = {0: reference}
    else:
        source = program.reference
        is_scalar = source >= Source.SCALAR0
        reference = scalars[source - Source.SCALAR0] if is_scalar else vectors[source]
        if _mode(program.scalar if is_scalar else program.vector, source & 7).mode is InputMode.OFF:
            reference = _none(spec.lanes)
        chosen = {}

    inputs = [(False, i, _mode(program.vector, i)) for i in range(len(vectors))]
    inputs += [(True, k, _mode(program.scalar, k)) for k in range(len(scalars))]
    active = [(s, i, mode) for s, i, mode in inputs if mode.mode is not InputMode.OFF]
    count = len(reference.stop)
    popped: dict[tuple[bool, int], NDArray[np.int64]] = {}
    for is_scalar, i, mode in active:
        available = len((scalars if is_scalar else vectors)[i].stop)
        ends = reference.stop >= mode.hold_rank if mode.mode is InputMode.HOLD else np.ones(len(reference.stop), bool)
        after = np.cumsum(ends)
        popped[is_scalar, i] = after
        before = after - ends
        count = min(count, int(np.searchsorted(before, available)))

    lanes = spec.lanes
    registers = [np.zeros((count, lanes), np.float32)] * spec.registers
    values = [np.zeros((1, 1), np.float32)] * spec.scalar_inputs
    for is_scalar, i, mode in active:
        after = popped[is_scalar, i][:count]
        ends = reference.stop[:count] >= mode.hold_rank if mode.mode is InputMode.HOLD else np.ones(count, bool)
        beats = (scalars if is_scalar else vectors)[i]
        data = (beats.data if beats.data.ndim == 2 else beats.data[:, None])[after - ends]
        if is_scalar:
            values[i], taken_scalar[i] = data[:, :1], int(after[-1]) if count else 0
        else:
            registers[i], taken_vector[i] = data, int(after[-1]) if count else 0
    for i, beats in chosen.items():
        registers[i] = beats.data[:count]
    if program.unpack:
        taken_vector[0] = _packed_taken(packed, taken_vector[0], odd=program.unpack_odd)
    steps = Steps(tuple(registers), tuple(values), reference.stop[:count], reference.void[:count])
    return steps, tuple(taken_vector), tuple(taken_scalar)


def _wide(
    spec: FabricSpec, program: Pcu, vector: Beats, scalar: Beats
) -> tuple[Steps, tuple[int, ...], tuple[int, ...]]:
    """The steps of a matrix, several rows at a time."""
    made = wide_steps(program, vector, scalar)
    count = len(made.stop)
    registers = [*made.rows, *[np.zeros((count, spec.lanes), np.float32)] * (spec.registers - len(made.rows))]
    scalars = [*made.scalars, *[np.zeros((1, 1), np.float32)] * (spec.scalar_inputs - len(made.scalars))]
    drains = made.drains if program.drain_scale else None
    steps = Steps(tuple(registers), tuple(scalars), made.stop, np.zeros(count, bool), drains)
    return steps, (made.vector_taken,), (made.scalar_taken,)


def unpack(beats: Beats, *, odd: bool) -> Beats:
    """The bf16 vectors in packed beats: low halves, then high halves; ``odd`` leaves out the last before a stop.

    A void beat makes one.
    """
    words = np.ascontiguousarray(beats.data).view(np.uint32)
    halves = np.stack([words << np.uint32(16), words & np.uint32(0xFFFF0000)], axis=1)
    single = beats.void | ((beats.stop > 0) & odd)
    keep = np.stack([np.ones(len(single), bool), ~single], axis=1).ravel()
    zero = np.zeros_like(beats.stop)
    stop = np.stack([np.where(single, beats.stop, zero), beats.stop], axis=1).ravel()
    data = floats_of(halves.reshape(-1, words.shape[1])) if len(words) else beats.data
    return Beats(data[keep], stop[keep], np.repeat(beats.void, 2)[keep])


def _packed_taken(packed: Beats, unpacked: int, *, odd: bool) -> int:
    sizes = np.where(packed.void | ((packed.stop > 0) & odd), 1, 2)
    return int(np.searchsorted(np.cumsum(sizes), unpacked, side="right"))


def _merge(program: Pcu, vectors: list[Beats], selector: Beats) -> tuple[Beats, list[int], int]:
    """The chosen blocks one after the other, the beats taken of inputs 0 and 1, the selectors taken."""
    taken, parts, selected = [0, 0], [], 0
    kept = [np.ones(len(beats.stop), bool) for beats in vectors[:2]]
    if program.merge_empty:
        kept = [~(beats.void & (beats.stop > program.merge_rank)) for beats in vectors[:2]]
        vectors = [Beats(b.data[k], b.stop[k], b.void[k]) for b, k in zip(vectors[:2], kept, strict=True)]
    words = np.ascontiguousarray(selector.data).view(np.uint32).reshape(len(selector.stop), -1)[:, 0]
    for word, outer, void in zip(words, selector.stop, selector.void, strict=True):
        last = program.merge_rank + int(outer)
        if void:
            parts.append(Beats(np.zeros((1, vectors[0].data.shape[1]), np.float32), np.array([last], np.uint8), _VOID))
            selected += 1
            continue
        which = int(word != 0)
        beats = vectors[which]
        ends = np.flatnonzero(beats.stop[taken[which] :] >= program.merge_rank)
        stop = taken[which] + int(ends[0]) + 1 if len(ends) else len(beats.stop)
        here = slice(taken[which], stop)
        stops = beats.stop[here].copy()
        if len(ends):
            stops[-1] = last
        parts.append(Beats(beats.data[here], stops, beats.void[here]))
        taken[which] = stop
        if not len(ends):
            break
        selected += 1
    parts = [part for part in parts if len(part.stop)] or [_none(vectors[0].data.shape[1])]
    # With the beats that are popped without a step: those before the next one that is kept.
    whole = [int(np.append(np.flatnonzero(keep), len(keep))[count]) for keep, count in zip(kept, taken, strict=True)]
    return Beats.joined(parts), whole, selected


def _none(width: int) -> Beats:
    return Beats(np.empty((0, width), np.float32), np.empty(0, np.uint8), np.empty(0, bool))


def _padded(beats: list[Beats | None], count: int) -> list[Beats | None]:
    return list(beats) + [None] * (count - len(beats))


def _mode(inputs: tuple[Input, ...], index: int) -> Input:
    return inputs[index] if index < len(inputs) else Input()
