"""Accumulations: STeP's Accum and Scan."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import NUMBER, attributes
from weft.compiler.mapped.function import ACCUMULATORS, neutral_of
from weft.compiler.mapped.types import Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream
from weft.hw.numerics.ops import Op

__all__ = ["AccumOp", "ScanOp"]


class _Accumulating(IRDLOperation):
    """Shared by Accum and Scan."""

    value = operand_def(StreamType)
    function_attr = prop_def(ACCUMULATORS, prop_name="function")
    over = prop_def(IntegerAttr)
    keep = prop_def(IntegerAttr)
    init = prop_def(NUMBER)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$function $value attr-dict `:` functional-type(operands, results)"

    def __init__(
        self, function: Op, value: SSAValue, *, over: int = 1, keep: int = 0, init: float | None = None
    ) -> None:
        start = neutral_of(function) if init is None else init
        super().__init__(
            operands=[value],
            result_types=[self.result_of(stream(value), over, keep)],
            properties=attributes(
                function=function, over=over, keep=keep, init=int(start) if function.is_integer else float(start)
            ),
        )

    @property
    def function(self) -> Op:
        """What it computes."""
        return ACCUMULATORS[self.function_attr]

    @staticmethod
    def result_of(given: StreamType, over: int, keep: int) -> StreamType:
        """The type of the result."""
        raise NotImplementedError

    def verify_(self) -> None:
        given, over, keep = stream(self.value), self.over.value.data, self.keep.value.data
        if over < 1 or keep < 0 or over + keep > given.rank:
            raise VerifyException(f"over + keep must be at most {given.rank}, the stream's rank, not {over} + {keep}")
        if given.kind not in (Kind.VECTOR, Kind.SCALAR):
            raise VerifyException(f"a {given.kind.value} stream cannot be accumulated")
        expected = self.result_of(given, over, keep)
        if self.result.type != expected:
            raise VerifyException(f"result must be {expected.kind.value} {dims_text(expected.dims)}")


@irdl_op_definition
class AccumOp(_Accumulating):
    """STeP's Accum: reduces ``over`` dimensions, the innermost but for the ``keep`` inside them.

    ``[a, b, c]`` with ``over = 1, keep = 1`` becomes ``[a, c]``. With ``keep = 0`` a vector stream is reduced over its
    lanes as well, to a scalar stream (a tree over the lanes, then nothing else; beats are accumulated in order before).
    ``init`` is where it starts; for a reduction over lanes each lane starts with its share, ``init / lanes``, for
    ``add``.
    """

    name = "mapped.accum"

    @staticmethod
    def result_of(given: StreamType, over: int, keep: int) -> StreamType:
        """Without the dimensions reduced; scalars if none is kept."""
        kind = Kind.SCALAR if keep == 0 else given.kind
        split = given.rank - keep
        return StreamType.make(kind, (*given.dims[: split - over], *given.dims[split:]))


@irdl_op_definition
class ScanOp(_Accumulating):
    """STeP's Scan: the accumulation so far with every element, anew for each ``over`` dimensions; lane by lane."""

    name = "mapped.scan"

    @staticmethod
    def result_of(given: StreamType, over: int, keep: int) -> StreamType:
        """As the operand."""
        return given
