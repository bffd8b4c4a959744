"""Which operations share a PCU: a chain of them becomes header, stages and tail of one program.

In three steps: the values from outside get ports, the operations become stages in terms of values, and the values get
registers (:mod:`weft.compiler.passes.units.registers`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from xdsl.ir import Operation, SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.accum import AccumOp, ScanOp
from weft.compiler.mapped.beats import LaneOp, SpreadOp, UnpackOp
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.function import operands_of
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.matmul import MatmulOp
from weft.compiler.mapped.merge import MergeOp
from weft.compiler.mapped.product import ProductOp
from weft.compiler.mapped.shape import FlattenOp, PromoteOp
from weft.compiler.mapped.types import DYNAMIC, Kind, dims_text
from weft.compiler.mapped.values import stream
from weft.compiler.passes.units.product import product_program
from weft.compiler.passes.units.registers import Node, allocate_registers
from weft.compiler.passes.units.unfit import Unfit
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.spec import FabricSpec

__all__ = ["Cluster", "Unfit", "build"]

_REDUCTIONS = {Op.ADD: Reduction.SUM, Op.MAX: Reduction.MAX, Op.MIN: Reduction.MIN}


@dataclass
class Cluster:
    """A PCU's program and the values at its vector and scalar inputs, in the order of the ports."""

    program: Pcu
    vector: list[SSAValue]
    scalar: list[SSAValue]


@dataclass
class _Ports:
    """The header: which value comes in where."""

    spec: FabricSpec
    vector: list[SSAValue] = field(default_factory=list)
    scalar: list[SSAValue] = field(default_factory=list)
    modes: dict[tuple[bool, int], Input] = field(default_factory=dict)
    where: dict[SSAValue, Source] = field(default_factory=dict)
    likes: list[SSAValue] = field(default_factory=list)
    reference: Source | None = None
    unpack: Unpack = Unpack.OFF
    unpack_odd: bool = False

    def bring(self, value: SSAValue, made_here: set[SSAValue]) -> None:
        """Allot a port to a value from outside; an expanded one is held against what it is like."""
        if not isinstance(value.owner, ExpandOp):
            self.where[value] = self.allot(value, Input(InputMode.EACH))
            return
        like, outer = value.owner.like, value.owner.value
        if outer in made_here:
            raise Unfit("expands what it computes")
        hold = stream(like).rank - stream(outer).rank
        self.where[value] = self.allot(outer, Input(InputMode.HOLD, hold))
        if like not in made_here:
            self.likes.append(like)

    def allot(self, value: SSAValue, mode: Input) -> Source:
        """The next port of the value's network."""
        unpack = isinstance(value.owner, UnpackOp)
        carried = value.owner.value if isinstance(value.owner, UnpackOp) else value
        scalar = stream(value).kind is Kind.SCALAR
        ports = self.scalar if scalar else self.vector
        if unpack:
            if self.vector:
                raise Unfit("packed beats must come first")
            columns = row_beats(stream(value).dims[-1], self.spec, packed=False)
            self.unpack, self.unpack_odd = Unpack.BF16, bool(columns % 2)
        if len(ports) == (self.spec.scalar_inputs if scalar else self.spec.vector_inputs):
            field = "scalar_inputs" if scalar else "vector_inputs"
            raise Unfit(f"{field} = {getattr(self.spec, field)} are too few")
        ports.append(carried)
        index = len(ports) - 1
        self.modes[scalar, index] = mode
        source = Source.scalar(index) if scalar else Source(index)
        if mode.mode is InputMode.EACH and self.reference is None:
            self.reference = source
        return source

    def finish(self) -> Source:
        """The reference: an input of which each beat makes a step."""
        if self.reference is None:
            if not self.likes:
                raise Unfit("no reference")
            self.allot(self.likes[0], Input(InputMode.EACH))
        assert self.reference is not None
        return self.reference


@dataclass
class _Draft:
    """Stages and tail of a chain, operation by operation."""

    spec: FabricSpec
    ports: _Ports
    nodes: list[Node] = field(default_factory=list)
    program: Pcu = field(default_factory=Pcu)
    value: SSAValue | None = None
    """What leaves the body, or the tail so far."""
    body: SSAValue | None = None
    """What leaves the body, once the tail has begun."""
    stop: tuple[int, int, int] | None = None
    names: dict[SSAValue, SSAValue] = field(default_factory=dict)
    """Values that are others under a new shape."""

    def operand(self, value: SSAValue) -> SSAValue | Source:
        """A value as a stage reads it."""
        value = self.names.get(value, value)
        source = self.ports.where.get(value)
        return source if source is not None and source > Source.REG3 else value

    def add(self, node: Node) -> None:
        if self.body is not None:
            raise Unfit("stage after the tail")
        self.nodes.append(node)
        self.value = node.result

    # -- body -------------------------------------------------------------------------------------------

    def map(self, operation: MapOp) -> None:
        function = operation.function
        if not isinstance(function, Op):
            self.tail(function, operation)
            return
        if self.stop is not None and any(isinstance(value.owner, ExpandOp) for value in operation.inputs):
            raise Unfit("inputs that are held after a change of shape")  # the header sees the stops before it
        operands = [self.operand(value) for value in operation.inputs]
        const = 0
        if operation.const is not None:
            const = _word(operation.const.value.data)
            operands.insert(operation.const_place, Source.CONST)
        self.add(Node(function, dict(zip(operands_of(function), operands, strict=True)), operation.result, const))

    def tail(self, function: Special | Conversion, operation: MapOp) -> None:
        given = self.names.get(operation.inputs[0], operation.inputs[0])
        if self.body is None:
            self.enter_tail(given)
        elif given is not self.value:
            raise Unfit("tail of two values")
        if isinstance(function, Special):
            if self.program.special is not Special.NONE or self.program.conversion is not Conversion.NONE:
                raise Unfit("two special functions")
            self.program = replace(self.program, special=function)
        else:
            if self.program.conversion is not Conversion.NONE:
                raise Unfit("two conversions")
            self.program = replace(self.program, conversion=function)
        self.value = operation.result

    def enter_tail(self, value: SSAValue) -> None:
        if isinstance(self.operand(value), Source):  # a scalar input is in no register yet
            self.add(Node(Op.PASS, {"a": self.operand(value)}, value))
            self.ports.where.pop(value)
        self.body = value

    def accumulate(self, operation: AccumOp | ScanOp) -> None:
        if self.program.accumulate is not Accumulate.OFF:
            raise Unfit("two accumulations")
        if self.stop is not None:
            raise Unfit("accumulation after a change of shape")
        given = stream(operation.value)
        over, keep = operation.over.value.data, operation.keep.value.data
        _check_row(operation, given.dims[given.rank - keep :], self.spec)
        function = operation.function
        lanes_too = isinstance(operation, AccumOp) and keep == 0 and given.kind is Kind.VECTOR
        init = operation.init.value.data
        if lanes_too and function is Op.ADD:
            init /= self.spec.lanes
        product = self.nodes[-1] if self.nodes else None
        if (
            function is Op.ADD
            and product is not None
            and product.op is Op.MUL
            and product.result is operation.value
            and Source.CONST not in product.operands.values()  # the constant is needed for the first value
        ):
            self.nodes.pop()
            node = Node(Op.MULADD, {**product.operands, "c": Source.ACC}, operation.result, _word(init))
        else:
            operands = {"a": self.operand(operation.value), "c": Source.ACC}
            node = Node(function, operands, operation.result, _word(init))
        mode = Accumulate.SCAN
        if isinstance(operation, AccumOp):
            mode = Accumulate.DRAIN if keep else Accumulate.REDUCE
            self.stop = (keep + over, over, 0)
        self.program = replace(
            self.program, accumulate=mode, acc_row=keep, acc_rank=keep + over, drain_stage=len(self.nodes)
        )
        self.add(node)
        if lanes_too:
            # Of a row whose length the types do not know the lay-out has made the lanes behind its end neutral.
            row_lanes = 0 if given.dims[-1] == DYNAMIC else given.dims[-1] % self.spec.lanes
            self.program = replace(self.program, reduction=_REDUCTIONS[function], row_lanes=row_lanes)
            self.body = operation.result

    # -- whole programs ---------------------------------------------------------------------------------

    def merge(self, operation: MergeOp) -> None:
        if self.ports.where or self.ports.vector:
            raise Unfit("merge must come first")
        if isinstance(operation.zero.owner, UnpackOp) or isinstance(operation.other.owner, UnpackOp):
            raise Unfit("merge of packed beats")
        self.ports.vector, self.ports.scalar = [operation.zero, operation.other], [operation.which]
        # Blocks that are never empty: only a stream without any sends a void beat.
        block = stream(operation.zero).dims[stream(operation.zero).rank - operation.block_rank :]
        without = stream(operation.which).rank > 0 and all(size > 0 for size in block)
        self.program = replace(self.program, merge=True, merge_rank=operation.block_rank, merge_empty=without)
        self.result_in_register(operation.result)

    def matmul(self, operation: MatmulOp) -> None:
        """A stage for each row. The matrix passes all of them, its columns are held beside it."""
        if self.ports.where or self.ports.vector:
            raise Unfit("matmul must come first")
        rows, keep = operation.rows, operation.keep.value.data
        most = min(self.spec.stages, self.spec.lanes)
        if rows > most:
            raise WeftError(
                f"rows of {operation.name} ({operation.result.name_hint or 'unnamed'}) must be at most {most}, stages "
                f"and lanes of a PCU in fabric {self.spec.name!r}, not {rows}"
            )
        _check_row(operation, stream(operation.matrix).dims[-keep:], self.spec)
        self.ports.allot(operation.matrix, Input(InputMode.EACH))
        self.ports.allot(operation.columns, Input(InputMode.HOLD, keep))
        self.program = replace(
            self.program,
            stages=(Stage(Op.MULADD, Source.REG0, Source.ROW, Source.ACC),) * rows,
            accumulate=Accumulate.DRAIN,
            acc_row=keep,
            acc_rank=keep + 1,
            drain_stages=rows,
        )
        self.result_in_register(operation.result)

    def product(self, operation: ProductOp) -> None:
        """The whole program of a product, which only what needs no more inputs can follow."""
        if self.ports.where or self.ports.vector:
            raise Unfit("product must come first")
        self.program = product_program(operation, self.spec)
        self.ports.vector, self.ports.scalar = [operation.weights], [operation.numbers]
        for scalar, inputs in ((False, self.program.vector), (True, self.program.scalar)):
            self.ports.modes |= {(scalar, number): each for number, each in enumerate(inputs)}
        self.stop = (self.program.stop_rank, self.program.stop_sub, self.program.stop_add)
        self.result_in_register(operation.result)

    def result_in_register(self, result: SSAValue) -> None:
        """The first operation's result is in register 0 before any further stage."""
        self.ports.reference = self.ports.where[result] = Source.REG0
        self.value = result

    # -- shapes -----------------------------------------------------------------------------------------

    def reshape(self, operation: FlattenOp | PromoteOp) -> None:
        level = operation.level if isinstance(operation, FlattenOp) else 0
        if isinstance(operation, PromoteOp):
            if self.stop is not None:
                raise Unfit("two changes of shape")
            self.stop = (operation.level, 0, 1)
        elif self.stop is None:
            self.stop = (level, 1, 0)
        elif (
            level == 1
            and self.program.accumulate is Accumulate.DRAIN
            and self.program.acc_row == 1
            and self.stop[1] == 1
        ):
            self.stop = (2, 2, 0)  # a row's own end is never the last of what is drained
        else:
            raise Unfit("two changes of shape")
        self.rename(operation.result, operation.value)

    def rename(self, result: SSAValue, value: SSAValue) -> None:
        """``result`` is ``value`` in another form."""
        known = self.names.get(value, value)
        if known is self.value or self.value is None:
            self.value = known
        self.names[result] = known


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
    """The bits of a float32, or of an integer."""
    return value & 0xFFFF_FFFF if isinstance(value, int) else int(np.float32(value).view(np.uint32))


def _bring_inputs(ports: _Ports, operations: Sequence[Operation]) -> None:
    """Ports for all values from outside, packed beats first, then in the order in which operations take them."""
    made_here: set[SSAValue] = {value for operation in operations for value in operation.results}
    accumulated = False
    brought: dict[SSAValue, None] = {}
    for operation in operations:
        if not isinstance(operation, MergeOp | MatmulOp | ProductOp):
            new = [value for value in operation.operands if value not in made_here and value not in brought]
            if new and accumulated:
                raise Unfit("inputs after an accumulation")
            brought |= dict.fromkeys(new)
        accumulated |= isinstance(operation, AccumOp | ScanOp | MatmulOp | ProductOp)
    for value in sorted(brought, key=lambda each: not isinstance(each.owner, UnpackOp)):
        ports.bring(value, made_here)


def build(operations: Sequence[Operation], spec: FabricSpec) -> Cluster:
    """The program of one PCU for a chain of operations, the last of which gives the result.

    Raises
    ------
    Unfit
        They need more than one PCU has.
    WeftError
        A row of an accumulation has more beats than the fabric has accumulators.
    """
    ports = _Ports(spec)
    draft = _Draft(spec, ports)
    whole = operations[0] if isinstance(operations[0], MergeOp | MatmulOp | ProductOp) else None
    if any(isinstance(each, MergeOp | MatmulOp | ProductOp) for each in operations[1:]):
        raise Unfit("merge and products must come first")
    if isinstance(whole, MergeOp):
        draft.merge(whole)
    elif isinstance(whole, MatmulOp):
        draft.matmul(whole)
    elif isinstance(whole, ProductOp):
        draft.product(whole)
    accumulated = isinstance(whole, MatmulOp | ProductOp)
    _bring_inputs(ports, operations)
    for operation in operations if whole is None else operations[1:]:
        if isinstance(operation, MapOp):
            draft.map(operation)
        elif isinstance(operation, AccumOp | ScanOp):
            if accumulated:
                raise Unfit("two accumulations")
            draft.accumulate(operation)
        elif isinstance(operation, FlattenOp | PromoteOp):
            draft.reshape(operation)
        elif isinstance(operation, SpreadOp | LaneOp):
            draft.rename(operation.result, operation.value)
    return _cluster(draft, operations[-1].results[0])


def _cluster(draft: _Draft, result: SSAValue) -> Cluster:
    """The program, with registers."""
    ports, spec = draft.ports, draft.spec
    given = draft.body if draft.body is not None else draft.names.get(result, result)
    if draft.body is not None and draft.value is not draft.names.get(result, result):
        raise Unfit("result not at the end of the tail")
    reference = ports.finish()
    before = draft.program.stages
    if given in ports.where and ports.where[given] > Source.REG3:
        draft.nodes.append(Node(Op.PASS, {"a": ports.where.pop(given)}, given))
    stages = allocate_registers(draft.nodes, ports.where, given, spec)
    if len(before) + len(stages) > spec.stages:
        raise Unfit(f"stages = {spec.stages} are too few")
    body = (*before, *stages)
    rank, sub, add = draft.stop or (0, 0, 0)
    scalar = stream(result).kind is Kind.SCALAR
    program = replace(
        draft.program,
        vector=tuple(ports.modes.get((False, i), Input()) for i in range(spec.vector_inputs)),
        scalar=tuple(ports.modes.get((True, k), Input()) for k in range(spec.scalar_inputs)),
        reference=reference,
        unpack=draft.program.unpack or ports.unpack,
        unpack_odd=ports.unpack_odd,
        stages=body + (Stage(),) * (spec.stages - len(body)),
        stop_rank=rank,
        stop_sub=sub,
        stop_add=add,
        vector_out=not scalar,
        scalar_out=scalar,
    )
    return Cluster(program, ports.vector, ports.scalar)
