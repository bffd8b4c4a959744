"""Operations that reach off-chip memory, and what a launch tells a program."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from xdsl.dialects.builtin import IntegerAttr, StringAttr, SymbolNameConstraint, SymbolRefAttr, UnitAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    opt_result_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import SymbolOpInterface, SymbolTable
from xdsl.utils.exceptions import VerifyException

from compiler.step.attributes import F32, INTS, attributes, given
from compiler.step.loop import verify_when
from compiler.step.types import DYNAMIC, Kind, StreamType, dims_text
from hw.program import Unpack

__all__ = [
    "ArgumentOp",
    "Format",
    "LinearLoadOp",
    "LinearStoreOp",
    "RandomLoadOp",
    "Role",
    "SinkOp",
    "TensorOp",
    "tensor_of",
]


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


@irdl_op_definition
class TensorOp(IRDLOperation):
    """Declares a tensor in off-chip memory. ``pad`` fills rows up (default 0).

    With ``each`` there is one for each turn of the launch, and accesses go from one to the next.
    """

    name = "step.tensor"

    sym_name = prop_def(SymbolNameConstraint())
    shape = prop_def(INTS)
    format = prop_def(StringAttr)
    role = prop_def(StringAttr)
    pad = opt_prop_def(F32)
    each = opt_prop_def(UnitAttr)
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
    ) -> None:
        fill = None if pad is None else float(pad)
        super().__init__(
            properties=attributes(sym_name=name, shape=shape, format=format.value, role=role.value, pad=fill, each=each)
        )

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape, outermost first."""
        return self.shape.get_values()

    def verify_(self) -> None:
        if not self.sizes or any(size < 1 for size in self.sizes):
            raise VerifyException(
                f"shape of @{self.sym_name.data} must be sizes of at least 1, not {dims_text(self.sizes)}"
            )
        for field, enum in (("format", Format), ("role", Role)):
            value, names = getattr(self, field).data, [each.value for each in enum]
            if value not in names:
                raise VerifyException(
                    f"{field} of @{self.sym_name.data} must be one of {', '.join(names)}, not {value!r}"
                )
        if Format(self.format.data).kind.is_matrix:
            if len(self.sizes) < 2:
                raise VerifyException(
                    f"shape of @{self.sym_name.data} must be that of matrices for {self.format.data}, "
                    f"not {dims_text(self.sizes)}"
                )
            if self.pad is not None or Role(self.role.data) not in (Role.WEIGHT, Role.INPUT):
                raise VerifyException(
                    f"@{self.sym_name.data} of {self.format.data} must be a weight or input without pad"
                )


class _Access(IRDLOperation):
    """Shared by accesses: dimension ``k`` of the stream walks dimension ``dims[k]`` of the tensor, or repeats (-1).

    ``size_args[k]`` names the launch argument that holds the size of a dynamic dimension ``k``; ``base_args`` up to two
    arguments, in bytes, added to the address. With ``round_dim`` each round of a launch begins an entry of that
    dimension further, the first at ``round_from``.
    """

    tensor = prop_def(SymbolRefAttr)
    dims = opt_prop_def(INTS)
    size_args = opt_prop_def(INTS)
    base_args = opt_prop_def(INTS)
    when = opt_prop_def(StringAttr)
    round_dim = opt_prop_def(IntegerAttr)
    round_from = opt_prop_def(IntegerAttr)

    def moves(self) -> tuple[int, int] | None:
        """The dimension that rounds move along, and where in it the first begins."""
        if self.round_dim is None:
            return None
        return self.round_dim.value.data, 0 if self.round_from is None else self.round_from.value.data

    def walked(self) -> tuple[int, ...]:
        """``dims``, all of the tensor's in order by default."""
        return tuple(range(len(tensor_of(self).sizes))) if self.dims is None else self.dims.get_values()

    def bases(self) -> tuple[int, int]:
        """The two launch arguments that are added to the address, 0 where there is none."""
        first, second, *_ = (*given(self.base_args), 0, 0)
        return first, second

    def sizes_of(self, stream: StreamType) -> tuple[int, ...]:
        """Launch arguments that hold sizes, one a dimension of the stream, 0 where none does."""
        args = given(self.size_args)
        return (*args, *(0,) * (stream.rank - len(args)))

    def verify_sizes(self, stream: StreamType, *, open_end: bool) -> None:
        """That each dynamic dimension has its argument; with ``open_end`` the outermost may end with the stream."""
        if len(given(self.size_args)) > stream.rank:
            raise VerifyException(
                f"size_args must be at most {stream.rank}, one a dimension, not {len(given(self.size_args))}"
            )
        for place, (size, arg) in enumerate(zip(stream.dims, self.sizes_of(stream), strict=True)):
            if (size == DYNAMIC) != (arg > 0) and not (open_end and place == 0 and size == DYNAMIC):
                raise VerifyException("size_args must name an argument for each dynamic dimension and 0 for the others")

    def verify_walk(self, stream: StreamType) -> None:
        verify_when(self.when, "when")
        tensor, walk = tensor_of(self), self.walked()
        if len(walk) != stream.rank:
            raise VerifyException(
                f"dims must have {stream.rank} entries, one a dimension of the stream, not {len(walk)}"
            )
        shape = tensor.sizes
        if not walk or walk[-1] != len(shape) - 1:
            raise VerifyException(f"dims must end with {len(shape) - 1}, the tensor's last, not {dims_text(walk)}")
        for size, dim in zip(stream.dims, walk, strict=True):
            if not -1 <= dim < len(shape):
                raise VerifyException(f"dims must be below {len(shape)}, the tensor's dimensions, not {dim}")
            if dim >= 0 and size != DYNAMIC and size > shape[dim]:
                raise VerifyException(f"dimension {dim} of @{tensor.sym_name.data} has {shape[dim]}, the stream {size}")
        if len(given(self.base_args)) > 2:
            raise VerifyException(f"base_args must be at most 2 arguments, not {len(given(self.base_args))}")
        expected = Format(tensor.format.data).kind
        packs = isinstance(self, LinearStoreOp) and (expected, stream.kind) == (Kind.PACKED, Kind.VECTOR)
        if stream.kind is not expected and not packs:
            raise VerifyException(f"a {tensor.format.data} tensor moves as {expected.value}, not {stream.kind.value}")
        if expected.is_matrix and (stream.dims, walk) != (shape, tuple(range(len(shape)))):
            raise VerifyException(f"@{tensor.sym_name.data} of {tensor.format.data} must move as a whole")
        self._verify_moves(shape)

    def _verify_moves(self, shape: tuple[int, ...]) -> None:
        moves = self.moves()
        if moves is None and self.round_from is not None:
            raise VerifyException("round_from needs a round_dim")
        if moves is not None and not 0 <= moves[0] < len(shape):
            raise VerifyException(f"round_dim must be below {len(shape)}, the tensor's dimensions, not {moves[0]}")
        if moves is not None and not 0 <= moves[1] < shape[moves[0]]:
            raise VerifyException(f"round_from must be below {shape[moves[0]]}, the dimension's size, not {moves[1]}")


def tensor_of(op: _Access | RandomLoadOp) -> TensorOp:
    """The declaration of the tensor that an operation accesses."""
    symbol = SymbolTable.lookup_symbol(op, op.tensor)
    if not isinstance(symbol, TensorOp):
        raise VerifyException(f"tensor must name a step.tensor, not @{op.tensor.string_value()}")
    return symbol


@irdl_op_definition
class LinearLoadOp(_Access):
    """STeP's LinearOffChipLoad: a tensor, or a walk over it, as a stream.

    It begins after the token ``after``. ``when`` says in which turns of a launch there is anything to load; ``done`` is
    a token after the last beat, or without one, in the turns of ``done_when``. With ``grows`` the sizes from arguments
    are one larger each round. With ``follows`` it loads in each round but the first only after the round before has
    stored the same tensor.
    """

    name = "step.linear_load"

    after = opt_operand_def(StreamType)
    done_when = opt_prop_def(StringAttr)
    grows = opt_prop_def(UnitAttr)
    follows = opt_prop_def(UnitAttr)
    result = result_def(StreamType)
    done = opt_result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$tensor (`after` $after^)? attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        tensor: TensorOp,
        result: StreamType,
        *,
        after: SSAValue | None = None,
        dims: Sequence[int] | None = None,
        size_args: Sequence[int] | None = None,
        base_args: Sequence[int] | None = None,
        when: str | None = None,
        done: bool = False,
        done_when: str | None = None,
        round_dim: int | None = None,
        grows: bool = False,
        follows: bool = False,
    ) -> None:
        token = [StreamType.make(Kind.CONTROL, ())] if done else []
        super().__init__(
            operands=[after],
            result_types=[result, token],
            properties=attributes(
                tensor=SymbolRefAttr(tensor.sym_name),
                dims=dims,
                size_args=size_args,
                base_args=base_args,
                when=when,
                done_when=done_when,
                round_dim=round_dim,
                grows=grows,
                follows=follows,
            ),
        )

    def sizes(self) -> tuple[int, ...]:
        """Launch arguments that hold sizes, one a dimension of the result, 0 where the size is in the type."""
        return self.sizes_of(self.result.type)

    def verify_(self) -> None:
        self.verify_walk(self.result.type)
        verify_when(self.done_when, "done_when")
        self.verify_sizes(self.result.type, open_end=False)
        if self.grows is not None and DYNAMIC not in self.result.type.dims:
            raise VerifyException("grows needs a dynamic dimension")
        if self.follows is not None and self.after is not None:
            raise VerifyException("follows is a token, and there can be none after another")


@irdl_op_definition
class LinearStoreOp(_Access):
    """STeP's LinearOffChipStore: a stream into a tensor; ``done`` is a token when memory has acknowledged all of it.

    A dynamic dimension needs its argument; of the outermost one the stream itself can tell the end.
    """

    name = "step.linear_store"

    value = operand_def(StreamType)
    done = opt_result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `in` $tensor attr-dict `:` functional-type(operands, results)"

    def __init__(
        self,
        value: SSAValue,
        tensor: TensorOp,
        *,
        dims: Sequence[int] | None = None,
        size_args: Sequence[int] | None = None,
        base_args: Sequence[int] | None = None,
        when: str | None = None,
        done: bool = False,
        round_dim: int | None = None,
        round_from: int | None = None,
    ) -> None:
        super().__init__(
            operands=[value],
            result_types=[[StreamType.make(Kind.CONTROL, ())] if done else []],
            properties=attributes(
                tensor=SymbolRefAttr(tensor.sym_name),
                dims=dims,
                size_args=size_args,
                base_args=base_args,
                when=when,
                round_dim=round_dim,
                round_from=round_from,
            ),
        )

    @property
    def stored(self) -> StreamType:
        """The type of what is stored."""
        assert isinstance(self.value.type, StreamType)
        return self.value.type

    def sizes(self) -> tuple[int, ...]:
        """Launch arguments that hold sizes, one a dimension of the stream, 0 where none does."""
        return self.sizes_of(self.stored)

    def verify_(self) -> None:
        self.verify_walk(self.stored)
        self.verify_sizes(self.stored, open_end=True)


@irdl_op_definition
class RandomLoadOp(IRDLOperation):
    """STeP's RandomOffChipLoad: for each index (int32) of a scalar stream, that entry of a tensor's first dimension.

    ``when`` says in which turns of a launch there are indices.
    """

    name = "step.random_load"

    index = operand_def(StreamType)
    tensor = prop_def(SymbolRefAttr)
    when = opt_prop_def(StringAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$index `of` $tensor attr-dict `:` functional-type(operands, results)"

    def __init__(self, index: SSAValue, tensor: TensorOp, *, when: str | None = None) -> None:
        outer = index.type
        assert isinstance(outer, StreamType)
        kind = Kind.PACKED if Format(tensor.format.data) is Format.BF16X2 else Kind.VECTOR
        super().__init__(
            operands=[index],
            result_types=[StreamType.make(kind, (*outer.dims, *tensor.sizes[1:]))],
            properties=attributes(tensor=SymbolRefAttr(tensor.sym_name), when=when),
        )

    def verify_(self) -> None:
        verify_when(self.when, "when")
        index, result = self.index.type, self.result.type
        assert isinstance(index, StreamType)
        if index.kind is not Kind.SCALAR:
            raise VerifyException(f"index must be a scalar stream, not {index.kind.value}")
        if Format(tensor_of(self).format.data).kind.is_matrix:
            raise VerifyException(
                f"@{self.tensor.string_value()} of {tensor_of(self).format.data} must move as a whole"
            )
        expected = (*index.dims, *tensor_of(self).sizes[1:])
        if result.dims != expected:
            raise VerifyException(
                f"result must have the dimensions {dims_text(expected)}, not {dims_text(result.dims)}"
            )


@irdl_op_definition
class ArgumentOp(IRDLOperation):
    """A launch argument as a scalar stream of one beat."""

    name = "step.argument"

    index = prop_def(IntegerAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "attr-dict `:` type($result)"

    def __init__(self, index: int) -> None:
        result = StreamType.make(Kind.SCALAR, ())
        super().__init__(result_types=[result], properties=attributes(index=index))

    def verify_(self) -> None:
        if self.index.value.data < 1:
            raise VerifyException(f"index must be at least 1, not {self.index.value.data}")


@irdl_op_definition
class SinkOp(IRDLOperation):
    """Takes a stream to its end, in the turns of ``when``; a launch is not over before."""

    name = "step.sink"

    value = operand_def(StreamType)
    when = opt_prop_def(StringAttr)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` type($value)"

    def __init__(self, value: SSAValue, *, when: str | None = None) -> None:
        super().__init__(operands=[value], properties=attributes(when=when))

    def verify_(self) -> None:
        verify_when(self.when, "when")
