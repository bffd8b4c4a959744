"""Matrix products of several rows at once: an output-stationary outer product."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.mapped.attributes import attributes
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.rows import check_row
from weft.compiler.mapped.types import Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream
from weft.hw.numerics.ops import Op
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage
from weft.hw.spec import FabricSpec

__all__ = ["MatmulOp"]


@irdl_op_definition
class MatmulOp(OpeningOp):
    """The product of a matrix [rows, k], given by its columns, and a matrix [k, columns], given by its rows.

    ``columns`` is [..., k, rows], as `mapped.streamify` reads a matrix ``transposed``; ``matrix`` [..., k, columns],
    the ``keep`` innermost dimensions making a row; the result [..., rows, columns]. Every row of ``matrix`` comes once
    and serves all ``rows``, of which there are at most as many as a PCU has stages, and lanes. Sums are in the order of
    k, from 0. What lanes of ``columns`` hold beyond its rows does not matter.
    """

    name = "mapped.matmul"

    columns = operand_def(StreamType)
    matrix = operand_def(StreamType)
    keep = prop_def(IntegerAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$columns `,` $matrix attr-dict `:` functional-type(operands, results)"

    def __init__(self, columns: SSAValue, matrix: SSAValue, *, keep: int = 1) -> None:
        super().__init__(
            operands=[columns, matrix],
            result_types=[_product(stream(columns), stream(matrix), keep)],
            properties=attributes(keep=keep),
        )

    @property
    def rows(self) -> int:
        """Rows of the product."""
        return stream(self.columns).dims[-1]

    def verify_(self) -> None:
        columns, matrix, keep = stream(self.columns), stream(self.matrix), self.keep.value.data
        if not 1 <= keep < matrix.rank:
            raise VerifyException(f"keep must be 1 to {matrix.rank - 1}, the matrix's rank less one, not {keep}")
        if {columns.kind, matrix.kind} != {Kind.VECTOR}:
            raise VerifyException("operands of matmul must be vectors; mapped.unpack makes vectors of packed beats")
        outer = matrix.dims[:-keep]
        if columns.rank != len(outer) + 1 or columns.dims[:-1] != outer or columns.dims[-1] < 1:
            raise VerifyException(
                f"columns must have the outer dimensions {dims_text(outer)} of the matrix, and rows, "
                f"not {dims_text(columns.dims)}"
            )
        if self.result.type != _product(columns, matrix, keep):
            raise VerifyException(f"result must be vector {dims_text(_product(columns, matrix, keep).dims)}")

    @property
    def vector(self) -> Sequence[SSAValue]:
        """The matrix, and its columns beside it."""
        return (self.matrix, self.columns)

    @property
    def unpacked(self) -> SSAValue:
        """The matrix."""
        return self.matrix

    def program(self, spec: FabricSpec) -> Pcu:
        """A stage for each row. The matrix passes all of them, its columns are held beside it.

        Raises
        ------
        WeftError
            More rows than stages or lanes, or more beats in a row than accumulators.
        """
        rows, keep, most = self.rows, self.keep.value.data, min(spec.stages, spec.lanes)
        if rows > most:
            raise WeftError(
                f"rows of {self.name} ({self.result.name_hint or 'unnamed'}) must be at most {most}, stages and lanes "
                f"of a PCU in fabric {spec.name!r}, not {rows}"
            )
        check_row(self, stream(self.matrix), keep, spec)
        return Pcu(
            vector=(Input(InputMode.EACH), Input(InputMode.HOLD, keep)),
            stages=(Stage(Op.MULADD, Source.REG0, Source.ROW, Source.ACC),) * rows,
            accumulate=Accumulate.DRAIN,
            acc_row=keep,
            acc_rank=keep + 1,
            drain_stages=rows,
        )


def _product(columns: StreamType, matrix: StreamType, keep: int) -> StreamType:
    split = matrix.rank - keep
    return StreamType.make(Kind.VECTOR, (*matrix.dims[: split - 1], columns.dims[-1], *matrix.dims[split:]))
