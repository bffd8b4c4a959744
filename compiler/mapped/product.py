"""The product of vectors and matrices whose weights are smaller than bf16."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    result_def,
)
from xdsl.utils.exceptions import VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.mapped.attributes import attributes
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.types import Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream
from weft.hw.numerics.ops import Op
from weft.hw.program import Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.spec import FabricSpec

__all__ = ["ProductOp"]


@irdl_op_definition
class ProductOp(OpeningOp):
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

    @property
    def vector(self) -> Sequence[SSAValue]:
        """The weights."""
        return (self.weights,)

    @property
    def scalar(self) -> Sequence[SSAValue]:
        """The numbers, which scalar input 0 deals to the rows of a step."""
        return (self.numbers,)

    def program(self, spec: FabricSpec) -> Pcu:
        """Each row of a step has a stage with accumulators of its own; draining adds them up, and scales.

        Raises
        ------
        WeftError
            PCUs too small for the format, more columns than accumulators, or groups of columns that are no whole
            vectors.
        """
        weights = stream(self.weights)
        form = Unpack[weights.kind.name]
        vectors = -(-weights.dims[-1] // spec.lanes)
        name = self.result.name_hint or "unnamed"
        scaled = form is Unpack.INT8
        if shortage := form.shortage(spec):
            raise WeftError(
                f"{weights.kind.value} weights need at least "
                + " and ".join(f"{field} = {least}" for field, least in shortage.items())
                + f", but fabric {spec.name!r} has "
                + " and ".join(f"{field} = {getattr(spec, field)}" for field in shortage)
                + ": set "
                + " ".join(f"{field}={least}" for field, least in shortage.items())
            )
        if vectors > spec.acc_depth:
            raise WeftError(
                f"a row of {self.name} ({name}) must be at most acc_depth = {spec.acc_depth} beats in fabric "
                f"{spec.name!r}, not {vectors}: set acc_depth={1 << (vectors - 1).bit_length()}"
            )
        groups = weights.rank > 2 and self.rows is None
        if groups and weights.dims[-1] % spec.lanes:
            raise WeftError(
                f"a group of columns of {self.name} ({name}) must be a multiple of lanes = {spec.lanes}, "
                f"not {weights.dims[-1]}"
            )
        stages = [Stage(Op.MULADD, Source(row), Source.scalar(row), Source.ACC) for row in range(form.width)]
        if scaled:
            stages.append(Stage(Op.MUL, Source.REG0, Source.REG1))
        return Pcu(
            vector=(Input(InputMode.EACH),),
            scalar=(Input(InputMode.HOLD, 1),) * form.width,
            unpack=form,
            unpack_row=vectors,
            stages=tuple(stages),
            accumulate=Accumulate.DRAIN,
            acc_row=1,
            acc_rank=2,
            drain_sum=True,
            drain_scale=scaled,
            stop_rank=2,
            stop_sub=1 + groups,
        )


def _result(weights: StreamType, *, rows: bool) -> StreamType:
    *groups, _, columns = weights.dims
    if rows:
        return StreamType.make(Kind.VECTOR, (*groups, columns))
    return StreamType.make(Kind.VECTOR, (groups[0] * columns if groups else columns,))
