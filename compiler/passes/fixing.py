"""Sizes that a launch would bring become numbers: a program for these sizes alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from weft.compiler.step.dims import Dim, DimsAttr
from weft.compiler.step.types import BufferType, StreamType
from weft.compiler.step.walk import WalkAttr

__all__ = ["FixSizes"]


@dataclass(frozen=True)
class FixSizes(ModulePass):
    """Replaces symbols by ``sizes`` in the types of streams, in walks and in slices.

    The value of a symbol as a number, ``step.size``, remains a launch argument.
    """

    name = "fix-sizes"

    sizes: Mapping[str, int]

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite types and attributes."""
        for operation in op.ops:
            for result in list(operation.results):
                now = self._fixed(result.type)
                if now != result.type:
                    Rewriter.replace_value_with_new_type(result, now)
            operation.properties = {name: self._fixed(value) for name, value in operation.properties.items()}

    def _fixed(self, attribute: Attribute) -> Attribute:
        match attribute:
            case StreamType():
                return StreamType.make(attribute.element, self._dims(attribute.dims))
            case BufferType():
                return BufferType.make(attribute.element, self._dims(attribute.outer), self._dims(attribute.inner))
            case DimsAttr():
                return DimsAttr(self._dims(attribute.data))
            case WalkAttr() if attribute.data.start is not None:
                return WalkAttr(replace(attribute.data, start=self._dims(attribute.data.start)))
            case _:
                return attribute

    def _dims(self, dims: Sequence[Dim]) -> tuple[Dim, ...]:
        return (*(dim.with_sizes(self.sizes) for dim in dims),)
