"""One stream of two: STeP's Reassemble."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, operand_def, opt_prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import INTS, attributes
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream
from weft.hw.program import Pcu
from weft.hw.spec import FabricSpec

__all__ = ["MergeOp"]


@irdl_op_definition
class MergeOp(OpeningOp):
    """One stream of two, chosen block by block (STeP's Reassemble of two inputs).

    For each element of ``which`` the next block of ``zero`` (where it is 0, as an integer) or of ``other``. The
    ``block`` innermost dimensions are a block, by default those that the streams have more than ``which``; what the
    streams' other dimensions are does not matter. ``known`` are the selectors, again and again,
    where they are constants.
    """

    name = "mapped.merge"

    which = operand_def(StreamType)
    zero = operand_def(StreamType)
    other = operand_def(StreamType)
    block = opt_prop_def(IntegerAttr)
    known = opt_prop_def(INTS)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$which `of` $zero `,` $other attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        which: SSAValue,
        zero: SSAValue,
        other: SSAValue,
        *,
        block: int | None = None,
        known: Sequence[int] | None = None,
    ) -> None:
        rank = stream(zero).rank - stream(which).rank if block is None else block
        super().__init__(
            operands=[which, zero, other],
            result_types=[_merged(stream(which), stream(zero), stream(other), rank)],
            properties=attributes(block=block, known=known),
        )

    @property
    def block_rank(self) -> int:
        """Dimensions of a block."""
        return stream(self.zero).rank - stream(self.which).rank if self.block is None else self.block.value.data

    def verify_(self) -> None:
        which, zero, other = stream(self.which), stream(self.zero), stream(self.other)
        if which.kind is not Kind.SCALAR or zero.kind is not Kind.VECTOR or other.kind is not Kind.VECTOR:
            raise VerifyException("merge must have a scalar selector and two vector streams")
        if not 0 <= self.block_rank <= min(zero.rank, other.rank):
            raise VerifyException(
                f"block must be 0 to {min(zero.rank, other.rank)}, the streams' rank, not {self.block_rank}"
            )
        expected = _merged(which, zero, other, self.block_rank)
        if self.result.type != expected:
            raise VerifyException(f"result must be vector {dims_text(expected.dims)}")

    @property
    def vector(self) -> Sequence[SSAValue]:
        """The two streams."""
        return (self.zero, self.other)

    @property
    def scalar(self) -> Sequence[SSAValue]:
        """The selector."""
        return (self.which,)

    def program(self, spec: FabricSpec) -> Pcu:
        """A header that merges; no stages."""
        # Blocks that are never empty: only a stream without any sends a void beat.
        block = stream(self.zero).dims[stream(self.zero).rank - self.block_rank :]
        without = stream(self.which).rank > 0 and all(size > 0 for size in block)
        return Pcu(merge=True, merge_rank=self.block_rank, merge_empty=without)


def _merged(which: StreamType, zero: StreamType, other: StreamType, block: int) -> StreamType:
    """A size in which the blocks of both differ is dynamic."""
    blocks = zip(zero.dims[zero.rank - block :], other.dims[other.rank - block :], strict=False)
    return StreamType.make(zero.kind, (*which.dims, *(a if a == b else DYNAMIC for a, b in blocks)))
