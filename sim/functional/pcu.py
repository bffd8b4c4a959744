"""Functional twin of the PCU: the same numbers in the same order, whole streams at once, no clock.

The text of :mod:`weft.hw.program.pcu` is what both this and the hardware implement; which beats make which step is
described in :mod:`weft.hw.program.firings.pcu`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from weft.hw.numerics import apply, bits_of, convert, floats_of, flush, reduce, special
from weft.hw.numerics.format import INFINITY, MIN_NORMAL, SIGN
from weft.hw.numerics.ops import Op, Reduction
from weft.hw.program.firings.accumulate import Blocks
from weft.hw.program.firings.pcu import PcuFirings, firings_of
from weft.hw.program.firings.process import Where
from weft.hw.program.firings.stream import Shape
from weft.hw.program.firings.wide import Wide
from weft.hw.program.pcu import Accumulate, Pcu, Source, Stage, Word
from weft.hw.spec import FabricSpec
from weft.sim.device import Beats
from weft.sim.functional.header import Steps, gather
from weft.sim.functional.shapes import shape_of
from weft.sim.functional.wide import gather_wide

__all__ = ["PcuResult", "run_pcu"]

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class PcuResult:
    """Output beats (``None`` where the port is off) and how many beats each input gave."""

    vector: Beats | None
    scalar: Beats | None
    taken: Mapping[Where, int]


def run_pcu(spec: FabricSpec, program: Pcu, given: Mapping[Where, Beats]) -> PcuResult:
    """Take as many steps as the input beats allow.

    Data of a vector input are [beats, lanes], of a scalar input [beats, 1] (or [beats]).

    Raises
    ------
    ValueError
        A block needs more accumulators than ``spec.acc_depth``.
    """
    does = firings_of(program, {where: shape_of(beats) for where, beats in given.items()})
    if isinstance(does.header, Wide):
        steps = gather_wide(spec, program, does.header, given)
    else:
        steps = gather(spec, program, does.header, given)
    data, output = _tail(program, _body(spec, does, steps)), does.output
    return PcuResult(
        Beats(data, output.stop, output.void) if program.vector_out else None,
        Beats(data[:, :1], output.stop, output.void) if program.scalar_out else None,
        does.taken,
    )


def _operand(name: str, stage: Stage, number: int, registers: Sequence[Floats], scalars: Sequence[Floats]) -> Floats:
    """Operand ``a``, ``b`` or ``c`` of stage ``number``, [steps, lanes] or what broadcasts to it."""
    source: Source = getattr(stage, name)
    if source.register is not None:
        return registers[source.register]
    words = source.words(name, stage=number, lanes=registers[0].shape[1])
    if not words or any((word.source.register or 0) >= len(registers) for word in words):
        return np.zeros((1, 1), np.float32)
    alike = len(set(words)) == 1
    columns = [_column(word, stage, registers, scalars) for word in (words[:1] if alike else words)]
    return columns[0] if alike else np.hstack(np.broadcast_arrays(*columns))


def _column(word: Word, stage: Stage, registers: Sequence[Floats], scalars: Sequence[Floats]) -> Floats:
    """One word of every step, [steps, 1] or [1, 1]."""
    if word.source is Source.CONST:
        return floats_of(np.full((1, 1), stage.const, np.uint32))
    if word.source.register is None:
        return scalars[word.source - Source.SCALAR0]
    return registers[word.source.register][:, word.lane : word.lane + 1]


def _compute(stage: Stage, number: int, registers: list[Floats], scalars: Sequence[Floats]) -> None:
    """A stage without accumulator, on all steps at once."""
    a, b, c = (_operand(name, stage, number, registers, scalars) for name in "abc")
    result = apply(stage.op, a, b, c)
    registers[stage.dst] = np.broadcast_to(result, registers[stage.dst].shape)


def _body(spec: FabricSpec, does: PcuFirings, steps: Steps) -> Floats:
    """All stages; [outputs, lanes] of register 0."""
    program, blocks = does.program, does.blocks
    registers, scalars = list(steps.registers), steps.scalars
    drained: dict[int, Floats] = {}
    sums = _Accumulators(spec, program, blocks, does.header.steps) if blocks is not None else None
    for number, stage in enumerate(program.stages):
        if stage.c is Source.ACC and sums is not None:
            a, b = (_operand(name, stage, number, registers, scalars) for name in "ab")
            values = sums.after(stage, a, b, registers[0].shape)
            drained[number] = values
            if program.accumulate is Accumulate.SCAN:
                registers[stage.dst] = values
            elif program.accumulate is Accumulate.REDUCE:
                registers[stage.dst] = np.where(sums.blocks.ends[:, None], values, registers[stage.dst])
        else:
            _compute(stage, number, registers, scalars)
    if blocks is None or program.accumulate is Accumulate.SCAN:
        return registers[0]
    if program.accumulate is Accumulate.REDUCE:
        return registers[0][blocks.ends]
    return _drain(does, blocks, drained, steps)


class _Accumulators:
    """The accumulators of a stage, step by step."""

    def __init__(self, spec: FabricSpec, program: Pcu, blocks: Blocks, steps: Shape) -> None:
        self.blocks, self._program, self._steps = blocks, program, steps
        count, deepest = len(steps), int(blocks.index.max(initial=0))
        if deepest >= spec.acc_depth:
            raise ValueError(f"a row must have at most acc_depth = {spec.acc_depth} beats, not {deepest + 1}")
        # Blocks, rows and beats if all blocks have as many rows, all rows as many beats; no number can be lower.
        last = int(blocks.block[-1]) if count else 0
        self.shape = (last + 1, int(blocks.row.max(initial=0)) + 1, deepest + 1)
        self.full = count == self.shape[0] * self.shape[1] * self.shape[2]

    @cached_property
    def by_row(self) -> list[NDArray[np.int64]]:
        """The steps of row 0 of all blocks, of row 1, and so on."""
        order = np.argsort(self.blocks.row, kind="stable")
        edges = np.flatnonzero(np.diff(self.blocks.row[order])) + 1
        return np.split(order, edges) if len(order) else []

    def after(self, stage: Stage, a: Floats, b: Floats, shape: tuple[int, ...]) -> Floats:
        """The accumulator after each step, of this shape [steps, lanes], row by row in order."""
        op, a = stage.op, np.broadcast_to(a, shape)
        b = np.broadcast_to(b, shape)
        if op is Op.MULADD:  # the product needs no accumulator: all of them at once
            op, a = Op.ADD, apply(Op.MUL, a, b, a)
        first = floats_of(np.full((), stage.const, np.uint32))
        keeps = self._keeps(shape[1])
        if op is Op.ADD and self.full and keeps is None:
            sums = self._running_sums(flush(a), flush(first))
            if sums is not None:
                return sums
        blocks, _, depth = self.shape
        state = np.full((blocks, depth, shape[1]), first, np.float32)
        values = np.empty(shape, np.float32)
        for here in self.by_row:
            block, index = self.blocks.block[here], self.blocks.index[here]
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

    def _keeps(self, lanes: int) -> NDArray[np.bool_] | None:
        """Where an accumulator passes over a step, [steps, lanes] or what broadcasts to it; None if nowhere."""
        void, inside = self._steps.void[:, None], self._program.row_lanes
        if inside:
            void = void | ((self._steps.stop > 0)[:, None] & (np.arange(lanes) >= inside))
        return void if void.any() else None


def _drain(does: PcuFirings, blocks: Blocks, drained: dict[int, Floats], steps: Steps) -> Floats:
    """One beat for each accumulator of each drained stage, block after block, [drain steps, lanes]."""
    program, count = does.program, len(does.output)
    step, stage = blocks.drains.step[:count], blocks.drains.stage[:count]
    if program.drain_sum:
        return _drain_sum(program, {number: each[step] for number, each in drained.items()}, steps.drains)
    result = np.empty((count, steps.registers[0].shape[1]), np.float32)
    for number in range(program.drain_stages):
        here = stage == number
        place = program.drain_stage + number
        result[here] = _drain_stages(program, place, drained[place][step[here]])
    return result


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
    zeros = np.zeros_like(next(iter(drained.values())))
    registers, scalars = [zeros] * 4, [np.ones((1, 1), np.float32)] * 8
    if taken is not None:
        registers[1] = taken
    for number, stage in enumerate(program.stages):
        if number in drained:
            b = _operand("b", stage, number, registers, scalars)
            registers[stage.dst] = apply(stage.op, registers[stage.dst], b, drained[number])
        else:
            _compute(stage, number, registers, scalars)
    return registers[0]


def _tail(program: Pcu, data: Floats) -> Floats:
    if program.reduction is not Reduction.NONE:
        data = np.broadcast_to(reduce(program.reduction, data, axis=-1)[:, None], data.shape)
    return np.ascontiguousarray(convert(program.conversion, special(program.special, data)))
