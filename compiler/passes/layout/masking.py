"""What the lanes behind the end of a row hold: other numbers, where a reduction or memory could see them."""

from __future__ import annotations

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.launch import Unit
from weft.compiler.mapped.types import Kind
from weft.compiler.passes.layout.elementwise import apply
from weft.compiler.passes.layout.laid import Laid
from weft.compiler.passes.layout.laying import Laying
from weft.compiler.passes.layout.reference import argument_stream, indices
from weft.compiler.step.types import Element
from weft.hw.numerics.ops import Op

__all__ = ["masked", "zero_filled"]


def masked(laying: Laying, laid: Laid, other: float) -> Laid:
    """The same rows as vectors, with ``other`` in the lanes behind their end."""
    size = laid.dims[-1]
    laying.vector(laid)
    index = Laid(laid.dims, Element.F32, vector=indices(laying, laid.dims, max(1, laying.largest(size))))
    if size.number is None:
        argument = argument_stream(laying, laying.argument(size, Unit.FLOAT))
        length = Laid(laid.dims, Element.F32, repeats=Laid((), Element.F32, scalar=argument))
        inside = apply(laying, Op.LT, [index, length], Element.F32)
    else:
        inside = apply(laying, Op.LT, [index], Element.F32, const=float(size.number))
    return apply(laying, Op.SELECT, [inside, laid], laid.element, const=other, place=2)


def zero_filled(laying: Laying, laid: Laid) -> Laid:
    """The same rows as vectors, with zeros in the lanes behind their end."""
    vector = laying.vector(laid)
    read = vector.owner
    if isinstance(read, StreamifyOp) and isinstance(read.buffer.owner, BufferizeOp):
        write = read.buffer.owner
        if write.result.type.kind is Kind.SCALAR and read.sizes is None:
            return laid  # the first number of a line clears the others
    return masked(laying, laid, 0.0)
