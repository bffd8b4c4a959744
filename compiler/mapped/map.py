"""Elementwise functions: STeP's Map over Zip."""

from __future__ import annotations

from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import NUMBER, attributes
from weft.compiler.mapped.expand import ExpandOp
from weft.compiler.mapped.function import FUNCTIONS, Function, operands_of
from weft.compiler.mapped.types import Kind, StreamType, dims_text
from weft.compiler.mapped.values import stream

__all__ = ["MapOp"]


@irdl_op_definition
class MapOp(IRDLOperation):
    """STeP's Map over Zip: one function on each element of its operands, which have the same dimensions.

    With ``const`` that number, a float or for integers an integer, is the last operand, or operand ``place``, counted
    from 0. Where some operands are vectors and others scalars, the scalars count for all lanes.
    """

    name = "mapped.map"

    function_attr = prop_def(FUNCTIONS, prop_name="function")
    inputs = var_operand_def(StreamType)
    const = opt_prop_def(NUMBER)
    place = opt_prop_def(IntegerAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$function $inputs attr-dict `:` functional-type(operands, results)"

    def __init__(
        self, function: Function, *inputs: SSAValue, const: float | None = None, place: int | None = None
    ) -> None:
        types = [stream(value) for value in inputs]
        result = next((each for each in types if each.kind is Kind.VECTOR), types[0])
        properties = attributes(function=FUNCTIONS.text(function), const=const, place=place)
        super().__init__(operands=[inputs], result_types=[result], properties=properties)

    @property
    def function(self) -> Function:
        """What it computes."""
        return FUNCTIONS[self.function_attr]

    @property
    def const_place(self) -> int:
        """Which operand ``const`` is."""
        return len(self.inputs) if self.place is None else self.place.value.data

    def verify_(self) -> None:
        name, taken = self.function_attr.data, len(operands_of(self.function))
        given = len(self.inputs) + (self.const is not None)
        if given != taken or not self.inputs:
            raise VerifyException(f"{name} must have {taken} operands, not {given}")
        if not 0 <= self.const_place <= len(self.inputs):
            raise VerifyException(f"place must be 0 to {len(self.inputs)}, not {self.const_place}")
        types = [stream(value) for value in self.inputs]
        if any(each.dims != types[0].dims for each in types):
            raise VerifyException(f"operands of {name} must have the same dimensions; mapped.expand makes them so")
        if any(each.kind not in (Kind.VECTOR, Kind.SCALAR) for each in types):
            raise VerifyException(
                f"operands of {name} must be vectors or scalars; mapped.unpack makes vectors of packed beats"
            )
        kind = Kind.VECTOR if any(each.kind is Kind.VECTOR for each in types) else Kind.SCALAR
        if kind is Kind.VECTOR:
            for value in self.inputs:
                if stream(value).kind is Kind.SCALAR and stream(value).rank and not isinstance(value.owner, ExpandOp):
                    raise VerifyException(
                        f"operands of {name} must come at one rate: a row of scalars has a beat for each element, "
                        "a row of vectors one for all lanes; mapped.expand holds a scalar for a row"
                    )
        if self.result.type != StreamType.make(kind, types[0].dims):
            raise VerifyException(f"result of {name} must be {kind.value} {dims_text(types[0].dims)}")
