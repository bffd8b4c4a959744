"""Tensors in off-chip memory: how they lie there, and what they are for."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from math import prod

from xdsl.dialects.builtin import SymbolNameConstraint, UnitAttr
from xdsl.irdl import IRDLOperation, ParsePropInAttrDict, irdl_op_definition, opt_prop_def, prop_def, traits_def
from xdsl.traits import SymbolOpInterface
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import F32, INTS, Names, attributes
from weft.compiler.mapped.types import Kind, dims_text
from weft.compiler.step.shard import Shard, ShardAttr
from weft.hw.program import Unpack

__all__ = ["Format", "Role", "TensorOp"]


class Format(Enum):
    """How a tensor lies in memory: rows (its last dimension) are filled up to whole beats."""

    F32 = "f32"
    """a word for each element"""
    I32 = "i32"
    """a word for each element, an integer"""
    BF16X2 = "bf16x2"
    """a word for each pair of lanes in neighbouring vectors, the first in the low half"""
    INT8 = "int8"
    """matrices, the two last dimensions: bytes, and a scale in fp32 for each column"""
    MXFP4 = "mxfp4"
    """matrices: numbers of four bits, and an exponent for each 32 rows of a column"""

    @property
    def kind(self) -> Kind:
        """What the beats of a tensor carry."""
        kinds = {Format.BF16X2: Kind.PACKED, Format.INT8: Kind.INT8, Format.MXFP4: Kind.MXFP4}
        return kinds.get(self, Kind.VECTOR)

    @property
    def unpack(self) -> Unpack:
        """What the header of a PCU makes of the beats."""
        unpacks = {Format.BF16X2: Unpack.BF16, Format.INT8: Unpack.INT8, Format.MXFP4: Unpack.MXFP4}
        return unpacks.get(self, Unpack.OFF)


class Role(Enum):
    """Where a tensor's contents come from and what its traffic counts as."""

    INPUT = "input"
    OUTPUT = "output"
    WEIGHT = "weight"
    CACHE = "cache"
    IOTA = "iota"
    """0, 1, 2, ... in the last dimension"""
    CONSTANT = "constant"
    """whole numbers that the program itself names, ``values``"""


_FORMATS, _ROLES = Names.of("format", Format), Names.of("role", Role)


@irdl_op_definition
class TensorOp(IRDLOperation):
    """Declares a tensor in off-chip memory. ``pad`` fills rows up (default 0).

    With ``each`` there is one for each turn of the launch, and accesses go from one to the next.
    """

    name = "mapped.tensor"

    sym_name = prop_def(SymbolNameConstraint())
    shape = prop_def(INTS)
    format_attr = prop_def(_FORMATS, prop_name="format")
    role_attr = prop_def(_ROLES, prop_name="role")
    pad = opt_prop_def(F32)
    each = opt_prop_def(UnitAttr)
    values = opt_prop_def(INTS)
    shard_attr = opt_prop_def(ShardAttr, prop_name="shard")
    traits = traits_def(SymbolOpInterface())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$sym_name attr-dict"

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        *,
        format: Format,
        role: Role,
        pad: float | None = None,
        each: bool = False,
        values: Sequence[int] | None = None,
        shard: Shard | None = None,
    ) -> None:
        fill = None if pad is None else float(pad)
        super().__init__(
            properties=attributes(
                sym_name=name,
                shape=shape,
                format=format,
                role=role,
                pad=fill,
                each=each,
                values=values,
                shard=None if shard is None else ShardAttr(shard),
            )
        )

    @property
    def format(self) -> Format:
        """How it lies in memory."""
        return _FORMATS[self.format_attr]

    @property
    def role(self) -> Role:
        """What it is for."""
        return _ROLES[self.role_attr]

    @property
    def shard(self) -> Shard | None:
        """Which part of which tensor it is, if it is one."""
        return None if self.shard_attr is None else self.shard_attr.data

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, outermost first."""
        return self.shape.get_values()

    def verify_(self) -> None:
        if not self.sizes or any(size < 0 for size in self.sizes):
            raise VerifyException(
                f"shape of @{self.sym_name.data} must be sizes of at least 0, not {dims_text(self.sizes)}"
            )
        if (self.role is Role.CONSTANT) != (self.values is not None) or (
            self.values is not None and len(self.values) != prod(self.sizes)
        ):
            raise VerifyException(
                f"@{self.sym_name.data} must have a value for each element if and only if it is constant"
            )
        if self.format.kind.is_matrix:
            if len(self.sizes) < 2:
                raise VerifyException(
                    f"shape of @{self.sym_name.data} must be that of matrices for {self.format.value}, "
                    f"not {dims_text(self.sizes)}"
                )
            if self.pad is not None or self.role not in (Role.WEIGHT, Role.INPUT):
                raise VerifyException(
                    f"@{self.sym_name.data} of {self.format.value} must be a weight or input without pad"
                )
