"""Logical streams, and the mapped streams that carry them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from weft.compiler.mapped.types import DYNAMIC, Kind
from weft.compiler.step.dims import Dim
from weft.compiler.step.types import Element

__all__ = ["Laid", "hint_of", "sizes_of"]


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

    def carry(self, value: SSAValue, kind: Kind) -> None:
        """From now on it is carried by a mapped stream, for whoever takes it next."""
        self.vector, self.scalar = (value, self.scalar) if kind is Kind.VECTOR else (self.vector, value)
        self.repeats = self.again = None


def hint_of(laid: Laid, what: str) -> str:
    """A name for a stream that carries another in some form."""
    return f"{laid.hint}.{what}" if laid.hint else what
