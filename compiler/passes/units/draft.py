"""Stages and tail of a PCU, operation by operation, in terms of values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np
from xdsl.ir import SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.accum import AccumOp, ScanOp
from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.function import operands_of
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.matmul import MatmulOp
from weft.compiler.mapped.merge import MergeOp
from weft.compiler.mapped.product import ProductOp
from weft.compiler.mapped.shape import FlattenOp, PromoteOp
from weft.compiler.mapped.types import DYNAMIC, Kind, dims_text
from weft.compiler.mapped.values import stream
from weft.compiler.passes.units.ports import Ports
from weft.compiler.passes.units.product import product_program
from weft.compiler.passes.units.registers import Node
from weft.compiler.passes.units.unfit import Unfit
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.hw.spec import FabricSpec

__all__ = ["Draft"]

_REDUCTIONS = {Op.ADD: Reduction.SUM, Op.MAX: Reduction.MAX, Op.MIN: Reduction.MIN}


@dataclass
class Draft:
    """Stages and tail of a chain, operation by operation."""

    spec: FabricSpec
    ports: Ports
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
