"""Stages and tail of a PCU, operation by operation, in terms of values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from xdsl.ir import Operation, SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.mapped.accum import AccumOp, ScanOp
from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.function import operands_of
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.rows import check_row
from weft.compiler.mapped.shape import FlattenOp, PromoteOp
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.mapped.values import stream
from weft.compiler.passes.units.ports import Ports
from weft.compiler.passes.units.registers import Node
from weft.compiler.passes.units.unfit import Unfit
from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program import Accumulate, Input, Pcu, Source
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
    chain: frozenset[Operation] = frozenset()
    """All operations of the chain."""
    steps: SSAValue | None = None
    """What comes in with the beats that make steps."""
    both: bool = False
    """A packed beat can be one step."""

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
        check_row(operation, given, keep, self.spec)
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
        if self.both and mode is Accumulate.DRAIN and self._takes_both(product, node, given):
            node = replace(node, both=True)
            self.program = replace(self.program, unpack_both=True, drain_stages=2)
        before = len(self.program.stages) + len(self.nodes)
        self.program = replace(self.program, accumulate=mode, acc_row=keep, acc_rank=keep + over, drain_stage=before)
        self.add(node)
        if lanes_too:
            # Of a row whose length the types do not know the lay-out has made the lanes behind its end neutral.
            row_lanes = 0 if given.dims[-1] == DYNAMIC else given.dims[-1] % self.spec.lanes
            self.program = replace(self.program, reduction=_REDUCTIONS[function], row_lanes=row_lanes)
            self.body = operation.result

    def _takes_both(self, product: Node | None, node: Node, given: StreamType) -> bool:
        """Whether a sum of products with a scalar can take both vectors of a packed beat at once, a stage for each."""
        if product is None or node.op is not Op.MULADD or given.dims[-1] == DYNAMIC:
            return False
        weights, number = product.operands["a"], product.operands["b"]
        packed = isinstance(weights, SSAValue) and isinstance(weights.owner, UnpackOp) and self.steps is weights
        alone = len(self.ports.vector) == 1 and not self.nodes and not self.program.stages
        scalar = isinstance(number, Source) and number >= Source.SCALAR0
        return packed and alone and scalar and row_beats(given.dims[-1], self.spec, packed=False) > 1

    # -- operations that come first ------------------------------------------------------------------------

    def open(self, operation: OpeningOp) -> None:
        """The program of an operation that comes first, whose result is in register 0 before any further stage."""
        self.program = program = operation.program(self.spec)
        for value in (*operation.vector, *operation.scalar):
            if isinstance(value.owner, UnpackOp) and value is not operation.unpacked:
                raise Unfit("packed beats that are not unpacked here")
            self.ports.allot(value, Input())
        for scalar, inputs in ((False, program.vector), (True, program.scalar)):
            self.ports.modes |= {(scalar, number): each for number, each in enumerate(inputs)}
        if program.stop_rank:
            self.stop = (program.stop_rank, program.stop_sub, program.stop_add)
        self.ports.reference = self.ports.where[operation.results[0]] = Source.REG0
        self.value = operation.results[0]

    # -- shapes -----------------------------------------------------------------------------------------

    def reshape(self, operation: FlattenOp | PromoteOp) -> None:
        level = operation.level if isinstance(operation, FlattenOp) else 0
        if self.steps is not None and not self._comes_from_steps(operation.value):
            raise Unfit("steps in the new shape")  # the tail changes their stops
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

    def _comes_from_steps(self, value: SSAValue) -> bool:
        """Whether a value of the chain has the shape in which its steps come."""
        owner = value.owner
        if value is self.steps or not isinstance(owner, Operation) or owner not in self.chain:
            return value is self.steps
        return any(map(self._comes_from_steps, owner.operands))

    def rename(self, result: SSAValue, value: SSAValue) -> None:
        """``result`` is ``value`` in another form."""
        known = self.names.get(value, value)
        if known is self.value or self.value is None:
            self.value = known
        self.names[result] = known


def _word(value: float) -> int:
    """The bits of a float32, or of an integer."""
    return value & 0xFFFF_FFFF if isinstance(value, int) else int(np.float32(value).view(np.uint32))
