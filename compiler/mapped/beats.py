"""The same numbers in other beats: packed or scalar ones as vectors, and back."""

from __future__ import annotations

from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, operand_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.types import Kind, StreamType
from weft.compiler.mapped.values import stream

__all__ = ["LaneOp", "SpreadOp", "UnpackOp"]


@irdl_op_definition
class UnpackOp(IRDLOperation):
    """The bf16 vectors in packed beats."""

    name = "mapped.unpack"

    value = operand_def(StreamType)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue) -> None:
        super().__init__(operands=[value], result_types=[StreamType.make(Kind.VECTOR, stream(value).dims)])

    def verify_(self) -> None:
        if stream(self.value).kind is not Kind.PACKED:
            raise VerifyException(f"only packed beats can be unpacked, not {stream(self.value).kind.value}")
        if self.result.type != StreamType.make(Kind.VECTOR, stream(self.value).dims):
            raise VerifyException("result must be a vector stream of the same dimensions")


@irdl_op_definition
class SpreadOp(IRDLOperation):
    """A scalar stream as a vector stream of rows of one element, a beat each."""

    name = "mapped.spread"

    value = operand_def(StreamType)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue) -> None:
        super().__init__(operands=[value], result_types=[StreamType.make(Kind.VECTOR, stream(value).dims)])

    def verify_(self) -> None:
        given = stream(self.value)
        if given.kind is not Kind.SCALAR or self.result.type != StreamType.make(Kind.VECTOR, given.dims):
            raise VerifyException("spread must make vectors of scalars, with the same dimensions")


@irdl_op_definition
class LaneOp(IRDLOperation):
    """The first lane of every beat of a spread vector stream, as a scalar stream."""

    name = "mapped.lane"

    value = operand_def(StreamType)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue) -> None:
        super().__init__(operands=[value], result_types=[StreamType.make(Kind.SCALAR, stream(value).dims)])

    def verify_(self) -> None:
        given = stream(self.value)
        if given.kind is not Kind.VECTOR or self.result.type != StreamType.make(Kind.SCALAR, given.dims):
            raise VerifyException("lane must make scalars of vectors, with the same dimensions")
