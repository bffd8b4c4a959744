"""The pass: a logical program becomes a mapped one, operation by operation, in order."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Region
from xdsl.passes import ModulePass

from weft.compiler.passes.layout import (  # noqa: F401  each registers how its operations are laid out
    elementwise,
    joining,
    loops,
    memory,
    reductions,
    shapes,
)
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.passes.layout.reference import rides_for_arguments
from weft.hw.spec import FabricSpec

__all__ = ["LayOut"]


@dataclass(frozen=True)
class LayOut(ModulePass):
    """Replaces every logical operation by mapped ones for a fabric."""

    name = "lay-out"

    spec: FabricSpec

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Lay out a program.

        Raises
        ------
        WeftError
            An operation that the fabric cannot do: line, operation, rule.
        """
        laying = Laying(self.spec)
        for operation in op.ops:
            laying.current = operation
            lay(operation, laying)
        laying.current = None
        rides_for_arguments(laying)
        op.detach_region(op.body)
        op.add_region(Region(Block(laying.operations)))
