"""Launch arguments that sizes of a program are handed over as."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

import numpy as np
from xdsl.dialects.builtin import IntegerAttr, ModuleOp, StringAttr
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, opt_prop_def, prop_def

from weft.compiler.errors import WeftError
from weft.compiler.mapped.attributes import Names, attributes
from weft.compiler.step.dims import Dim, DimsAttr

__all__ = ["NonEmptyOp", "SizeOp", "Unit", "arguments_of"]


class Unit(Enum):
    """What an argument says of a size."""

    ELEMENTS = "elements"
    BEATS = "beats"
    """of ``per`` elements, rounded up"""
    MULTIPLE = "multiple"
    """``per`` times the size"""
    FLOAT = "float"
    """the bits of the size as a float32"""


_UNITS = Names.of("unit", Unit)


@irdl_op_definition
class SizeOp(IRDLOperation):
    """Launch argument ``index`` holds the size ``of``, in some unit."""

    name = "mapped.size"

    index = prop_def(IntegerAttr)
    of = prop_def(DimsAttr)
    unit_attr = prop_def(_UNITS, prop_name="unit")
    per = opt_prop_def(IntegerAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict"

    def __init__(self, index: int, of: Dim, unit: Unit, per: int = 1) -> None:
        super().__init__(properties=attributes(index=index, of=DimsAttr((of,)), unit=unit, per=per))

    @property
    def unit(self) -> Unit:
        """What the argument says of it."""
        return _UNITS[self.unit_attr]

    def value(self, sizes: Mapping[str, int]) -> int:
        """The argument for these values of the symbols."""
        size, per = self.of.data[0].at(sizes), 1 if self.per is None else self.per.value.data
        match self.unit:
            case Unit.ELEMENTS:
                return size
            case Unit.BEATS:
                return -(-size // per)
            case Unit.MULTIPLE:
                return size * per
            case Unit.FLOAT:
                return int(np.float32(size).view(np.uint32))


@irdl_op_definition
class NonEmptyOp(IRDLOperation):
    """That a launch must not bring 0 as the size ``of``; ``reason`` says why."""

    name = "mapped.non_empty"

    of = prop_def(DimsAttr)
    reason = prop_def(StringAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict"

    def __init__(self, of: Dim, reason: str) -> None:
        super().__init__(properties=attributes(of=DimsAttr((of,)), reason=reason))


def arguments_of(module: ModuleOp, sizes: Mapping[str, int]) -> dict[int, int]:
    """The launch arguments for these values of a program's symbols.

    Raises
    ------
    WeftError
        A size that must not be 0 is, or one that an argument of 32 bits does not hold.
    """
    for op in module.ops:
        if isinstance(op, NonEmptyOp) and not op.of.data[0].at(sizes):
            raise WeftError(f"{op.reason.data}: size {op.of.data[0]} must be at least 1, not 0")
    arguments: dict[int, int] = {}
    for op in module.ops:
        if isinstance(op, SizeOp):
            arguments[op.index.value.data] = value = op.value(sizes)
            if value >= 1 << 32:
                raise WeftError(f"what a launch argument says of size {op.of.data[0]} must fit 32 bits, not {value}")
    return arguments
