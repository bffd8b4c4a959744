"""Functional twin of the PCU: the same numbers in the same order, whole streams at once, no clock.

The text of :mod:`weft.hw.program.pcu` is what both this and the hardware implement.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.hw.numerics import apply, bits_of, convert, floats_of, flush, reduce, special
from weft.hw.numerics.format import INFINITY, MIN_NORMAL, SIGN
from weft.hw.numerics.ops import Op, Reduction
from weft.hw.program.pcu import Accumulate, Pcu, Source, Stage
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats
from weft.sim.functional.header import Steps, gather

__all__ = ["PcuResult", "run_pcu"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PcuResult:
    """Output beats (``None`` where the port is off) and how many beats each input gave."""

    vector: Beats | None
    scalar: Beats | None
    vector_taken: tuple[int, ...]
    scalar_taken: tuple[int, ...]


def run_pcu(spec: FabricSpec, program: Pcu, vector: list[Beats | None], scalar: list[Beats | None]) -> PcuResult:
    """Take as many steps as the input beats allow.

    ``vector[i].data`` is [beats, lanes], ``scalar[k].data`` [beats, 1] (or [beats]); missing inputs are ``None``.

    Raises
    ------
    ValueError
        A block needs more accumulators than ``spec.acc_depth``.
    """
    steps, taken_vector, taken_scalar = gather(spec, program, vector, scalar)
    results = _body(spec, program, steps)
    results = _tail(program, results)
    return PcuResult(
        results if program.vector_out else None,
        Beats(results.data[:, :1], results.stop, results.void) if program.scalar_out else None,
        taken_vector,
        taken_scalar,
    )


def _operand(source: Source, stage: Stage, number: int, registers: list[Floats], scalars: list[Floats]) -> Floats:
    """The operand of stage ``number``, [steps, lanes] or what broadcasts to it."""
    if source is Source.ROW:
        there = len(registers) > 1 and number < registers[1].shape[1]
        return registers[1][:, number : number + 1] if there else np.zeros((1, 1), np.float32)
    if source is Source.CONST:
        return floats_of(np.full((1, 1), stage.const, np.uint32))
    if source >= Source.SCALAR0:
        return scalars[source - Source.SCALAR0]
    return registers[source]


def _compute(stage: Stage, number: int, registers: list[Floats], scalars: list[Floats]) -> None:
    """A stage without accumulator, on all steps at once."""
    a, b, c = (_operand(source, stage, number, registers, scalars) for source in (stage.a, stage.b, stage.c))
    result = apply(stage.op, a, b, c)
    registers[stage.dst] = np.broadcast_to(result, registers[stage.dst].shape)


def _body(spec: FabricSpec, program: Pcu, steps: Steps) -> Beats:
    """All stages; [outputs, lanes] of register 0."""
    registers, scalars = list(steps.registers), list(steps.scalars)
    drained: dict[int, Floats] = {}
    blocks = _Blocks(spec, program, steps) if program.accumulate is not Accumulate.OFF else None
    for number, stage in enumerate(program.stages):
        if stage.c is Source.ACC and blocks is not None:
            a, b = (_operand(source, stage, number, registers, scalars) for source in (stage.a, stage.b))
            values = blocks.accumulate(program, stage, a, b, steps)
            drained[number] = values
            if program.accumulate is Accumulate.SCAN:
                registers[stage.dst] = values
            elif program.accumulate is Accumulate.REDUCE:
                registers[stage.dst] = np.where(blocks.block_end[:, None], values, registers[stage.dst])
        else:
            _compute(stage, number, registers, scalars)
    if blocks is None or program.accumulate is Accumulate.SCAN:
        return Beats(registers[0], steps.stop, steps.void)
    if program.accumulate is Accumulate.REDUCE:
        ends = steps.stop >= program.acc_rank
        return Beats(registers[0][ends], steps.stop[ends], np.zeros(int(ends.sum()), bool))
    return _drain(program, blocks, drained, steps)


class _Blocks:
    """Where each step stands: its block, its row in the block, its index in the row."""

    def __init__(self, spec: FabricSpec, program: Pcu, steps: Steps) -> None:
        count = len(steps.stop)
        row_end = steps.stop >= program.acc_row
        block_end = steps.stop >= program.acc_rank
        row_start = np.concatenate([[True], row_end[:-1] | block_end[:-1]])[:count]
        block_start = np.concatenate([[True], block_end[:-1]])[:count]
        position = np.arange(count)
        self.block = np.cumsum(block_start) - 1
        rows = np.cumsum(row_start)
        self.row = rows - np.maximum.accumulate(np.where(block_start, rows, 0)) if count else rows
        first = np.maximum.accumulate(np.where(row_start, position, 0)) if count else position
        self.index = position - first
        self.block_end = block_end
        if count and int(self.index.max()) >= spec.acc_depth:
            raise ValueError(
                f"a row must have at most acc_depth = {spec.acc_depth} beats, not {int(self.index.max()) + 1}"
            )
        # Blocks, rows and beats if all blocks have as many rows, all rows as many beats; no number can be lower.
        shape = (int(self.block[-1]), int(self.row.max()), int(self.index.max())) if count else (0, 0, 0)
        self.shape = (shape[0] + 1, shape[1] + 1, shape[2] + 1)
        self.full = count == self.shape[0] * self.shape[1] * self.shape[2]

    @cached_property
    def by_row(self) -> list[NDArray[np.int64]]:
        """The steps of row 0 of all blocks, of row 1, and so on."""
        order = np.argsort(self.row, kind="stable")
        edges = np.flatnonzero(np.diff(self.row[order])) + 1
        return np.split(order, edges) if len(order) else []

    def accumulate(self, program: Pcu, stage: Stage, a: Floats, b: Floats, steps: Steps) -> Floats:
        """The accumulator after each step, [steps, lanes], row by row in order."""
        shape = steps.registers[0].shape
        op, a = stage.op, np.broadcast_to(a, shape)
        b = np.broadcast_to(b, shape)
        if op is Op.MULADD:  # the product needs no accumulator: all of them at once
            op, a = Op.ADD, apply(Op.MUL, a, b, a)
        first = floats_of(np.full((), stage.const, np.uint32))
        keeps = _keeps(program, steps)
        if op is Op.ADD and self.full and keeps is None:
            sums = self._running_sums(flush(a), flush(first))
            if sums is not None:
                return sums
        blocks, _, depth = self.shape
        state = np.full((blocks, depth, shape[1]), first, np.float32)
        values = np.empty(shape, np.float32)
        for here in self.by_row:
            block, index = self.block[here], self.index[here]
            before = state[block, index]
            after = apply(op, a[here], b[here], before)
            if keeps is not None:
                after = np.where(keeps[here], before, after)
            state[block, index] = values[here] = after
        return values

    def _running_sums(self, terms: Floats, first: Floats) -> Floats | None:
        """All sums at once, where none of them needs flushing; else None.

        ``accumulate`` adds one after the other, in the same order as the unit, unlike ``sum``. Up to the first sum that
        is subnormal or NaN, flushing would have changed nothing.
        """
        rows = terms.reshape(*self.shape, terms.shape[1])
        sums = np.empty_like(rows)
        with np.errstate(all="ignore"):
            np.add(rows[:, :1], first, out=sums[:, :1])
            sums[:, 1:] = rows[:, 1:]
            np.add.accumulate(sums, axis=1, out=sums)
        magnitude = bits_of(sums) & np.uint32(SIGN - 1)
        subnormal = (magnitude != 0) & (magnitude < np.uint32(MIN_NORMAL))
        if subnormal.any() or (magnitude > np.uint32(INFINITY)).any():
            return None
        return sums.reshape(terms.shape)


def _keeps(program: Pcu, steps: Steps) -> NDArray[np.bool_] | None:
    """Where an accumulator passes over a step, [steps, lanes] or what broadcasts to it; None if nowhere."""
    void = steps.void[:, None]
    if program.row_lanes:
        lanes = np.arange(steps.registers[0].shape[1])
        void = void | ((steps.stop > 0)[:, None] & (lanes >= program.row_lanes))
    return void if void.any() else None


def _drain(program: Pcu, blocks: _Blocks, drained: dict[int, Floats], steps: Steps) -> Beats:
    """One beat for each accumulator of each drained stage, block after block."""
    lanes = steps.registers[0].shape[1]
    parts: list[Floats] = []
    stops: list[NDArray[np.uint8]] = []
    taken = 0
    for end in np.flatnonzero(blocks.block_end):
        row = slice(end - blocks.index[end], end + 1)
        if program.drain_sum:
            scales = None if steps.drains is None else steps.drains[taken : taken + row.stop - row.start]
            values = _drain_sum(program, {number: each[row] for number, each in drained.items()}, scales)
            taken += len(values)
            parts.append(values)
            stops.append(steps.stop[row][: len(values)])
            continue
        for number in range(program.drain_stage, program.drain_stage + program.drain_stages):
            stop = steps.stop[row].copy()
            if number < program.drain_stage + program.drain_stages - 1:
                stop[-1] = program.acc_row
            parts.append(_drain_stages(program, number, drained[number][row]))
            stops.append(stop)
    if not parts:
        return Beats(np.empty((0, lanes), np.float32), np.empty(0, np.uint8), np.empty(0, bool))
    stop = np.concatenate(stops)
    return Beats(np.concatenate(parts), stop, np.zeros(len(stop), bool))


def _drain_stages(program: Pcu, drained: int, values: Floats) -> Floats:
    """A drain step's way through the stages, its registers zero at first, its scalars one."""
    registers = [np.zeros_like(values)] * 4
    scalars = [np.ones((1, 1), np.float32)] * 8
    for number, stage in enumerate(program.stages):
        if number == drained:
            registers[stage.dst] = values
        elif stage.c is not Source.ACC:
            _compute(stage, number, registers, scalars)
    return registers[0]


def _drain_sum(program: Pcu, drained: dict[int, Floats], taken: Floats | None) -> Floats:
    """The same with all accumulators, ``drained`` by stage, added up, and register 1 as taken."""
    if taken is not None:
        drained = {number: values[: len(taken)] for number, values in drained.items()}
    zeros = np.zeros_like(next(iter(drained.values())))
    registers, scalars = [zeros] * 4, [np.ones((1, 1), np.float32)] * 8
    if taken is not None:
        registers[1] = taken
    for number, stage in enumerate(program.stages):
        if number in drained:
            b = _operand(stage.b, stage, number, registers, scalars)
            registers[stage.dst] = apply(stage.op, registers[stage.dst], b, drained[number])
        else:
            _compute(stage, number, registers, scalars)
    return registers[0]


def _tail(program: Pcu, beats: Beats) -> Beats:
    data = beats.data
    if program.reduction is not Reduction.NONE:
        data = np.broadcast_to(reduce(program.reduction, data, axis=-1)[:, None], data.shape)
    data = convert(program.conversion, special(program.special, data))
    stop = beats.stop.astype(np.int16)
    stop = np.where(stop >= program.stop_rank, stop - program.stop_sub + program.stop_add, stop)
    return Beats(np.ascontiguousarray(data), stop.astype(np.uint8), beats.void)
