"""Operations that reach off-chip memory, and what a launch tells a program."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, SymbolRefAttr, UnitAttr
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
)
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import INTS, attributes, given
from weft.compiler.mapped.loop import WHEN
from weft.compiler.mapped.tensor import Format, TensorOp
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType, dims_text
from weft.compiler.step.symbols import declared
from weft.hw.program import When

__all__ = [
    "ArgumentOp",
    "LinearLoadOp",
    "LinearStoreOp",
    "RandomLoadOp",
    "RandomStoreOp",
    "SinkOp",
    "tensor_of",
]


class _Access(IRDLOperation):
    """Shared by accesses: dimension ``k`` of the stream walks dimension ``dims[k]`` of the tensor, or repeats (-1).

    ``size_args[k]`` names the launch argument that holds the size of a dynamic dimension ``k``; ``base_args`` up to two
    arguments, in vector beats, added to the address. Dimension ``k`` of the stream goes on by ``steps[k]`` entries (by
    default 1), and along dimension ``d`` of the tensor everything begins at entry ``starts[d]`` (0); along the last, at
    the beginning of a beat. With ``round_dim`` each round of a launch begins an entry of that dimension further.
    """

    tensor = prop_def(SymbolRefAttr)
    dims = opt_prop_def(INTS)
    size_args = opt_prop_def(INTS)
    base_args = opt_prop_def(INTS)
    steps = opt_prop_def(INTS)
    starts = opt_prop_def(INTS)
    when = opt_prop_def(WHEN)
    round_dim = opt_prop_def(IntegerAttr)

    @property
    def moves(self) -> int | None:
        """The dimension that rounds move along."""
        return None if self.round_dim is None else self.round_dim.value.data

    def walked(self) -> tuple[int, ...]:
        """``dims``, all of the tensor's in order by default."""
        return tuple(range(len(tensor_of(self).sizes))) if self.dims is None else self.dims.get_values()

    def stepped(self) -> tuple[int, ...]:
        """``steps``, ones by default."""
        return (1,) * len(self.walked()) if self.steps is None else self.steps.get_values()

    def started(self) -> tuple[int, ...]:
        """``starts``, zeros by default."""
        return (0,) * len(tensor_of(self).sizes) if self.starts is None else self.starts.get_values()

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
        tensor, walk = tensor_of(self), self.walked()
        if len(walk) != stream.rank:
            raise VerifyException(
                f"dims must have {stream.rank} entries, one a dimension of the stream, not {len(walk)}"
            )
        shape = tensor.sizes
        if not walk or walk[-1] != len(shape) - 1:
            raise VerifyException(f"dims must end with {len(shape) - 1}, the tensor's last, not {dims_text(walk)}")
        steps, starts = self.stepped(), self.started()
        if len(steps) != len(walk) or len(starts) != len(shape):
            raise VerifyException(
                f"steps must have {len(walk)} entries, one a dimension of the stream, and starts {len(shape)}, one a "
                f"dimension of the tensor, not {len(steps)} and {len(starts)}"
            )
        for size, dim, step in zip(stream.dims, walk, steps, strict=True):
            if not -1 <= dim < len(shape):
                raise VerifyException(f"dims must be below {len(shape)}, the tensor's dimensions, not {dim}")
            if dim >= 0 and size > 0 and starts[dim] + (size - 1) * step >= shape[dim]:
                raise VerifyException(f"dimension {dim} of @{tensor.sym_name.data} has {shape[dim]}, the stream {size}")
        if len(given(self.base_args)) > 2:
            raise VerifyException(f"base_args must be at most 2 arguments, not {len(given(self.base_args))}")
        expected = tensor.format.kind
        packs = isinstance(self, LinearStoreOp) and (expected, stream.kind) == (Kind.PACKED, Kind.VECTOR)
        if stream.kind is not expected and not packs:
            raise VerifyException(f"a {tensor.format.value} tensor moves as {expected.value}, not {stream.kind.value}")
        if expected.is_matrix and (stream.dims, walk) != (shape, tuple(range(len(shape)))):
            raise VerifyException(f"@{tensor.sym_name.data} of {tensor.format.value} must move as a whole")
        if self.moves is not None and not 0 <= self.moves < len(shape):
            raise VerifyException(f"round_dim must be below {len(shape)}, the tensor's dimensions, not {self.moves}")


def tensor_of(op: _Access | RandomLoadOp | RandomStoreOp) -> TensorOp:
    """The declaration of the tensor that an operation accesses."""
    found = declared(op, op.tensor, TensorOp)
    if found is None:
        raise VerifyException(f"tensor must name a mapped.tensor, not @{op.tensor.string_value()}")
    return found


@irdl_op_definition
class LinearLoadOp(_Access):
    """STeP's LinearOffChipLoad: a tensor, or a walk over it, as a stream.

    It begins after the token ``after``. ``when`` says in which turns of a launch there is anything to load; ``done`` is
    a token after the last beat, or without one, in the turns of ``done_when``. With ``grows`` the sizes from arguments
    are one larger each round. With ``follows`` it loads in each round but the first only after the round before has
    stored the same tensor.
    """

    name = "mapped.linear_load"

    after = opt_operand_def(StreamType)
    done_when = opt_prop_def(WHEN)
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
        steps: Sequence[int] | None = None,
        starts: Sequence[int] | None = None,
        when: When | None = None,
        done: bool = False,
        done_when: When | None = None,
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
                steps=steps,
                starts=starts,
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

    name = "mapped.linear_store"

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
        steps: Sequence[int] | None = None,
        starts: Sequence[int] | None = None,
        when: When | None = None,
        done: bool = False,
        round_dim: int | None = None,
    ) -> None:
        super().__init__(
            operands=[value],
            result_types=[[StreamType.make(Kind.CONTROL, ())] if done else []],
            properties=attributes(
                tensor=SymbolRefAttr(tensor.sym_name),
                dims=dims,
                size_args=size_args,
                base_args=base_args,
                steps=steps,
                starts=starts,
                when=when,
                round_dim=round_dim,
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

    name = "mapped.random_load"

    index = operand_def(StreamType)
    tensor = prop_def(SymbolRefAttr)
    when = opt_prop_def(WHEN)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$index `of` $tensor attr-dict `:` functional-type(operands, results)"

    def __init__(self, index: SSAValue, tensor: TensorOp, *, when: When | None = None) -> None:
        outer = index.type
        assert isinstance(outer, StreamType)
        kind = Kind.PACKED if tensor.format is Format.BF16X2 else Kind.VECTOR
        super().__init__(
            operands=[index],
            result_types=[StreamType.make(kind, (*outer.dims, *tensor.sizes[1:]))],
            properties=attributes(tensor=SymbolRefAttr(tensor.sym_name), when=when),
        )

    def verify_(self) -> None:
        index, result = self.index.type, self.result.type
        assert isinstance(index, StreamType)
        if index.kind is not Kind.SCALAR:
            raise VerifyException(f"index must be a scalar stream, not {index.kind.value}")
        if tensor_of(self).format.kind.is_matrix:
            raise VerifyException(
                f"@{self.tensor.string_value()} of {tensor_of(self).format.value} must move as a whole"
            )
        expected = (*index.dims, *tensor_of(self).sizes[1:])
        if result.dims != expected:
            raise VerifyException(
                f"result must have the dimensions {dims_text(expected)}, not {dims_text(result.dims)}"
            )


@irdl_op_definition
class RandomStoreOp(IRDLOperation):
    """STeP's RandomOffChipStore: each row of a vector stream goes to an entry of a tensor's first dimension.

    ``index`` (int32) has an element for each row, and ends with a stop of the rank of ``value``: its outermost
    dimensions are of size 1.
    """

    name = "mapped.random_store"

    value = operand_def(StreamType)
    index = operand_def(StreamType)
    tensor = prop_def(SymbolRefAttr)
    done = opt_result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `at` $index `in` $tensor attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue, index: SSAValue, tensor: TensorOp, *, done: bool = False) -> None:
        super().__init__(
            operands=[value, index],
            result_types=[[StreamType.make(Kind.CONTROL, ())] if done else []],
            properties=attributes(tensor=SymbolRefAttr(tensor.sym_name)),
        )

    def verify_(self) -> None:
        value, index = self.value.type, self.index.type
        assert isinstance(value, StreamType)
        assert isinstance(index, StreamType)
        if value.kind is not Kind.VECTOR or index.kind is not Kind.SCALAR:
            raise VerifyException("random_store must have vector rows and a scalar index")
        if index.rank != value.rank:
            raise VerifyException(f"index must be of rank {value.rank}, as the rows are, not {index.rank}")


@irdl_op_definition
class ArgumentOp(IRDLOperation):
    """A launch argument as a scalar stream of one beat."""

    name = "mapped.argument"

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
    """Consumes a stream and discards it, in the turns of ``when``.

    The launch completes only after the stream's final stop token.
    """

    name = "mapped.sink"

    value = operand_def(StreamType)
    when = opt_prop_def(WHEN)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value attr-dict `:` type($value)"

    def __init__(self, value: SSAValue, *, when: When | None = None) -> None:
        super().__init__(operands=[value], properties=attributes(when=when))
