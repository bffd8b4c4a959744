"""The forms of a stream in a program that is laid out: vectors, scalars, or what it repeats."""

from __future__ import annotations

from functools import singledispatch

from xdsl.ir import Operation, SSAValue

from weft.compiler.mapped.beats import UnpackOp
from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.launch import Unit
from weft.compiler.mapped.types import DYNAMIC, Kind
from weft.compiler.mapped.values import stream
from weft.compiler.passes.layout.buffering import Buffering
from weft.compiler.passes.layout.laid import Laid, hint_of
from weft.compiler.step.dims import Dim

__all__ = ["Laying", "lay"]


class Laying(Buffering):
    """A program being laid out on a fabric."""

    def given(self, value: SSAValue) -> Laid:
        """What carries a stream; by itself, if it is a repetition of blocks."""
        laid = self.values[value]
        if laid.again is not None:
            self._carry(laid)
        return laid

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


@singledispatch
def lay(operation: Operation, laying: Laying) -> None:
    """Lay out one operation: emit the mapped operations for it, and say what carries its results.

    Raises
    ------
    WeftError
        The fabric cannot do it.
    """
    raise laying.refuse("no unit does this yet")
