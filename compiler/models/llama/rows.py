"""Pieces of a layer for several rows at once: every weight that comes serves all of them."""

from __future__ import annotations

from xdsl.ir import SSAValue

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.matmul import MatmulOp
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp
from weft.compiler.mapped.onchip import FlattenOp, UnpackOp, stream
from weft.compiler.mapped.tensor import Format, Role
from weft.compiler.mapped.types import Kind, StreamType
from weft.compiler.models.llama.builder import Builder

__all__ = ["GATE_UP", "RowsBuilder"]

GATE_UP = "gate_up"
"""The tensors ``gate`` and ``up`` as one [2, groups, rows, columns], which lies where they do."""


class RowsBuilder(Builder):
    """A builder whose streams have the rows as first dimension.

    In this builder, "scalars" are matrix columns: one vector beat holds element k of every row.
    """

    def vector(self, name: str, size: int) -> SSAValue:
        """A vector of weights in fp32, once for each row."""
        tensor, rows = self.tensor(name, size, each=self.when is None), self.shapes.rows
        load = LinearLoadOp(tensor, StreamType.make(Kind.VECTOR, (rows, size)), dims=(-1, 0), when=self.when)
        return self.add(load).result

    def scalars(self, value: SSAValue, count: int, *, repeat: int, hint: str) -> SSAValue:
        """The ``count`` columns of all rows, [count, rows], ``repeat`` times."""
        buffer = self.add(BufferizeOp(value, rank=stream(value).rank)).result
        return self._columns(buffer, repeat=repeat, hint=hint)

    def _columns(self, buffer: SSAValue, *, repeat: int, hint: str) -> SSAValue:
        times = None if repeat == 1 else repeat
        return self.add(StreamifyOp(buffer, transposed=True, flat=True, repeat=times), hint).result

    def product(
        self,
        rows: int,
        columns: int,
        name: str,
        scalars: SSAValue,
        *,
        bias: bool = False,
        groups: int | None = None,
    ) -> SSAValue:
        """All rows times a matrix [rows, columns] of bf16 weights."""
        groups = self.shapes.groups(columns) if groups is None else groups
        shape = self.shapes.matrix(rows, columns, groups)
        result = self._matmul(scalars, self.weights(name, Kind.PACKED, *shape), name)
        if groups > 1:
            result = self._row_by_row(result, groups, columns, name)
        if bias:
            result = self.map("add", result, self.vector(f"{name}_bias", columns), hint=f"{name}_biased")
        return result

    def _matmul(self, columns: SSAValue, packed: SSAValue, name: str, *, keep: int = 1) -> SSAValue:
        weights = self.add(UnpackOp(self.fifo(packed, f"{name}_weights"))).result
        return self.add(MatmulOp(columns, weights, keep=keep), name).result

    def _row_by_row(self, value: SSAValue, groups: int, columns: int, name: str) -> SSAValue:
        """[groups, rows, columns of a group] as [rows, columns]."""
        rows, part = self.shapes.rows, columns // groups
        buffer = self.add(BufferizeOp(value, rank=3)).result
        read = StreamifyOp(buffer, sizes=(rows, groups, part), strides=(part, rows * part, 1))
        return self.add(FlattenOp(self.add(read, f"{name}_rows").result), f"{name}_flat").result

    def gate_and_up(self, scalars: SSAValue) -> tuple[SSAValue, SSAValue]:
        """Both products in one unit, [groups, rows, columns of a group] each, or [rows, columns]."""
        shapes = self.shapes
        size, groups = shapes.hidden, shapes.wide_groups
        part = shapes.intermediate // groups
        tensor = self.tensor(GATE_UP, 2, groups, size, part, format=Format.BF16X2, each=True)
        dims, walk = ((groups, size, 2, part), (1, 2, 0, 3)) if groups > 1 else ((size, 2, part), (2, 0, 3))
        packed = self.add(LinearLoadOp(tensor, StreamType.make(Kind.PACKED, dims), dims=walk)).result
        both = self._matmul(scalars, packed, GATE_UP, keep=2)
        beats = shapes.beats(part)
        halves = []
        for name, first, last in (("gate", 0, beats), ("up", beats, 0)):
            buffer = self.add(BufferizeOp(both, rank=2, first=first, last=last, inner=(part,))).result
            half = self.add(StreamifyOp(buffer), name).result
            if shapes.config.mlp_bias:
                half = self.map("add", half, self.vector(f"{name}_bias", part), hint=f"{name}_biased")
            halves.append(half)
        return halves[0], halves[1]

    def mixed_scalars(self, attention: SSAValue) -> SSAValue:
        """The columns of what the heads have mixed, [kv heads, group and rows, values], or so for each sequence."""
        shapes, config = self.shapes, self.shapes.config
        inner = (config.kv_heads, config.group, shapes.rows, shapes.value)
        if shapes.sequences:
            inner = (shapes.rows, shapes.mixed)
        beats = config.heads * shapes.rows * shapes.beats(shapes.value)
        buffer = self.add(BufferizeOp(attention, rank=3 + shapes.sequences, last=beats, inner=inner)).result
        return self._columns(buffer, repeat=shapes.groups(shapes.hidden), hint="attention_scalars")

    def logits(self, scalars: SSAValue) -> SSAValue:
        """Store the products with the output head, of all rows; the products."""
        shapes = self.shapes
        groups, rows = shapes.groups(shapes.vocabulary), shapes.rows
        part = shapes.vocabulary // groups
        weights = self.weights("lm_head", Kind.PACKED, *shapes.matrix(shapes.hidden, shapes.vocabulary, groups))
        product = self._matmul(scalars, weights, "lm_head")
        tensor = self.tensor("logits", rows, groups, part, role=Role.OUTPUT)
        self.add(LinearStoreOp(product, tensor, dims=(0, 2) if groups == 1 else (1, 0, 2), when=self.when))
        return product
