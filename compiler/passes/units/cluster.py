"""Which operations share a PCU: a chain of them becomes header, stages and tail of one program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.matmul import MatmulOp
from weft.compiler.mapped.onchip import (
    AccumOp,
    ExpandOp,
    FlattenOp,
    MapOp,
    MergeOp,
    PromoteOp,
    ScanOp,
    UnpackOp,
    stream,
)
from weft.compiler.mapped.product import ProductOp
from weft.compiler.mapped.types import DYNAMIC, Kind, dims_text
from weft.compiler.passes.units.product import product_program
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.spec import FabricSpec

__all__ = ["Cluster", "Unfit", "build"]


class Unfit(Exception):
    """These operations cannot share a PCU."""


_STAGES = {
    "mul": (Op.MUL, "ab"), "add": (Op.ADD, "ac"), "sub": (Op.SUB, "ac"), "max": (Op.MAX, "ac"), "min": (Op.MIN, "ac"),
    "lt": (Op.LT, "ac"), "le": (Op.LE, "ac"), "eq": (Op.EQ, "ac"), "muladd": (Op.MULADD, "abc"),
    "select": (Op.SELECT, "abc"),
}  # fmt: skip
"""A function's operation, and the operands of the function unit that its own take in order."""
_SPECIALS = {
    "exp": Special.EXP, "reciprocal": Special.RECIPROCAL, "rsqrt": Special.RSQRT, "sigmoid": Special.SIGMOID,
}  # fmt: skip
_CONVERSIONS = {"bf16": Conversion.TO_BF16, "int32": Conversion.TO_INT32, "float": Conversion.FROM_INT32}
_REDUCTIONS = {"add": Reduction.SUM, "max": Reduction.MAX, "min": Reduction.MIN}
_ACCUMULATORS = {"add": Op.ADD, "max": Op.MAX, "min": Op.MIN}


@dataclass
class Cluster:
    """A PCU's program and the values at its vector and scalar inputs, in the order of the ports."""

    program: Pcu
    vector: list[SSAValue]
    scalar: list[SSAValue]


@dataclass
class _Draft:
    spec: FabricSpec
    operations: Sequence[Operation]
    vector: list[SSAValue] = field(default_factory=list)
    scalar: list[SSAValue] = field(default_factory=list)
    modes: dict[tuple[bool, int], Input] = field(default_factory=dict)
    where: dict[SSAValue, Source] = field(default_factory=dict)
    stages: list[Stage] = field(default_factory=list)
    program: Pcu = field(default_factory=Pcu)
    reference: Source | None = None
    in_tail: bool = False
    stop: tuple[int, int, int] | None = None

    def uses_after(self, value: SSAValue, position: int) -> int:
        return sum(value in operation.operands for operation in self.operations[position + 1 :])

    # -- header -----------------------------------------------------------------------------------------

    def operand(self, value: SSAValue) -> Source:
        """Where an operand is found: made by an earlier operation, or at an input that is allotted now."""
        if value in self.where:
            return self.where[value]
        if self.program.accumulate is not Accumulate.OFF:
            raise Unfit("inputs after an accumulation")
        outer, hold = value, 0
        like = None
        if isinstance(value.owner, ExpandOp):
            like = value.owner.like
            hold = stream(like).rank - stream(value.owner.value).rank
            outer = value.owner.value
            if outer in self.where:
                raise Unfit("expands what it computes")
        source = self.input(outer, Input(InputMode.HOLD if hold else InputMode.EACH, hold))
        self.where[value] = source
        if like is not None and like not in self.where:
            self.likes.append(like)
        return source

    likes: list[SSAValue] = field(default_factory=list)

    def input(self, value: SSAValue, mode: Input) -> Source:
        unpack = isinstance(value.owner, UnpackOp)
        carried = value.owner.value if isinstance(value.owner, UnpackOp) else value
        kind = stream(value).kind
        scalar = kind is Kind.SCALAR
        ports = self.scalar if scalar else self.vector
        limit = self.spec.scalar_inputs if scalar else self.spec.vector_inputs
        if unpack:
            if self.vector:
                raise Unfit("packed beats must come first")
            columns = row_beats(stream(value).dims[-1], self.spec, packed=False)
            self.program = replace(self.program, unpack=Unpack.BF16, unpack_odd=bool(columns % 2))
        if len(ports) == limit:
            raise Unfit("too many inputs")
        ports.append(carried)
        index = len(ports) - 1
        self.modes[scalar, index] = mode
        source = Source.scalar(index) if scalar else Source(index)
        if mode.mode is InputMode.EACH and self.reference is None:
            self.reference = source
        return source

    def merge(self, operation: MergeOp) -> None:
        if self.where or self.vector:
            raise Unfit("merge must come first")
        self.vector, self.scalar = [operation.zero, operation.other], [operation.which]
        if isinstance(operation.zero.owner, UnpackOp) or isinstance(operation.other.owner, UnpackOp):
            raise Unfit("merge of packed beats")
        rank = stream(operation.zero).rank - stream(operation.which).rank
        self.program = replace(self.program, merge=True, merge_rank=rank)
        self.reference = Source.REG0
        self.where[operation.result] = Source.REG0

    def matmul(self, operation: MatmulOp) -> None:
        """A stage for each row. The matrix passes all of them, its columns are held beside it."""
        if self.where or self.vector:
            raise Unfit("matmul must come first")
        rows, keep = operation.rows, operation.keep.value.data
        most = min(self.spec.stages, self.spec.lanes)
        if rows > most:
            raise WeftError(
                f"rows of {operation.name} ({operation.result.name_hint or 'unnamed'}) must be at most {most}, stages "
                f"and lanes of a PCU in fabric {self.spec.name!r}, not {rows}"
            )
        _check_row(operation, stream(operation.matrix).dims[-keep:], self.spec)
        self.input(operation.matrix, Input(InputMode.EACH))
        self.input(operation.columns, Input(InputMode.HOLD, keep))
        self.stages = [Stage(Op.MULADD, Source.REG0, Source.ROW, Source.ACC, dst=0)] * rows
        self.program = replace(
            self.program, accumulate=Accumulate.DRAIN, acc_row=keep, acc_rank=keep + 1, drain_stages=rows
        )
        self.where[operation.result] = Source.REG0

    def product(self, operation: ProductOp) -> None:
        """The whole program of a product, which only what needs no more inputs can follow."""
        if self.where or self.vector:
            raise Unfit("product must come first")
        self.program = product_program(operation, self.spec)
        self.vector, self.scalar = [operation.weights], [operation.numbers]
        for scalar, inputs in ((False, self.program.vector), (True, self.program.scalar)):
            self.modes |= {(scalar, number): each for number, each in enumerate(inputs)}
        self.stages = list(self.program.stages)
        self.stop = (self.program.stop_rank, self.program.stop_sub, self.program.stop_add)
        self.reference = self.where[operation.result] = Source.REG0

    # -- body -------------------------------------------------------------------------------------------

    def place(self, stage: Stage, result: SSAValue, position: int) -> None:
        """Add a stage; its result goes to a register that nobody needs any more, register 0 if it can."""
        if self.in_tail:
            raise Unfit("stage after the tail")
        if len(self.stages) == self.spec.stages:
            raise Unfit("too many stages")
        live = {
            source for value, source in self.where.items() if source < Source.CONST and self.uses_after(value, position)
        }
        free = [number for number in range(self.spec.registers) if Source(number) not in live]
        if not free:
            raise Unfit("too few registers")
        self.stages.append(replace(stage, dst=free[0]))
        self.where[result] = Source(free[0])

    def map(self, operation: MapOp, position: int) -> None:
        name = operation.function.data
        sources = [self.operand(value) for value in operation.inputs]
        if name not in _STAGES:
            self.tail(operation, sources[0], position)
            return
        op, slots = _STAGES[name]
        const = 0
        if operation.const is not None:
            const = _word(operation.const.value.data)
            sources.append(Source.CONST)
        named = dict(zip(slots, sources, strict=True))
        self.place(Stage(op=op, const=const, **named), operation.result, position)

    def tail(self, operation: MapOp, source: Source, position: int) -> None:
        name = operation.function.data
        if not self.in_tail and source is not Source.REG0:
            self.place(Stage(op=Op.PASS, a=source), operation.result, position)
            source = self.where[operation.result]
        if self.in_tail and self.where.get(operation.inputs[0]) is not Source.REG0:
            raise Unfit("tail of two values")
        if source is not Source.REG0:
            raise Unfit("result not in register 0")
        if name in _SPECIALS:
            if self.program.special is not Special.NONE or self.program.conversion is not Conversion.NONE:
                raise Unfit("two special functions")
            self.program = replace(self.program, special=_SPECIALS[name])
        else:
            if self.program.conversion is not Conversion.NONE:
                raise Unfit("two conversions")
            self.program = replace(self.program, conversion=_CONVERSIONS[name])
        self.in_tail = True
        self.where[operation.result] = Source.REG0

    def accumulate(self, operation: AccumOp | ScanOp, position: int) -> None:
        if self.program.accumulate is not Accumulate.OFF:
            raise Unfit("two accumulations")
        if self.stop is not None:
            raise Unfit("accumulation after a change of shape")
        over, keep = operation.over.value.data, operation.keep.value.data
        _check_row(operation, stream(operation.value).dims[stream(operation.value).rank - keep :], self.spec)
        name = operation.function.data
        source = self.operand(operation.value)
        lanes_too = isinstance(operation, AccumOp) and keep == 0 and stream(operation.value).kind is Kind.VECTOR
        init = operation.init.value.data / (self.spec.lanes if lanes_too and name == "add" else 1)
        previous = self.stages[-1] if self.stages else None
        made_here = isinstance(operation.value.owner, MapOp) and operation.value in self.where
        if name == "add" and made_here and previous is not None and previous.op is Op.MUL and previous.dst == source:
            if previous.const and Source.CONST in (previous.a, previous.b):
                previous = None  # the constant is needed for the product
            else:
                self.stages.pop()
        else:
            previous = None
        stage = previous or Stage(op=_ACCUMULATORS[name], a=source)
        op = Op.MULADD if previous else stage.op
        self.place(replace(stage, op=op, c=Source.ACC, const=_word(init)), operation.result, position)
        mode = Accumulate.SCAN
        if isinstance(operation, AccumOp):
            mode = Accumulate.DRAIN if keep else Accumulate.REDUCE
            self.stop = (keep + over, over, 0)
        self.program = replace(
            self.program, accumulate=mode, acc_row=keep, acc_rank=keep + over, drain_stage=len(self.stages) - 1
        )
        if lanes_too:
            self.program = replace(self.program, reduction=_REDUCTIONS[name])
            if self.where[operation.result] is not Source.REG0:
                raise Unfit("reduction of another register")
            self.in_tail = True

    def reshape(self, operation: FlattenOp | PromoteOp) -> None:
        source = self.operand(operation.value)
        if isinstance(operation, PromoteOp):
            if self.stop is not None:
                raise Unfit("two changes of shape")
            self.stop = (stream(operation.value).rank, 0, 1)
        elif self.stop is None:
            self.stop = (1, 1, 0)
        elif self.program.accumulate is Accumulate.DRAIN and self.program.acc_row == 1 and self.stop[1] == 1:
            self.stop = (2, 2, 0)  # a row's own end is never the last of what is drained
        else:
            raise Unfit("two changes of shape")
        self.where[operation.result] = source


def _check_row(operation: AccumOp | ScanOp | MatmulOp, row: tuple[int, ...], spec: FabricSpec) -> None:
    """A row takes an accumulator for each beat; a dynamic one the device checks."""
    if not row or DYNAMIC in row:
        return
    scalar = isinstance(operation, AccumOp | ScanOp) and stream(operation.value).kind is Kind.SCALAR
    beats = prod(row[:-1]) * (row[-1] if scalar else row_beats(row[-1], spec, packed=False))
    if beats > spec.acc_depth:
        raise WeftError(
            f"a row {dims_text(row)} of {operation.name} ({operation.result.name_hint or 'unnamed'}) must be at most "
            f"acc_depth = {spec.acc_depth} beats in fabric {spec.name!r}, not {beats}: "
            f"set acc_depth={1 << (beats - 1).bit_length()}"
        )


def _word(value: float) -> int:
    return int(np.float32(value).view(np.uint32))


def build(operations: Sequence[Operation], spec: FabricSpec) -> Cluster:
    """The program of one PCU for a chain of operations, the last of which gives the result.

    Raises
    ------
    Unfit
        They need more than one PCU has.
    WeftError
        A row of an accumulation has more beats than the fabric has accumulators.
    """
    draft = _Draft(spec, operations)
    for position, operation in enumerate(operations):
        if isinstance(operation, MapOp):
            draft.map(operation, position)
        elif isinstance(operation, AccumOp | ScanOp):
            draft.accumulate(operation, position)
        elif isinstance(operation, MergeOp):
            draft.merge(operation)
        elif isinstance(operation, MatmulOp):
            draft.matmul(operation)
        elif isinstance(operation, ProductOp):
            draft.product(operation)
        elif isinstance(operation, FlattenOp | PromoteOp):
            draft.reshape(operation)
    result = operations[-1].results[0]
    if draft.reference is None:
        if not draft.likes:
            raise Unfit("no reference")
        draft.input(draft.likes[0], Input(InputMode.EACH))
    if draft.where[result] is not Source.REG0:
        if draft.in_tail:
            raise Unfit("result not in register 0")
        draft.place(Stage(op=Op.PASS, a=draft.where[result]), result, len(operations))
    rank, sub, add = draft.stop or (0, 0, 0)
    scalar = stream(result).kind is Kind.SCALAR
    program = replace(
        draft.program,
        vector=tuple(draft.modes.get((False, i), Input()) for i in range(spec.vector_inputs)),
        scalar=tuple(draft.modes.get((True, k), Input()) for k in range(spec.scalar_inputs)),
        reference=draft.reference,
        stages=tuple(draft.stages) + (Stage(),) * (spec.stages - len(draft.stages)),
        stop_rank=rank,
        stop_sub=sub,
        stop_add=add,
        vector_out=not scalar,
        scalar_out=scalar,
    )
    return Cluster(program, draft.vector, draft.scalar)
