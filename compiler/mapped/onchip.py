"""Operations on streams: elementwise, accumulating, and those that shape."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import IntegerAttr, StringAttr
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from weft.compiler.mapped.attributes import INTS, NUMBER, attributes
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType, dims_text

__all__ = [
    "COMPUTE",
    "FUNCTIONS",
    "AccumOp",
    "ExpandOp",
    "FlattenOp",
    "LaneOp",
    "MapOp",
    "MergeOp",
    "PromoteOp",
    "ScanOp",
    "SpreadOp",
    "UnpackOp",
    "stream",
    "used",
]

FUNCTIONS: dict[str, int] = {
    "pass": 1, "mul": 2, "add": 2, "sub": 2, "max": 2, "min": 2, "lt": 2, "le": 2, "eq": 2, "muladd": 3, "select": 3,
    "iadd": 2, "isub": 2, "imax": 2, "ilt": 2, "ieq": 2, "exp": 1, "reciprocal": 1, "rsqrt": 1, "sigmoid": 1,
    "bf16": 1, "int32": 1, "float": 1,
}  # fmt: skip
"""Functions of ``mapped.map`` with their operands: ``muladd`` is a * b + c, ``select`` is b where a != 0, else c;
``iadd``, ``isub``, ``imax``, ``ilt`` and ``ieq`` take int32; ``bf16`` rounds, ``int32`` converts to integers and
``float`` from them."""

_ACCUMULATORS = {"add": 0.0, "max": float("-inf"), "min": float("inf"), "iadd": 0, "imax": -(1 << 31)}
"""Functions of ``mapped.accum`` and ``mapped.scan``, and where they start by default: those of integers at one."""


def stream(value: SSAValue) -> StreamType:
    """The stream type of a value."""
    if not isinstance(value.type, StreamType):
        raise VerifyException(f"operand must be a stream, not {value.type}")
    return value.type


def used(value: SSAValue) -> bool:
    """Whether any operation takes a value."""
    return value.first_use is not None


@irdl_op_definition
class MapOp(IRDLOperation):
    """STeP's Map over Zip: one function on each element of its operands, which have the same dimensions.

    With ``const`` that number, a float or for integers an integer, is the last operand, or operand ``place``, counted
    from 0. Where some operands are vectors and others scalars, the scalars count for all lanes.
    """

    name = "mapped.map"

    function = prop_def(StringAttr)
    inputs = var_operand_def(StreamType)
    const = opt_prop_def(NUMBER)
    place = opt_prop_def(IntegerAttr)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$function $inputs attr-dict `:` functional-type(operands, results)"

    def __init__(self, function: str, *inputs: SSAValue, const: float | None = None, place: int | None = None) -> None:
        types = [stream(value) for value in inputs]
        result = next((each for each in types if each.kind is Kind.VECTOR), types[0])
        properties = attributes(function=function, const=const, place=place)
        super().__init__(operands=[inputs], result_types=[result], properties=properties)

    @property
    def const_place(self) -> int:
        """Which operand ``const`` is."""
        return len(self.inputs) if self.place is None else self.place.value.data

    def verify_(self) -> None:
        name = self.function.data
        if name not in FUNCTIONS:
            raise VerifyException(f"function must be one of {', '.join(FUNCTIONS)}, not {name!r}")
        given = len(self.inputs) + (self.const is not None)
        if given != FUNCTIONS[name] or not self.inputs:
            raise VerifyException(f"{name} must have {FUNCTIONS[name]} operands, not {given}")
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


class _Accumulating(IRDLOperation):
    """Shared by Accum and Scan."""

    value = operand_def(StreamType)
    function = prop_def(StringAttr)
    over = prop_def(IntegerAttr)
    keep = prop_def(IntegerAttr)
    init = prop_def(NUMBER)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$function $value attr-dict `:` functional-type(operands, results)"

    def __init__(
        self, function: str, value: SSAValue, *, over: int = 1, keep: int = 0, init: float | None = None
    ) -> None:
        start = _ACCUMULATORS[function] if init is None else init
        integer = isinstance(_ACCUMULATORS[function], int)
        super().__init__(
            operands=[value],
            result_types=[self.result_of(stream(value), over, keep)],
            properties=attributes(
                function=function, over=over, keep=keep, init=int(start) if integer else float(start)
            ),
        )

    @staticmethod
    def result_of(given: StreamType, over: int, keep: int) -> StreamType:
        """The type of the result."""
        raise NotImplementedError

    def verify_(self) -> None:
        given, over, keep = stream(self.value), self.over.value.data, self.keep.value.data
        if self.function.data not in _ACCUMULATORS:
            raise VerifyException(f"function must be one of {', '.join(_ACCUMULATORS)}, not {self.function.data!r}")
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


@irdl_op_definition
class ExpandOp(IRDLOperation):
    """STeP's Expand: each element again for all elements of ``like`` that lie in it.

    ``like`` has more inner dimensions.
    """

    name = "mapped.expand"

    value = operand_def(StreamType)
    like = operand_def(StreamType)
    result = result_def(StreamType)
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format = "$value `like` $like attr-dict `:` functional-type(operands, results)"

    def __init__(self, value: SSAValue, like: SSAValue) -> None:
        super().__init__(operands=[value, like], result_types=[StreamType.make(stream(value).kind, stream(like).dims)])

    def verify_(self) -> None:
        value, like = stream(self.value), stream(self.like)
        if value.rank >= like.rank or value.dims != like.dims[: value.rank]:
            raise VerifyException(f"{dims_text(value.dims)} must be the outer dimensions of {dims_text(like.dims)}")
        if value.kind not in (Kind.SCALAR, Kind.VECTOR):
            raise VerifyException(f"a {value.kind.value} stream cannot be expanded")
        if self.result.type != StreamType.make(value.kind, like.dims):
            raise VerifyException(f"result must be {value.kind.value} {dims_text(like.dims)}")


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
class MergeOp(IRDLOperation):
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


def _merged(which: StreamType, zero: StreamType, other: StreamType, block: int) -> StreamType:
    """A size in which the blocks of both differ is dynamic."""
    blocks = zip(zero.dims[zero.rank - block :], other.dims[other.rank - block :], strict=False)
    return StreamType.make(zero.kind, (*which.dims, *(a if a == b else DYNAMIC for a, b in blocks)))


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


COMPUTE = AccumOp | FlattenOp | LaneOp | MapOp | MergeOp | PromoteOp | ScanOp | SpreadOp
"""Operations that a PCU does; so are the products of other files."""
