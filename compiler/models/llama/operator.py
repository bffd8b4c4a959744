"""One operator of a decoder as a launch of its own: operands come from memory, and the result goes there."""

from __future__ import annotations

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue

from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp
from weft.compiler.mapped.onchip import UnpackOp, stream
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType
from weft.compiler.models.llama.builder import Builder
from weft.compiler.models.llama.shapes import Argument, DecoderShapes

__all__ = ["LAYER", "Operator"]

LAYER = max(Argument) + 1
"""The launch argument that is added to the addresses of a layer's own tensors: its distance from layer 0, in bytes."""


class Operator(Builder):
    """Adds operations to a program that serves every layer, whose own tensors :data:`LAYER` chooses.

    With ``when`` not None there is one set of weights.
    """

    def __init__(self, shapes: DecoderShapes, *, layered: bool = True) -> None:
        super().__init__(shapes)
        self.module = ModuleOp([])
        self.when = None if layered else "every"

    def weights(self, name: str, kind: Kind, *shape: int) -> SSAValue:
        """Load weights."""
        format = next(each for each in Format if each.kind is kind)
        each = self.when is None
        tensor = self.tensor(name, *shape, format=format, each=each)
        return self._load(tensor, StreamType.make(kind, shape), bases=(LAYER,) if each else ())

    def operand(self, name: str, *shape: int, rounded: bool = False, positions: bool = False) -> SSAValue:
        """Load what another launch has stored, as vectors; with ``positions`` the middle of three sizes is dynamic."""
        tensor = self.tensor(name, *shape, format=Format.BF16X2 if rounded else Format.F32, role=Role.INPUT)
        dims = (shape[0], DYNAMIC, shape[2]) if positions else shape
        value = self._load(tensor, StreamType.make(Kind.PACKED if rounded else Kind.VECTOR, dims))
        # Rounding again changes nothing: it is the PCU that unpacks.
        return self.map("bf16", self.add(UnpackOp(value)).result, hint=f"{name}_vectors") if rounded else value

    def result(self, value: SSAValue, name: str, *shape: int, rounded: bool = False) -> None:
        """Store a result, which is of bf16 values if ``rounded``; a dynamic dimension has as many as positions."""
        tensor = self.tensor(name, *shape, format=Format.BF16X2 if rounded else Format.F32, role=Role.OUTPUT)
        sizes = [Argument.CONTEXT if size == DYNAMIC else 0 for size in stream(value).dims]
        self.add(LinearStoreOp(value, tensor, size_args=sizes if any(sizes) else None))

    def append(self, value: SSAValue, name: str, width: int, row: Argument) -> None:
        """Store this position's rows, one for each key head, in a cache."""
        self.add(LinearStoreOp(value, self._cache(name, width), dims=(0, 2), base_args=(row, LAYER)))

    def cached(self, name: str, width: int) -> SSAValue:
        """Load all rows of a cache, packed."""
        rows = StreamType.make(Kind.PACKED, (self.shapes.config.kv_heads, DYNAMIC, width))
        return self._load(self._cache(name, width), rows, bases=(LAYER,))

    def _cache(self, name: str, width: int) -> TensorOp:
        shape = (self.shapes.config.kv_heads, self.shapes.context, width)
        return self.tensor(name, *shape, format=Format.BF16X2, role=Role.CACHE, each=True)

    def _load(self, tensor: TensorOp, result: StreamType, *, bases: tuple[int, ...] = ()) -> SSAValue:
        sizes = [Argument.CONTEXT if size == DYNAMIC else 0 for size in result.dims]
        return self.add(
            LinearLoadOp(tensor, result, size_args=sizes if any(sizes) else None, base_args=bases or None)
        ).result
