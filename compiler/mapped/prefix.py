"""Running reductions over the lanes of each vector."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import ParsePropInAttrDict, irdl_op_definition, operand_def, prop_def, result_def
from xdsl.utils.exceptions import VerifyException

from weft.compiler.errors import WeftError
from weft.compiler.mapped.attributes import Names, attributes
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.mapped.values import stream
from weft.hw.numerics.format import INFINITY, ONE, SIGN
from weft.hw.numerics.ops import Op
from weft.hw.program import Input, InputMode, Pcu, Source, Stage
from weft.hw.spec import FabricSpec

__all__ = ["PrefixOp", "prefix_stages"]

_NEUTRAL = {
    Op.ADD: SIGN, Op.MUL: ONE, Op.MAX: SIGN | INFINITY, Op.MIN: INFINITY, Op.IADD: 0, Op.IMAX: SIGN,
}  # fmt: skip
"""The bits of each function's neutral element."""
_FUNCTIONS = Names[Op].of("function", _NEUTRAL)


def prefix_stages(row: int) -> int:
    """Stages of a prefix over ``row`` lanes (W. D. Hillis and G. L. Steele, *Data Parallel Algorithms*, 1986)."""
    return max(1, (row - 1).bit_length())


@irdl_op_definition
class PrefixOp(OpeningOp):
    """The reduction so far in each lane of a vector, a vector a cycle. No row is longer than ``row`` elements.

    Stage ``s`` combines each lane with the one ``2^s`` below. Lanes behind the end of a row have something, too.
    """

    name = "mapped.prefix"

    value = operand_def(StreamType)
    function_attr = prop_def(_FUNCTIONS, prop_name="function")
    row = prop_def(IntegerAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$function $value attr-dict `:` functional-type(operands, results)"

    def __init__(self, function: Op, value: SSAValue, *, row: int) -> None:
        super().__init__(
            operands=[value], result_types=[stream(value)], properties=attributes(function=function, row=row)
        )

    @property
    def function(self) -> Op:
        """What it computes."""
        return _FUNCTIONS[self.function_attr]

    def verify_(self) -> None:
        given, row = stream(self.value), self.row.value.data
        if given.kind is not Kind.VECTOR or not given.rank:
            raise VerifyException(f"a prefix must be of vectors, not {given}")
        if row < 1 or given.dims[-1] not in (DYNAMIC, row):
            raise VerifyException(f"row must be the {given.dims[-1]} elements of a row, not {row}")
        if self.result.type != given:
            raise VerifyException(f"result must be {given}, as the operand, not {self.result.type}")

    @property
    def vector(self) -> Sequence[SSAValue]:
        """The one operand."""
        return (self.value,)

    @property
    def unpacked(self) -> SSAValue:
        """The same."""
        return self.value

    def program(self, spec: FabricSpec) -> Pcu:
        """A stage for each distance between lanes.

        Raises
        ------
        WeftError
            A row of more than one vector, or one that takes more stages than a PCU has.
        """
        row = self.row.value.data
        stages = prefix_stages(row)
        if row > spec.lanes or stages > spec.stages:
            raise WeftError(
                f"a row of {self.name} ({self.result.name_hint or 'unnamed'}) must be at most lanes = {spec.lanes} "
                f"elements and 2^stages = {1 << spec.stages} in fabric {spec.name!r}, not {row}"
            )
        stage = Stage(self.function, Source.BELOW, Source.REG0, Source.REG0, const=_NEUTRAL[self.function])
        return Pcu(vector=(Input(InputMode.EACH),), stages=(stage,) * stages)
