"""The state of the lay-out: the mapped streams that carry each logical stream so far."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from math import prod
from typing import TypeVar

from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation, SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.launch import NonEmptyOp, SizeOp, Unit
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp, RandomLoadOp
from weft.compiler.mapped.shape import FlattenOp
from weft.compiler.mapped.types import DYNAMIC, BufferType, Kind
from weft.compiler.mapped.values import stream
from weft.compiler.step.dims import Dim
from weft.compiler.step.iterations import Iterations
from weft.compiler.step.operation import inherit_line, line_of, origin_of
from weft.compiler.step.types import Element
from weft.hw.spec import FabricSpec

__all__ = ["Laid", "Laying", "hint_of", "lay", "outer_of", "sizes_of"]

AnyOperation = TypeVar("AnyOperation", bound=Operation)


def sizes_of(dims: Sequence[Dim]) -> tuple[int, ...]:
    """Sizes as mapped types have them: those that are not known when compiling are dynamic."""
    return tuple(DYNAMIC if dim.number is None else dim.number for dim in dims)


@dataclass
class Laid:
    """A logical stream, and the mapped streams that carry it: as vectors, as scalars, or as packed beats; ``columns``
    are those of a matrix as vectors, by how often they are read.

    ``repeats`` is another stream whose elements this one repeats along its innermost dimensions, where nothing carries
    it by itself: a unit holds them (STeP's Expand). ``again`` is one whose blocks, the dimensions from ``block`` on,
    it repeats along new dimensions outside them: a buffer gives each again, as often as what the stream meets asks for.
    """

    dims: tuple[Dim, ...]
    element: Element
    vector: SSAValue | None = None
    scalar: SSAValue | None = None
    packed: SSAValue | None = None
    columns: dict[int | None, SSAValue] = field(default_factory=dict["int | None", SSAValue])
    repeats: Laid | None = None
    again: Laid | None = None
    block: int = 0
    hint: str | None = None

    @staticmethod
    def carried(dims: tuple[Dim, ...], element: Element, kind: Kind, value: SSAValue, *, hint: str | None) -> Laid:
        """A stream that one mapped stream carries."""
        vector, scalar = (value, None) if kind is Kind.VECTOR else (None, value)
        return Laid(dims, element, vector, scalar, hint=hint)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Sizes as a mapped type has them."""
        return sizes_of(self.dims)


@dataclass
class Laying:
    """A program being laid out on a fabric."""

    spec: FabricSpec
    operations: list[Operation] = field(default_factory=list)
    values: dict[SSAValue, Laid] = field(default_factory=dict)
    arguments: dict[tuple[Dim, Unit, int], int] = field(default_factory=dict)
    current: Operation | None = None
    names: set[str] = field(default_factory=set)
    most: dict[str, int] = field(default_factory=dict)
    """The largest value of each symbol."""
    filled: set[Dim] = field(default_factory=set)
    """Sizes that no launch may bring as 0."""
    round: str | None = None
    """The symbol that counts rounds."""
    iterations: Iterations = Iterations.EVERY
    """In which the operation that is being laid out takes place."""

    # -- emitting ---------------------------------------------------------------------------------------

    def emit(self, operation: AnyOperation, hint: str | None = None) -> AnyOperation:
        """Append a mapped operation; ``hint`` names its first result."""
        self.operations.append(operation)
        if self.current is not None:
            inherit_line(operation, self.current)
        if self.iterations is not Iterations.EVERY and isinstance(
            operation, LinearLoadOp | LinearStoreOp | RandomLoadOp
        ):
            operation.properties["when"] = StringAttr(self.iterations.value)
        if hint is not None and operation.results:
            operation.results[0].name_hint = hint
        return operation

    def exchange(self, old: Operation, new: AnyOperation) -> AnyOperation:
        """Put another operation in the place of one; it may have more results."""
        self.operations[self.operations.index(old)] = new
        for before, after in zip(old.results, new.results, strict=False):
            after.name_hint = before.name_hint
            before.replace_all_uses_with(after)
            for laid in self.values.values():
                for field_name in ("vector", "scalar", "packed"):
                    if getattr(laid, field_name) is before:
                        setattr(laid, field_name, after)
        old.erase()
        return new

    def refuse(self, rule: str) -> WeftError:
        """The error of the operation that is being laid out."""
        if self.current is None:
            return WeftError(rule)
        line = line_of(self.current)
        where = f"line {line}: " if line is not None else ""
        return WeftError(f"{where}{origin_of(self.current)}: {rule}")

    def argument(self, size: Dim, unit: Unit, per: int = 1) -> int:
        """The launch argument that holds a size."""
        if self.round in size.symbols:
            raise self.refuse(f"{size} changes with {self.round}, and only loads and where walks begin can")
        key = (size, unit, per)
        if key not in self.arguments:
            index = len(self.arguments) + 1
            if index > self.spec.arguments:
                raise self.refuse(
                    f"a launch must have at most arguments = {self.spec.arguments} sizes on fabric "
                    f"{self.spec.name!r}: set arguments={2 * self.spec.arguments + 1}"
                )
            self.arguments[key] = index
            self.operations.insert(0, SizeOp(index, size, unit, per))
        return self.arguments[key]

    def largest(self, size: Dim) -> int:
        """The largest that a size can be."""
        return size.at(self.most)

    def non_empty(self, dims: Iterable[Dim], rule: str) -> None:
        """Refuse launches in which one of these sizes is 0."""
        for dim in dims:
            if dim.number is None and dim not in self.filled and dict(dim.terms).get((), 0) < 1:
                self.filled.add(dim)
                self.operations.insert(0, NonEmptyOp(dim, str(self.refuse(rule))))

    def fresh(self, base: str) -> str:
        """An unused name for a tensor that the compiler adds."""
        name, number = base, 2
        while name in self.names:
            name, number = f"{base}_{number}", number + 1
        self.names.add(name)
        return name

    def given(self, value: SSAValue) -> Laid:
        """What carries a stream; by itself, if it is a repetition of blocks."""
        laid = self.values[value]
        if laid.again is not None:
            self._carry(laid)
        return laid

    # -- forms ------------------------------------------------------------------------------------------

    def vector(self, laid: Laid) -> SSAValue:
        """A stream as vectors: the innermost dimension lies in lanes."""
        if laid.vector is None:
            self._carry(laid)
            laid.vector = laid.vector or self._vectors_of_scalars(laid)
        return laid.vector

    def scalar(self, laid: Laid) -> SSAValue:
        """A stream as scalars: a beat for each element."""
        if laid.scalar is None:
            self._carry(laid)
            laid.scalar = laid.scalar or self._scalars_of_vectors(laid)
        return laid.scalar

    def _carry(self, laid: Laid) -> None:
        """Let vectors or scalars carry a stream that is packed, or that repeats another."""
        if laid.packed is not None:
            laid.vector = laid.vector or self.emit(UnpackOp(laid.packed), laid.hint).result
        elif laid.repeats is not None:
            from weft.compiler.passes.layout.elementwise import held_by_itself

            held_by_itself(self, laid)
        elif laid.again is not None:
            from weft.compiler.passes.layout.repeats import repeated_by_itself

            repeated_by_itself(self, laid)

    def either(self, laid: Laid) -> tuple[SSAValue, Kind]:
        """A stream in the form that carries it already; vectors where both do."""
        if laid.vector is None and laid.scalar is not None:
            return laid.scalar, Kind.SCALAR
        return self.vector(laid), Kind.VECTOR

    def _vectors_of_scalars(self, laid: Laid) -> SSAValue:
        assert laid.scalar is not None
        if not laid.dims:
            raise self.refuse("a single number has no vectors")
        if laid.sizes[-1] == DYNAMIC:
            return self.as_long(laid.scalar, laid.dims[-1], Kind.VECTOR, hint_of(laid, "row"))
        self.check_block(laid.sizes[-1:], Kind.SCALAR)
        buffer = self.emit(BufferizeOp(laid.scalar, rank=1)).result
        return self.emit(StreamifyOp(buffer, kind=Kind.VECTOR), hint_of(laid, "row")).result

    def _scalars_of_vectors(self, laid: Laid) -> SSAValue:
        assert laid.vector is not None
        if laid.sizes[-1] == DYNAMIC:
            return self.as_long(laid.vector, laid.dims[-1], Kind.SCALAR, hint_of(laid, "numbers"))
        read, hint = laid.vector.owner, hint_of(laid, "numbers")
        if isinstance(read, StreamifyOp) and self._by_rows(read):
            sizes, strides = read.sizes, read.strides
            assert sizes is not None
            assert strides is not None
            again = StreamifyOp(
                read.buffer,
                kind=Kind.SCALAR,
                sizes=sizes.get_values(),
                strides=strides.get_values(),
                offset=0 if read.offset is None else read.offset.value.data,
            )
            return self.emit(again, hint).result
        self.check_block(laid.sizes[-1:], Kind.VECTOR)
        buffer = self.buffered(laid.vector, 1)
        return self.emit(StreamifyOp(buffer, kind=Kind.SCALAR), hint).result

    def as_long(self, value: SSAValue, size: Dim, kind: Kind, hint: str | None) -> SSAValue:
        """Rows read out of buffers as far as ``size``, which a launch brings, says."""
        from weft.compiler.passes.layout.reference import argument_for_each

        given = stream(value)
        self.check_block((self.largest(size),), given.kind)
        unit = (Unit.BEATS, self.spec.lanes) if kind is Kind.VECTOR else (Unit.ELEMENTS, 1)
        count = argument_for_each(self, self.argument(size, *unit), value, 1)
        buffer = self.emit(BufferizeOp(value, rank=1)).result
        read = StreamifyOp(buffer, kind=kind, trigger=count, length=True, sizes=(DYNAMIC,), strides=(1,))
        return self.emit(read, hint).result

    # -- buffers ----------------------------------------------------------------------------------------

    def row_words(self, elements: int, kind: Kind) -> int:
        """Words between the rows of a buffer."""
        return elements if kind is Kind.SCALAR else row_beats(elements, self.spec, packed=False) * self.spec.lanes

    def strides(self, sizes: Sequence[int], kind: Kind) -> list[int]:
        """Words between neighbours along each dimension of a buffer, outermost first."""
        if not sizes:
            return []
        strides, step = [1], self.row_words(sizes[-1], kind)
        for size in reversed(sizes[1:-1]):
            strides.append(step)
            step *= size
        return [*([step] if len(sizes) > 1 else []), *reversed(strides)]

    def buffered(self, value: SSAValue, rank: int) -> SSAValue:
        """The ``rank`` innermost dimensions of a stream as buffers.

        They need not be flattened before, and where a stream is read in order out of buffers of as many elements, it
        comes out of these.
        """
        value = self._not_ahead(value)
        given = stream(value)
        inner = given.dims[given.rank - rank :]
        source, depth = value, rank
        if DYNAMIC not in inner:
            while isinstance(source.owner, FlattenOp) and source.owner.level <= depth and source.owner.size is None:
                source, depth = source.owner.value, depth + 1
        last, read = 0, source.owner
        if isinstance(read, StreamifyOp) and self._in_order(read) and len(outer_of(read)) == given.rank - rank:
            write = read.buffer.owner
            assert isinstance(write, BufferizeOp)
            if write.result.type.inner == inner:
                return write.result
            first, last = (0 if each is None else each.value.data for each in (write.first, write.last))
            source, depth = write.value, write.rank.value.data
        else:
            first = 0
        if source is value:
            return self.emit(BufferizeOp(value, rank=rank)).result
        words = prod(inner[:-1]) * self.row_words(inner[-1], given.kind)
        seen = BufferizeOp(source, rank=depth, first=first, last=last or words // self.beat(given.kind), inner=inner)
        return self.emit(seen).result

    def _not_ahead(self, value: SSAValue) -> SSAValue:
        """A stream before the FIFO that lets it run ahead: a buffer does that, too."""
        packed = value.owner.value if isinstance(value.owner, UnpackOp) else value
        read = packed.owner
        write = read.buffer.owner if isinstance(read, StreamifyOp) else None
        if not isinstance(write, BufferizeOp) or write.rank.value.data:
            return value
        return write.value if packed is value else self.emit(UnpackOp(write.value), value.name_hint).result

    def beat(self, kind: Kind) -> int:
        """Words that a beat takes in a buffer."""
        return 1 if kind is Kind.SCALAR else self.spec.lanes

    def _by_rows(self, read: StreamifyOp) -> bool:
        """Whether loops read rows of a buffer, each element of which could come by itself."""
        plain = read.trigger is None and read.transposed is None and read.flat is None and read.runs is None
        return plain and read.strides is not None and read.sizes is not None and read.strides.get_values()[-1:] == (1,)

    def _in_order(self, read: StreamifyOp) -> bool:
        """Whether all of a buffer is read once, in order, as it was written."""
        buffer, result = read.buffer.type, read.result.type
        assert isinstance(buffer, BufferType)
        write = read.buffer.owner
        plain = read.trigger is None and read.transposed is None and read.offset is None and read.flat is None
        plain &= isinstance(write, BufferizeOp) and write.when is None
        if not plain or result.kind is not buffer.kind or not buffer.inner or DYNAMIC in buffer.inner:
            return False
        if read.sizes is None:
            return True
        sizes, kind = read.sizes.get_values(), buffer.kind
        strides = self.strides(sizes, kind) if read.strides is None else [*read.strides.get_values()]
        if kind is Kind.PACKED or not sizes or strides != self.strides(sizes, kind):
            return False
        words = [prod(dims[:-1]) * self.row_words(dims[-1], kind) for dims in (sizes, buffer.inner)]
        return words[0] == words[1]

    def check_block(self, sizes: Sequence[int], kind: Kind) -> None:
        """Refuse a block that no PMU holds."""
        if DYNAMIC in sizes:
            return
        words = prod(sizes[:-1]) * self.row_words(sizes[-1], kind) if sizes else 1
        if words > self.spec.pmu_words:
            lines = 1 << (-(-words // self.spec.lanes) - 1).bit_length()
            raise self.refuse(
                f"a block of {' x '.join(map(str, sizes))} must fit a PMU of fabric {self.spec.name!r}, which has "
                f"pmu_lines = {self.spec.pmu_lines} of {self.spec.lanes} words: set pmu_lines={lines}"
            )

    def fits_block(self, sizes: Sequence[int], kind: Kind) -> bool:
        """Whether a PMU holds such a block."""
        try:
            self.check_block(sizes, kind)
        except WeftError:
            return False
        return True


def outer_of(read: StreamifyOp) -> tuple[int, ...]:
    """Dimensions of the stream of buffers that is read."""
    buffer = read.buffer.type
    assert isinstance(buffer, BufferType)
    return buffer.outer


def hint_of(laid: Laid, what: str) -> str:
    """A name for a stream that carries another in some form."""
    return f"{laid.hint}.{what}" if laid.hint else what


@singledispatch
def lay(operation: Operation, laying: Laying) -> None:
    """Lay out one operation: emit the mapped operations for it, and say what carries its results.

    Raises
    ------
    WeftError
        The fabric cannot do it.
    """
    raise laying.refuse("no unit does this yet")
