"""Dimensions made one, and new ones: STeP's Flatten and Promote."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import attributes
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream

__all__ = ["FlattenOp", "PromoteOp"]


@irdl_op_definition
class FlattenOp(IRDLOperation):
    """STeP's Flatten: two neighbouring dimensions become one, the innermost two or those ``outside`` more of them.

    Rows of vectors are joined as they are: with ``outside = 0`` all but the last must be whole beats. ``size`` tells
    that of the result where the types do not.
    """

    name = "mapped.flatten"

    value = operand_def(StreamType)
    outside = opt_prop_def(IntegerAttr)
    size = opt_prop_def(IntegerAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue, *, outside: int = 0, size: int | None = None) -> None:
        super().__init__(
            operands=[value],
            result_types=[_flattened(stream(value), outside, size)],
            properties=attributes(outside=outside or None, size=size),
        )

    @property
    def level(self) -> int:
        """The inner of the two dimensions, the innermost of all being 1."""
        return 1 + (0 if self.outside is None else self.outside.value.data)

    def verify_(self) -> None:
        given = stream(self.value)
        if not 1 <= self.level < given.rank:
            raise VerifyException(
                f"a stream must have two dimensions to be flattened there, not {dims_text(given.dims)}"
            )
        if given.kind.is_matrix:
            raise VerifyException(f"only mapped.product takes {given.kind.value}, not {self.name}")
        expected = _flattened(given, self.level - 1, None if self.size is None else self.size.value.data)
        if self.result.type != expected:
            raise VerifyException(f"result must have the dimensions {dims_text(expected.dims)}")


def _flattened(given: StreamType, outside: int, size: int | None) -> StreamType:
    inner = given.rank - outside
    *outer, a, b = given.dims[:inner]
    merged = a * b if min(a, b) >= 0 else DYNAMIC
    return StreamType.make(given.kind, (*outer, merged if size is None else size, *given.dims[inner:]))


@irdl_op_definition
class PromoteOp(IRDLOperation):
    """STeP's Promote: a new dimension of size 1, the outermost, or the one around the ``inside`` innermost."""

    name = "mapped.promote"

    value = operand_def(StreamType)
    inside = opt_prop_def(IntegerAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue, *, inside: int | None = None) -> None:
        super().__init__(
            operands=[value],
            result_types=[_promoted(stream(value), inside)],
            properties=attributes(inside=inside),
        )

    @property
    def level(self) -> int:
        """Dimensions inside the new one."""
        return stream(self.value).rank if self.inside is None else self.inside.value.data

    def verify_(self) -> None:
        given = stream(self.value)
        if given.kind.is_matrix:
            raise VerifyException(f"only mapped.product takes {given.kind.value}, not {self.name}")
        least = 0 if given.kind is Kind.SCALAR else min(1, given.rank)
        if not least <= self.level <= given.rank:
            raise VerifyException(f"inside must be {least} to {given.rank}, not {self.level}")
        expected = _promoted(given, self.level)
        if self.result.type != expected:
            raise VerifyException(f"result must have the dimensions {dims_text(expected.dims)}")


def _promoted(given: StreamType, inside: int | None) -> StreamType:
    place = 0 if inside is None else given.rank - inside
    return StreamType.make(given.kind, (*given.dims[:place], 1, *given.dims[place:]))
