"""The passes from a logical program to a mapped one, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass

from weft.compiler.passes.accesses import SplitAccesses
from weft.compiler.passes.canonicalise import Canonicalise
from weft.compiler.passes.empty import FoldEmpty
from weft.compiler.passes.fixing import FixSizes
from weft.compiler.passes.integers import MakeIntegers
from weft.compiler.passes.layout import LayOut
from weft.compiler.passes.products import MakeProducts
from weft.compiler.passes.sharding import Shard, Spread
from weft.compiler.passes.tile import Tile
from weft.compiler.step.operation import inherit_line
from weft.hw.spec import FabricSpec

__all__ = ["passes_for", "run_passes"]


def passes_for(
    spec: FabricSpec, sizes: Mapping[str, int] | None = None, spread: Spread | None = None
) -> tuple[ModulePass, ...]:
    """All passes for a fabric, in order. After each the module verifies.

    With ``sizes`` symbols have these values; ``spread`` says how many parts of the program work side by side.
    """
    return (
        FixSizes(sizes or {}),
        FoldEmpty(),
        Shard(spread or Spread()),
        Canonicalise(spec),
        MakeIntegers(),
        MakeProducts(spec),
        SplitAccesses(spec),
        Tile(spec),
        Canonicalise(spec),
        LayOut(spec),
    )


def run_passes(
    module: ModuleOp,
    spec: FabricSpec,
    *,
    sizes: Mapping[str, int] | None = None,
    spread: Spread | None = None,
    after: Callable[[str, ModuleOp], None] | None = None,
) -> ModuleOp:
    """A mapped program of a logical one, which stays as it is. ``after`` is called with each pass's name and result.

    With ``sizes`` it is for launches with these sizes alone; ``spread`` says how many parts work side by side.

    Raises
    ------
    WeftError
        What the fabric cannot do: line, operation, rule.
    """
    result = module.clone()
    for origin, copy in zip(module.ops, result.ops, strict=True):
        inherit_line(copy, origin)
    context = Context()
    for each in passes_for(spec, sizes, spread):
        each.apply(context, result)
        result.verify()
        if after is not None:
            after(each.name, result)
    return result
