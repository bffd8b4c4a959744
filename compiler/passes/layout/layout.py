"""The pass: a logical program becomes a mapped one, operation by operation, in order."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region, Use
from xdsl.passes import ModulePass

from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.compute import COMPUTE
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.modules import modules_of
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.passes.layout.reference import rides_for_arguments
from weft.compiler.step.iterations import Iterations, iterations_of
from weft.hw.numerics.ops import Op
from weft.hw.spec import FabricSpec

__all__ = ["LayOut"]

modules_of("weft.compiler.passes.layout")  # each registers how its operations are laid out


@dataclass(frozen=True)
class LayOut(ModulePass):
    """Replaces every logical operation by mapped ones for a fabric."""

    name = "lay-out"

    fabric: FabricSpec

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Lay out a program.

        Raises
        ------
        WeftError
            An operation that the fabric cannot do: line, operation, rule.
        """
        laying = Laying(self.fabric)
        for operation, iterations in iterations_of(list(op.ops)).items():
            laying.current, laying.iterations = operation, iterations
            lay(operation, laying)
        laying.current, laying.iterations = None, Iterations.EVERY
        _drop_unused(laying)
        rides_for_arguments(laying)
        _unpack_before_buffers(laying)
        op.detach_region(op.body)
        op.add_region(Region(Block(laying.operations)))


def _drop_unused(laying: Laying) -> None:
    """Remove reads, forms and functions that in the end nothing took."""
    for operation in reversed(list(laying.operations)):
        if isinstance(operation, StreamifyOp | BufferizeOp | UnpackOp | ExpandOp | COMPUTE) and not any(
            value.first_use for value in operation.results
        ):
            laying.operations.remove(operation)
            operation.erase()


def _unpacks(use: Use) -> bool:
    """Whether the header of a PCU unpacks an operand by itself."""
    operation = use.operation
    if isinstance(operation, OpeningOp):
        return operation.operands[use.index] is operation.unpacked
    return isinstance(operation, COMPUTE | ExpandOp)


def _unpack_before_buffers(laying: Laying) -> None:
    """Only the header of a PCU unpacks: where a PMU or AGCU takes the vectors, add a PCU that passes them on."""
    for operation in list(laying.operations):
        if not isinstance(operation, UnpackOp):
            continue
        others = [use for use in operation.result.uses if not _unpacks(use)]
        if not others:
            continue
        passed = MapOp(Op.PASS, operation.result)
        passed.result.name_hint = operation.result.name_hint
        laying.operations.insert(laying.operations.index(operation) + 1, passed)
        for use in others:
            use.operation.operands[use.index] = passed.result
