"""Chooses how matrix products are computed: whole in one PCU, or as multiplications and sums."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass

from weft.compiler.backend.memory import row_beats
from weft.compiler.passes.rewriting import Inserting
from weft.compiler.step.access import LoadOp
from weft.compiler.step.accum import AccumOp, Reduction
from weft.compiler.step.dims import Dim
from weft.compiler.step.expand import ExpandOp
from weft.compiler.step.joining import ConcatOp, SliceOp
from weft.compiler.step.map import Function, MapOp
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.shape import FlattenOp, ReshapeOp
from weft.compiler.step.types import Element, StreamType, stream_of
from weft.hw.spec import FabricSpec

__all__ = ["MakeProducts", "multiplied_and_summed"]


@dataclass(frozen=True)
class MakeProducts(ModulePass):
    """Chooses how each matrix product is computed.

    Several rows share every weight that comes, a stage each, where a PCU has the stages and a PMU can read the rows
    of the left side as columns (an output-stationary outer product). Weights of int8 and mxfp4 take one row: several
    rows become as many products. Everything else is multiplied element by element and summed.
    """

    name = "make-products"

    fabric: FabricSpec

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite matrix products."""
        for operation in list(op.ops):
            if not isinstance(operation, MatmulOp):
                continue
            left, right = stream_of(operation.left), stream_of(operation.right)
            if right.element.is_quantised:
                self._quantised(operation, left, right)
            elif not self._shares_weights(operation, left, right):
                multiplied_and_summed(operation)

    def _shares_weights(self, operation: MatmulOp, left: StreamType, right: StreamType) -> bool:
        numbers = [dim.number for dim in (*left.dims, *right.dims)]
        if left.rank != right.rank or None in numbers or 0 in numbers:
            return False
        rows, k, columns = (dim.number or 0 for dim in (*left.dims[-2:], right.dims[-1]))
        lanes = self.fabric.lanes
        most = min(self.fabric.stages, lanes)
        readable = k <= lanes or k % lanes == 0
        beats = row_beats(columns, self.fabric, packed=False)
        # Columns beyond the accumulators become tiles, which a buffer puts side by side.
        tiles = isinstance(operation.right.owner, LoadOp) and rows * beats <= self.fabric.pmu_lines
        return 2 <= rows <= most and readable and (beats <= self.fabric.acc_depth or tiles)

    def _quantised(self, operation: MatmulOp, left: StreamType, right: StreamType) -> None:
        """A product for each row of the left side, [k] or [groups, k]; all of them take the same weights."""
        outer, rows = left.rank - 2, left.dims[-2].number if left.rank == right.rank else None
        if rows is None:
            return
        inserting, results = Inserting(operation), list[SSAValue]()
        for row in range(rows):
            start = (*(Dim.of(0),) * outer, Dim.of(row), Dim.of(0))
            part = inserting.add(SliceOp(operation.left, start, (*left.dims[:-2], 1, left.dims[-1]))).result
            vector = inserting.add(FlattenOp(part, [outer, outer + 1])).result
            product = inserting.add(MatmulOp(vector, operation.right)).result
            dims = stream_of(product).dims
            results.append(inserting.add(ReshapeOp(product, (*dims[:-1], 1, dims[-1]))).result)
        joined = results[0] if len(results) == 1 else inserting.add(ConcatOp(results, outer)).result
        inserting.replace([joined])


def multiplied_and_summed(operation: MatmulOp) -> AccumOp:
    """Replace a product by ``sum over k of left[..., k] * right[..., k, :]``, all of it for each row; the sum."""
    left, right, inserting = stream_of(operation.left), stream_of(operation.right), Inserting(operation)
    single = left.rank == right.rank - 1
    *outer, k, columns = right.dims
    rows = [] if single else [left.dims[-2]]
    dims = (*outer, *rows, k, columns)
    axis = len(dims) - 2
    terms = StreamType.make(Element.F32, dims)
    held = inserting.add(ExpandOp(operation.left, [len(dims) - 1], StreamType.make(left.element, dims))).result
    weights: SSAValue = operation.right
    if not single:
        repeated = StreamType.make(right.element, dims)
        weights = inserting.add(ExpandOp(weights, [len(outer)], repeated)).result
    product = inserting.add(MapOp(Function.MUL, weights, held, result=terms)).result
    summed = inserting.add(AccumOp(Reduction.ADD, product, [axis]))
    inserting.replace([summed.result])
    return summed
