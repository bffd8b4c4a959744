"""The sharding pass."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft.compiler.errors import WeftError
from weft.compiler.passes.rewriting import erase_unused
from weft.compiler.passes.sharding.parts import Parts
from weft.compiler.passes.sharding.plan import planned
from weft.compiler.passes.sharding.rows import cut_rows
from weft.compiler.passes.sharding.spread import Spread
from weft.compiler.step.tensor import TensorOp

__all__ = ["Shard"]


@dataclass(frozen=True)
class Shard(ModulePass):
    """Spreads a program over several parts of the fabric: GSPMD (arXiv 2105.04663) within a chip.

    Tensors and streams are cut along a dimension; operations on cut streams become one of each shard. What a shard
    needs of others comes over the network: slices, concatenations, and trees of sums in the order of the shards.
    """

    name = "shard"

    spread: Spread

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite the program, if there are several shards.

        Raises
        ------
        WeftError
            Nothing of the program can be cut.
        """
        if self.spread.shards == 1:
            return
        known = [each.label for each in op.ops if isinstance(each, TensorOp)]
        for name in self.spread.tensors:
            if name not in known:
                raise WeftError(f"a plan must name tensors of the program, which has {', '.join(known)}, not {name!r}")
        plan = planned(op, self.spread)
        if not plan.tensors:
            raise WeftError(
                f"shards must be 1 for this program, not {self.spread.shards}: there is no tensor that all loads and "
                "stores of it reach whole along a dimension, and whose parts along it are independent"
            )
        Parts(op, plan).write()
        cut_rows(op, self.spread)
        erase_unused(op)
