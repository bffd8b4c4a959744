"""Pieces that layer and head are made of: products, norms, buffers."""

from __future__ import annotations

from typing import TypeVar

from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue

from weft.compiler.mapped.buffers import BufferizeOp, StreamifyOp
from weft.compiler.mapped.loop import LoopOp
from weft.compiler.mapped.offchip import LinearLoadOp, LinearStoreOp
from weft.compiler.mapped.onchip import AccumOp, ExpandOp, FlattenOp, MapOp, UnpackOp
from weft.compiler.mapped.product import ProductOp
from weft.compiler.mapped.tensor import Format, Role, TensorOp
from weft.compiler.mapped.types import Kind, StreamType
from weft.compiler.models.llama.shapes import Argument, DecoderShapes

__all__ = ["Builder"]

AnyOperation = TypeVar("AnyOperation", bound=Operation)


class Builder:
    """Adds operations to a module of which a launch takes a turn for each layer.

    While ``when`` is None, weights are those of each layer; else there is one set, loaded in these turns. With
    ``tokens`` a launch has up to so many rounds, each of which processes a position.
    """

    def __init__(self, shapes: DecoderShapes, *, tokens: int = 0) -> None:
        self.shapes, self.tokens = shapes, tokens
        self.module = ModuleOp([LoopOp(shapes.config.layers, rounds_arg=Argument.TOKENS if tokens else None)])
        self.when: str | None = None

    def moving(self, dim: int) -> int | None:
        """The dimension of positions in a tensor, if rounds move along it."""
        return dim if self.tokens else None

    def add(self, operation: AnyOperation, hint: str | None = None) -> AnyOperation:
        """Append an operation; ``hint`` names its first result, and so a unit."""
        self.module.body.block.add_op(operation)
        if hint is not None:
            operation.results[0].name_hint = hint
        return operation

    def tensor(
        self, name: str, *shape: int, format: Format = Format.F32, role: Role = Role.WEIGHT, each: bool = False
    ) -> TensorOp:
        """Declare a tensor; with ``each`` one for each layer."""
        return self.add(TensorOp(name, shape, format=format, role=role, each=each))

    def weights(self, name: str, kind: Kind, *shape: int) -> SSAValue:
        """Load weights."""
        format = next(each for each in Format if each.kind is kind)
        tensor = self.tensor(name, *shape, format=format, each=self.when is None)
        return self.add(LinearLoadOp(tensor, StreamType.make(kind, shape), when=self.when)).result

    def map(self, function: str, *inputs: SSAValue, const: float | None = None, hint: str | None = None) -> SSAValue:
        """An elementwise function."""
        return self.add(MapOp(function, *inputs, const=const), hint).result

    def expand(self, value: SSAValue, like: SSAValue) -> SSAValue:
        """A value held for the inner dimensions of another."""
        return self.add(ExpandOp(value, like)).result

    def fifo(self, value: SSAValue, hint: str) -> SSAValue:
        """The same stream behind a scratchpad full of room."""
        buffer = self.add(BufferizeOp(value, rank=0))
        return self.add(StreamifyOp(buffer.result), hint).result

    def vector(self, name: str, size: int) -> SSAValue:
        """A vector of weights in fp32."""
        return self.weights(name, Kind.VECTOR, size)

    def scalars(self, value: SSAValue, count: int, *, repeat: int, hint: str) -> SSAValue:
        """The ``count`` elements of a vector one by one, ``repeat`` times."""
        return self._scalars(self.add(BufferizeOp(value, rank=1)).result, count, repeat=repeat, hint=hint)

    def _scalars(self, buffer: SSAValue, count: int, *, repeat: int, hint: str) -> SSAValue:
        loops, strides = ([count], [1]) if repeat == 1 else ([repeat, count], [0, 1])
        return self.add(StreamifyOp(buffer, kind=Kind.SCALAR, sizes=loops, strides=strides), hint).result

    def norm(self, stream: SSAValue, again: SSAValue, weight: SSAValue, hint: str) -> SSAValue:
        """RMSNorm in fp32, rounded to bf16. ``again`` is the same vector for the second look, from a buffer."""
        config = self.shapes.config
        scaled = self.map("mul", stream, const=1.0 / config.hidden_size)
        square = self.map("mul", scaled, stream)
        mean = self.add(AccumOp("add", square, init=config.rms_norm_eps))
        scale = self.map("rsqrt", mean.result, hint=f"{hint}_scale")
        normal = self.map("mul", again, self.expand(scale, again))
        return self.map("bf16", self.map("mul", normal, weight), hint=hint)

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
        """A vector times a matrix [rows, columns] of weights; ``scalars`` come once for each group of columns."""
        groups = self.shapes.groups(columns) if groups is None else groups
        shape = self.shapes.matrix(rows, columns, groups)
        form = self.shapes.config.quantisation
        kind = Kind.PACKED if form is None else Kind(form.value)
        loaded, hint = self.weights(name, kind, *shape), f"{name}_weights"
        if kind.is_matrix:
            result = self.add(ProductOp(scalars, self.fifo(loaded, hint)), name).result
        else:
            vectors = self.add(UnpackOp(self.fifo(loaded, hint))).result
            terms = self.map("mul", vectors, self.expand(scalars, vectors))
            result = self.add(AccumOp("add", terms, keep=1), name).result
            if groups > 1:
                result = self.add(FlattenOp(result), name).result
        if bias:
            result = self.map("add", result, self.vector(f"{name}_bias", columns), hint=f"{name}_biased")
        return result

    def gate_and_up(self, scalars: SSAValue) -> tuple[SSAValue, SSAValue]:
        """The first two products of the feed-forward network."""
        shapes, config = self.shapes, self.shapes.config
        size, wide, groups = shapes.hidden, shapes.intermediate, shapes.wide_groups
        gate = self.product(size, wide, "gate", scalars, bias=config.mlp_bias, groups=groups)
        return gate, self.product(size, wide, "up", scalars, bias=config.mlp_bias, groups=groups)

    def mixed_scalars(self, attention: SSAValue) -> SSAValue:
        """What the heads [kv heads, group, values] have mixed, as the output projection takes it."""
        shapes = self.shapes
        buffer = self.add(BufferizeOp(attention, rank=3)).result
        return self._scalars(buffer, shapes.mixed, repeat=shapes.groups(shapes.hidden), hint="attention_scalars")

    def logits(self, scalars: SSAValue) -> SSAValue:
        """Store the product with the output head, that of each round for itself; the product."""
        shapes = self.shapes
        product = self.product(shapes.hidden, shapes.vocabulary, "lm_head", scalars)
        if self.tokens:
            tensor = self.tensor("logits_rows", self.tokens, shapes.vocabulary, role=Role.OUTPUT)
            self.add(LinearStoreOp(product, tensor, dims=(1,), when=self.when, round_dim=0))
        else:
            tensor = self.tensor("logits", shapes.vocabulary, role=Role.OUTPUT)
            self.add(LinearStoreOp(product, tensor, when=self.when))
        return product
