"""The product of vectors and matrices whose weights are smaller than bf16."""

from __future__ import annotations

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import attributes
from weft.compiler.mapped.types import Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream

__all__ = ["ProductOp"]


@irdl_op_definition
class ProductOp(IRDLOperation):
    """A vector times a matrix [rows, columns] of kind ``int8`` or ``mxfp4``; its numbers come one by one, [rows].

    With matrices [groups, rows, columns] and numbers [groups, rows] the results, one after the other, are one vector of
    groups x columns, or with ``rows`` [groups, columns]. Sums are fp32, several rows at a time, in the order of
    :mod:`weft.hw.program.pcu`.
    """

    name = "mapped.product"

    weights = operand_def(StreamType)
    numbers = operand_def(StreamType)
    rows = opt_prop_def(UnitAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$numbers `times` $weights attr-dict `:` functional-type(operands, results)"

    def __init__(self, numbers: SSAValue, weights: SSAValue, *, rows: bool = False) -> None:
        super().__init__(
            operands=[weights, numbers],
            result_types=[_result(stream(weights), rows=rows)],
            properties=attributes(rows=rows),
        )

    def verify_(self) -> None:
        weights, numbers = stream(self.weights), stream(self.numbers)
        if not weights.kind.is_matrix or weights.rank > 3:
            raise VerifyException(
                f"weights must be int8 or mxfp4 [rows, columns] or [groups, rows, columns], not {weights.kind.value} "
                f"{dims_text(weights.dims)}"
            )
        if numbers != StreamType.make(Kind.SCALAR, weights.dims[:-1]):
            raise VerifyException(f"numbers must be scalar {dims_text(weights.dims[:-1])}, one a row of the weights")
        if self.result.type != _result(weights, rows=self.rows is not None):
            raise VerifyException(
                f"result must be vector {dims_text(_result(weights, rows=self.rows is not None).dims)}"
            )


def _result(weights: StreamType, *, rows: bool) -> StreamType:
    *groups, _, columns = weights.dims
    if rows:
        return StreamType.make(Kind.VECTOR, (*groups, columns))
    return StreamType.make(Kind.VECTOR, (groups[0] * columns if groups else columns,))
