"""Lays out tensors, and accesses to memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from xdsl.ir import SSAValue

from weft.compiler.backend.memory import tensor_strides
from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.launch import Unit
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp
from weft.compiler.mapped.offchip import RandomLoadOp as MappedRandomLoad
from weft.compiler.mapped.offchip import RandomStoreOp as MappedRandomStore
from weft.compiler.mapped.shape import PromoteOp
from weft.compiler.mapped.tensor import Format
from weft.compiler.mapped.tensor import Role as MappedRole
from weft.compiler.mapped.tensor import TensorOp as MappedTensor
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.passes.accesses import among_zeros
from weft.compiler.passes.layout.laid import Laid, sizes_of
from weft.compiler.passes.layout.laying import Laying, lay
from weft.compiler.passes.layout.masking import zero_filled
from weft.compiler.passes.layout.reference import argument_stream
from weft.compiler.passes.rewriting import iterates
from weft.compiler.step.access import LoadOp, StoreOp
from weft.compiler.step.dimension import DimensionOp, SizeOp
from weft.compiler.step.dims import Dim, dims_text
from weft.compiler.step.hazards import waits_for_the_round_before
from weft.compiler.step.random_access import RandomLoadOp, RandomStoreOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import Element, stream_of

__all__ = ["declared", "mapped_tensor"]

_FORMATS = {
    Element.F32: Format.F32,
    Element.BF16: Format.BF16X2,
    Element.I32: Format.I32,
    Element.INT8: Format.INT8,
    Element.MXFP4: Format.MXFP4,
}
_ROLES = {
    Role.INPUT: MappedRole.INPUT,
    Role.OUTPUT: MappedRole.OUTPUT,
    Role.WEIGHT: MappedRole.WEIGHT,
    Role.CACHE: MappedRole.CACHE,
    Role.IOTA: MappedRole.IOTA,
}


def mapped_tensor(tensor: TensorOp) -> MappedTensor:
    """The declaration of a tensor as it lies in memory."""
    return MappedTensor(
        tensor.label,
        tensor.sizes,
        format=_FORMATS[tensor.element],
        role=_ROLES[tensor.role],
        each=tensor.each is not None,
        shard=tensor.shard,
    )


@lay.register
def _(operation: TensorOp, laying: Laying) -> None:
    laying.names.add(operation.label)
    laying.emit(mapped_tensor(operation))


@lay.register
def _(operation: DimensionOp, laying: Laying) -> None:
    laying.most[operation.sym_name.data] = operation.largest


@lay.register
def _(operation: SizeOp, laying: Laying) -> None:
    scalar = argument_stream(laying, laying.argument(Dim.of(operation.symbol.data), Unit.ELEMENTS))
    laying.values[operation.result] = Laid((), Element.I32, scalar=scalar)


def _walk(operation: LoadOp | StoreOp, laying: Laying) -> dict[str, Any]:
    """A walk as the attributes of a mapped access."""
    stream = operation.result.type if isinstance(operation, LoadOp) else stream_of(operation.value)
    tensor, walk, spec = operation.declaration, operation.visits, laying.spec
    packed = tensor.element is Element.BF16
    if not walk.dims or walk.dims[-1] != len(tensor.sizes) - 1 or walk.by[-1] != 1:
        raise laying.refuse(f"the last dimension of the stream must walk the last of @{tensor.label} in steps of 1")
    unit = spec.lanes * (2 if packed else 1)
    if walk.start[-1].number is None or walk.start[-1].number % unit:
        raise laying.refuse(
            f"a walk along the last dimension of @{tensor.label} must begin at a multiple of {unit} elements, a beat "
            f"of fabric {spec.name!r}, not at {walk.start[-1]}"
        )
    rows = [step for dim, step in zip(walk.dims[:-1], walk.by[:-1], strict=True) if dim == len(tensor.sizes) - 1]
    if any(step % unit for step in rows):
        raise laying.refuse(f"steps along the last dimension of @{tensor.label} must be multiples of {unit} elements")
    sizes, grows = [], _growing(stream.dims, laying)
    for place, size in enumerate(stream.dims):
        unit_of_size = (Unit.BEATS, unit) if place == stream.rank - 1 else (Unit.ELEMENTS, 1)
        sizes.append(laying.argument(_before_rounds(size, laying), *unit_of_size) if size.number is None else 0)
    strides = _row_bytes(tensor, laying)
    begins = [_before_rounds(start, laying) for start in walk.start]
    bases = [
        laying.argument(start, Unit.MULTIPLE, stride // spec.beat_bytes)
        for start, stride in zip(begins, strides, strict=True)
        if start.number is None
    ]
    if len(bases) > 2:
        raise laying.refuse(
            f"at most 2 dimensions of @{tensor.label} can begin at a size of the launch, not {len(bases)}"
        )
    starts = [start.number or 0 for start in begins]
    moving = [dim for dim, start in enumerate(walk.start) if laying.round in start.symbols]
    if len(moving) > 1:
        raise laying.refuse(f"one dimension of @{tensor.label} can begin at {laying.round}, not {len(moving)}")
    whole = tuple(range(len(tensor.sizes)))
    return {
        "dims": None if walk.dims == whole else walk.dims,
        "size_args": (*sizes,) if any(sizes) else None,
        "base_args": (*bases,) or None,
        "steps": walk.by if any(step != 1 for step in walk.by) else None,
        "starts": tuple(starts) if any(starts) else None,
        **({"round_dim": moving[0]} if moving else {}),
        **({"grows": True} if grows else {}),
    }


def _before_rounds(size: Dim, laying: Laying) -> Dim:
    """A size in the first round."""
    terms = tuple((symbols, factor) for symbols, factor in size.terms if laying.round not in symbols)
    if laying.round in size.symbols and dict(size.terms).get((laying.round or "",)) != 1:
        raise laying.refuse(f"a size can grow by one each round, not as {size} does")
    return Dim(terms)


def _growing(dims: Sequence[Dim], laying: Laying) -> bool:
    """Whether a load has more each round: all of its sizes that a launch brings."""
    grow = {laying.round in dim.symbols for dim in dims if dim.number is None}
    if grow == {True, False}:
        raise laying.refuse(f"all sizes that a launch brings must grow with {laying.round}, or none")
    return grow == {True}


def _row_bytes(tensor: TensorOp, laying: Laying) -> list[int]:
    """Bytes between neighbours along each dimension of a tensor, outermost first."""
    return list(tensor_strides(mapped_tensor(tensor), laying.spec))


def declared(laying: Laying, name: str) -> MappedTensor:
    """The mapped declaration of a tensor."""
    return next(op for op in laying.operations if isinstance(op, MappedTensor) and op.sym_name.data == name)


@lay.register
def _(operation: LoadOp, laying: Laying) -> None:
    tensor, result = operation.declaration, operation.result
    hint = result.name_hint
    element = tensor.element
    mapped = declared(laying, tensor.label)
    dims = sizes_of(result.type.dims)
    if not dims:
        raise laying.refuse("a load must give at least one dimension")
    walk = _walk(operation, laying)
    if element is Element.F32 or element is Element.I32:
        kind = Kind.VECTOR
    else:
        kind = Kind.PACKED if element is Element.BF16 else Kind[element.name]
    after = None if operation.after is None else laying.given(operation.after).scalar
    if waits_for_the_round_before(operation, laying.round):
        walk["follows"] = True
    load = laying.emit(LinearLoadOp(mapped, StreamType.make(kind, dims), after=after, **walk), hint)
    loaded = load.result
    if tensor.role is Role.WEIGHT and len(tensor.sizes) > 1 and DYNAMIC not in dims and iterates(operation):
        moves = any(start.number is None for start in operation.visits.start)
        loaded = loaded if moves else _ahead(laying, loaded, hint or tensor.label)
    laid = Laid(result.type.dims, element, hint=hint)
    if kind is Kind.PACKED:
        laid.packed = loaded
        if dims[-1] == DYNAMIC:  # nothing says whether the last of its beats holds one vector or two
            laid.vector = laying.as_long(laying.vector(laid), result.type.dims[-1], Kind.VECTOR, hint)
            laid.packed = None
    else:
        laid.vector = loaded
    laying.values[result] = laid


def _ahead(laying: Laying, loaded: SSAValue, name: str) -> SSAValue:
    """Matrices of weights run ahead of their product by a whole PMU, so that the channels always have work."""
    return laying.emit(StreamifyOp(laying.emit(BufferizeOp(loaded, rank=0)).result), f"{name}_ahead").result


@lay.register
def _(operation: StoreOp, laying: Laying) -> None:
    tensor, laid = operation.declaration, laying.given(operation.value)
    walk = _walk(operation, laying)
    if "grows" in walk:
        raise laying.refuse(f"only loads can grow with {laying.round}")
    columns, size = laid.dims[-1], tensor.sizes[-1]
    unit = laying.spec.lanes * (2 if tensor.element is Element.BF16 else 1)
    end = None if columns.number is None else (operation.visits.start[-1].number or 0) + columns.number
    if end is None or (end % unit and end != size):
        if not among_zeros(operation):
            kept = "keeps what it held" if tensor.role is Role.CACHE else "is stored to more than once"
            raise laying.refuse(
                f"@{tensor.label} {kept}, and memory takes whole beats: a store must end with a row of it or with a "
                f"beat of {unit} elements, not at {operation.visits.start[-1] + columns} of {size}"
            )
        laid = zero_filled(laying, laid)
    store = laying.emit(
        LinearStoreOp(laying.vector(laid), declared(laying, tensor.label), done=operation.done is not None, **walk)
    )
    if operation.done is not None:
        laying.values[operation.done] = Laid((), Element.I32, scalar=store.done)


@lay.register
def _(operation: RandomLoadOp, laying: Laying) -> None:
    tensor, result, hint = operation.declaration, operation.result, operation.result.name_hint
    index = laying.scalar(laying.given(operation.index))
    mapped = declared(laying, tensor.label)
    dims, element = result.type.dims, tensor.element
    after = None if operation.after is None else laying.values[operation.after].scalar
    if len(tensor.sizes) == 1:
        kind = Kind.PACKED if element is Element.BF16 else Kind.VECTOR
        loaded = laying.emit(
            LinearLoadOp(mapped, StreamType.make(kind, tensor.sizes), after=after), tensor.label
        ).result
        loaded = laying.emit(UnpackOp(loaded)).result if kind is Kind.PACKED else loaded
        laying.check_block(tensor.sizes, Kind.VECTOR)
        buffer = laying.emit(BufferizeOp(loaded, rank=1)).result
        read = laying.emit(StreamifyOp(buffer, kind=Kind.SCALAR, trigger=index, sizes=(), strides=()), hint).result
        laying.values[result] = Laid(dims, element, scalar=read, hint=hint)
        return
    if after is not None:
        index = _held_back(laying, index, stream_of(operation.index).dims, after)
    vector = laying.emit(MappedRandomLoad(index, mapped), hint).result
    if element is Element.BF16:
        vector = laying.emit(UnpackOp(vector), hint).result
    laying.values[result] = Laid(dims, element, vector=vector, hint=hint)


def _held_back(laying: Laying, index: SSAValue, dims: Sequence[Dim], after: SSAValue) -> SSAValue:
    """Indices that a buffer gives once a token comes."""
    sizes = sizes_of(dims)
    if DYNAMIC in sizes:
        raise laying.refuse(
            f"indices that wait for a token must be as many as is known when compiling, not {dims_text(dims)}"
        )
    laying.check_block(sizes, Kind.SCALAR)
    buffer = laying.emit(BufferizeOp(index, rank=len(sizes))).result
    return laying.emit(StreamifyOp(buffer, kind=Kind.SCALAR, trigger=after)).result


@lay.register
def _(operation: RandomStoreOp, laying: Laying) -> None:
    tensor = operation.declaration
    if len(tensor.sizes) == 1:
        raise laying.refuse(f"entries of @{tensor.label} must be rows, not single elements: a store writes whole beats")
    laid = laying.given(operation.value)
    index = laying.scalar(laying.given(operation.index))
    if DYNAMIC in laid.sizes[1:]:
        raise laying.refuse("rows must be of a size that is known when compiling")
    for _ in range(len(tensor.sizes) - 1):  # the index ends with a stop of the rows' rank
        index = laying.emit(PromoteOp(index)).result
    store = laying.emit(
        MappedRandomStore(laying.vector(laid), index, declared(laying, tensor.label), done=operation.done is not None)
    )
    if operation.done is not None:
        laying.values[operation.done] = Laid((), Element.I32, scalar=store.done)
