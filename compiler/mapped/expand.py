"""STeP's Expand."""

from __future__ import annotations

from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, operand_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.types import Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream

__all__ = ["ExpandOp"]


@irdl_op_definition
class ExpandOp(IRDLOperation):
    """STeP's Expand: each element again for all elements of ``like`` that lie in it.

    ``like`` has more inner dimensions.
    """

    name = "mapped.expand"

    value = operand_def(StreamType)
    like = operand_def(StreamType)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `like` $like attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue, like: SSAValue) -> None:
        super().__init__(operands=[value, like], result_types=[StreamType.make(stream(value).kind, stream(like).dims)])

    def verify_(self) -> None:
        value, like = stream(self.value), stream(self.like)
        if value.rank >= like.rank or value.dims != like.dims[: value.rank]:
            raise VerifyException(f"{dims_text(value.dims)} must be the outer dimensions of {dims_text(like.dims)}")
        if value.kind not in (Kind.SCALAR, Kind.VECTOR):
            raise VerifyException(f"a {value.kind.value} stream cannot be expanded")
        if self.result.type != StreamType.make(value.kind, like.dims):
            raise VerifyException(f"result must be {value.kind.value} {dims_text(like.dims)}")
