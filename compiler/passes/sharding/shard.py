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

__all__ = ["Shard"]


@dataclass(frozen=True)
class Shard(ModulePass):
    """Spreads a program over ``shards`` parts of the fabric: GSPMD (arXiv 2105.04663) within a chip.

    Tensors and streams are cut along a dimension; operations on cut streams become one of each shard. What a shard
    needs of others comes over the network: slices, concatenations, and trees of sums in the order of the shards.
    """

    name = "shard"

    shards: int = 1

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite the program, if there are several shards.

        Raises
        ------
        WeftError
            Nothing of the program can be cut.
        """
        if self.shards == 1:
            return
        plan = planned(op, self.shards)
        if not plan.tensors:
            raise WeftError(
                f"shards must be 1 for this program, not {self.shards}: no tensor has a dimension of several elements "
                "whose parts are independent"
            )
        Parts(op, plan).write()
        cut_rows(op, self.shards)
        erase_unused(op)
