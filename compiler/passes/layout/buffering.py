"""Buffers of a program that is laid out: how rows lie in them, and what fits."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from xdsl.ir import SSAValue

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.shape import FlattenOp
from weft.compiler.mapped.types import DYNAMIC, BufferType, Kind
from weft.compiler.mapped.values import stream
from weft.compiler.passes.layout.emitting import Emitting

__all__ = ["Buffering", "outer_of"]


class Buffering(Emitting):
    """Makes buffers of streams."""

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
        source, depth = self.before_flattening(value, rank)
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

    def before_flattening(self, value: SSAValue, rank: int) -> tuple[SSAValue, int]:
        """The stream whose innermost dimensions make the same buffers as the ``rank`` of this one, and their number."""
        given = stream(value)
        if DYNAMIC not in given.dims[given.rank - rank :]:
            while isinstance(value.owner, FlattenOp) and value.owner.level <= rank and value.owner.size is None:
                source = value.owner.value
                source.name_hint = source.name_hint or value.name_hint
                value, rank = source, rank + 1
        return value, rank

    def _not_ahead(self, value: SSAValue) -> SSAValue:
        """A stream before the FIFO that lets it run ahead: a buffer does that, too."""
        packed = value.owner.value if isinstance(value.owner, UnpackOp) else value
        read = packed.owner
        write = read.buffer.owner if isinstance(read, StreamifyOp) else None
        if not isinstance(write, BufferizeOp) or write.rank.value.data:
            return value
        if packed.type != write.value.type:  # a buffer of single elements, each of which is read several times
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
