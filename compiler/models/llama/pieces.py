"""The pieces of a decoder layer as operations of a logical `step` program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import sqrt

from xdsl.ir import SSAValue

from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.step.accum import Reduction
from weft.compiler.step.builder import ProgramBuilder, Size
from weft.compiler.step.dims import Dim
from weft.compiler.step.map import Function
from weft.compiler.step.tensor import Role
from weft.compiler.step.types import Element, stream_of

__all__ = ["BF16", "F32", "Pieces"]

F32, BF16 = Element.F32, Element.BF16


@dataclass
class Pieces:
    """A program as it grows, for a model and its longest context.

    A launch takes ``rows`` positions of one sequence together, or one position of each of several ``sequences``, which
    have caches of their own.
    """

    config: LlamaConfig
    context: int
    rows: int = 1
    sequences: int = 1
    build: ProgramBuilder = field(default_factory=ProgramBuilder)

    @property
    def position(self) -> Dim:
        """The first position of the launch."""
        return Dim.of("position")

    @property
    def positions(self) -> Dim:
        """Positions so far, those of the launch included."""
        return self.position + self.rows

    @property
    def lead(self) -> tuple[int, ...]:
        """The dimension of rows or sequences, where there are several."""
        return (*self.own, *self.together)

    @property
    def own(self) -> tuple[int, ...]:
        """The dimension of sequences, each with caches of its own."""
        return () if self.sequences == 1 else (self.sequences,)

    @property
    def together(self) -> tuple[int, ...]:
        """The dimension of rows that share a cache."""
        return () if self.rows == 1 else (self.rows,)

    @property
    def queries(self) -> int:
        """Queries that share a key."""
        return self.config.group * self.rows

    @property
    def of_key_head(self) -> int:
        """Columns of the query, key and value projection for a key head: its query heads, itself, its values."""
        return (self.config.group + 2) * self.config.head_dim

    @property
    def qkv(self) -> int:
        """Columns of the query, key and value projection: one key head after the other."""
        return self.config.kv_heads * self.of_key_head

    # -- memory -----------------------------------------------------------------------------------------

    def declare_position(self) -> None:
        """Declare the launch's first position."""
        self.build.dimension("position", max(1, self.context - self.rows))

    def weights(self, name: str, element: Element, shape: Sequence[int], *, each: bool, hint: str) -> SSAValue:
        """Load weights, with ``each`` those of the layer."""
        return self.build.load(self.build.tensor(name, element, shape, Role.WEIGHT, each=each), name=hint)

    def append(self, rows: SSAValue, name: str) -> SSAValue | None:
        """Store rows [own, kv heads, rows, head_dim] in a cache, where the position says; a token."""
        self.cache(name)
        start = [*(0 for _ in self.own), 0, self.position, 0]
        return self.build.store(rows, name, start=start, done=True)

    def cached(self, name: str, after: SSAValue | None) -> SSAValue:
        """All rows of a cache so far: [own, kv heads, positions, head_dim]."""
        dims = [*self.own, self.config.kv_heads, self.positions, self.config.head_dim]
        return self.build.load(name, dims, after=after, name=name)

    def cache(self, name: str) -> None:
        """Declare a cache."""
        shape = [*self.own, self.config.kv_heads, self.context, self.config.head_dim]
        self.build.tensor(name, BF16, shape, Role.CACHE, each=True)

    # -- norms and products -----------------------------------------------------------------------------

    def vector(self, name: str, size: int, like: SSAValue, *, each: bool) -> SSAValue:
        """A vector of weights, for each row of another stream."""
        loaded = self.weights(name, F32, [size], each=each, hint=name)
        return self.build.expand(loaded, [0], like) if self.lead else loaded

    def norm(self, value: SSAValue, weight: str, name: str, *, each: bool = True) -> SSAValue:
        """RMSNorm in float32, rounded to bf16."""
        build, config, axis = self.build, self.config, len(self.lead)
        scaled = build.map(Function.MUL, value, 1.0 / config.hidden_size)
        square = build.map(Function.MUL, scaled, value)
        mean = build.accum(Reduction.ADD, square, [axis], init=config.rms_norm_eps)
        scale = build.map(Function.RSQRT, mean, name=f"{name}_scale")
        normal = build.map(Function.MUL, value, build.expand(scale, [axis], value))
        weighted = build.map(Function.MUL, normal, self.vector(weight, config.hidden_size, value, each=each))
        return build.convert(weighted, BF16, name)

    def product(
        self, value: SSAValue, name: str, rows: int, columns: int, *, bias: bool = False, each: bool = True
    ) -> SSAValue:
        """Rows times a matrix [rows, columns] of weights."""
        form = self.config.quantisation
        element = BF16 if form is None else Element(form.value)
        matrix = self.weights(name, element, [rows, columns], each=each, hint=f"{name}_weights")
        result = self.build.matmul(value, matrix, name)
        if not bias:
            return result
        vector = self.vector(f"{name}_bias", columns, result, each=each)
        return self.build.map(Function.ADD, result, vector, name=f"{name}_biased")

    def gated(self, gate: SSAValue, up: SSAValue) -> SSAValue:
        """SwiGLU's product, rounded."""
        build = self.build
        swish = build.map(Function.MUL, gate, build.map(Function.SIGMOID, gate, name="sigmoid"))
        return build.convert(build.map(Function.MUL, swish, up), BF16, "gated")

    # -- attention --------------------------------------------------------------------------------------

    def rotated(self, qkv: SSAValue) -> tuple[SSAValue, SSAValue]:
        """Rotary embedding, x * cos + swapped(x) * sin with the sign in the table: queries and keys of the launch.

        They are [own, kv heads, queries, head_dim] and [own, kv heads, rows, head_dim].
        """
        build, config, columns = self.build, self.config, len(self.together)
        size, group, heads, half = config.head_dim, config.group, config.kv_heads, config.head_dim // 2
        dims = (heads, group + 1, *self.together, 2, half)
        # Of qkv, the positions are rows; they are walked inside the heads.
        none, ones = [0] * columns, [1] * columns
        walk, steps = [columns, columns, *none, columns, columns], [self.of_key_head, size, *ones]

        def heads_of(step: int, start: int, name: str) -> SSAValue:
            by = [*steps, step, 1]
            return build.read(qkv, 1 + columns, dims, walk=walk, by=by, start=[*none, start], name=name)

        straight, swapped = heads_of(half, 0, "heads"), heads_of(-half, half, "heads_swapped")
        cos, sin = (self.rotary(name, straight) for name in ("cos", "sin"))
        turned = build.map(Function.MUL, swapped, sin, name="turned")
        both = build.convert(build.map(Function.MULADD, straight, cos, turned), BF16)
        first = len(self.own) + 1
        if columns:
            both = build.flatten(both, [first, first + 1])
        heads_turned = build.flatten(both, [first + 1, first + 2], "rotated")
        outer = (*self.own, heads)
        begin = [0] * len(outer)
        queries = build.slice(heads_turned, [*begin, 0, 0], [*outer, self.queries, size])
        keys = build.slice(heads_turned, [*begin, self.queries, 0], [*outer, self.rows, size], "new_keys")
        return queries, keys

    def rotary(self, name: str, like: SSAValue) -> SSAValue:
        """A table's rows of the positions of a launch, for each head."""
        build, size, half, lead = self.build, self.config.head_dim, self.config.head_dim // 2, len(self.together)
        build.tensor(name, F32, [self.context, size], Role.WEIGHT)
        none, ones = [0] * lead, [1] * lead
        rows = build.load(name, [*self.together, size], walk=[*none, 1], start=[self.position, 0])
        own = len(self.own)
        walk, steps = [-1] * (own + 2) + [*none, lead, lead], [1] * (own + 2) + [*ones, half, 1]
        return build.read(rows, 1 + lead, stream_of(like).dims, walk=walk, by=steps, name=name)

    def new_values(self, qkv: SSAValue) -> SSAValue:
        """The values of the launch, rounded, head by head: [own, kv heads, rows, head_dim]."""
        build, heads, size, lead = self.build, self.config.kv_heads, self.config.head_dim, len(self.together)
        dims: list[Size] = [heads, self.rows, size]
        walk, start = [lead, 0 if lead else -1, lead], [*(0 for _ in self.together), self.of_key_head - size]
        by = [self.of_key_head, 1, 1]
        values = build.read(qkv, 1 + lead, dims, walk=walk, by=by, start=start, name="new_values")
        return build.convert(values, BF16, "value")

    def for_each_query(self, rows: SSAValue) -> SSAValue:
        """Each row of a cache once for every query that shares it."""
        dims = stream_of(rows).dims
        return self.build.expand_to(
            rows, [len(dims) - 1], [*dims[:-1], self.queries, dims[-1]], f"{rows.name_hint}_rows"
        )

    def scores(self, queries: SSAValue, keys: SSAValue) -> SSAValue:
        """Products of each key with the queries that share it: [own, kv heads, positions, queries]."""
        build, axis = self.build, len(self.own) + 1
        repeated = self.for_each_query(keys)
        terms = build.map(Function.MUL, repeated, build.expand(queries, [axis], repeated, "queries"))
        return build.accum(Reduction.ADD, terms, [axis + 2], name="score")

    def masked(self, score: SSAValue) -> SSAValue:
        """Scores, those of positions that come after a row's own far below all others."""
        build = self.build
        build.tensor("mask", F32, [self.context, self.queries], Role.WEIGHT)
        dims, first = [self.config.kv_heads, self.positions, self.queries], Dim.of(self.context) + self.positions * -1
        mask = build.load("mask", dims, walk=[-1, 0, 1], start=[first, 0], name="mask")
        return build.map(Function.ADD, score, mask, name="masked")

    def softmax(self, score: SSAValue) -> tuple[SSAValue, SSAValue]:
        """Over the positions: weights of the scores' shape, and what their sum is to be multiplied by."""
        build, axis = self.build, len(self.own) + 1
        top = build.accum(Reduction.MAX, score, [axis], name="top")
        below = build.map(Function.SUB, score, build.expand(top, [axis], score, "tops"))
        scaled = build.map(Function.MUL, below, 1.0 / sqrt(self.config.head_dim))
        weight = build.convert(build.map(Function.EXP, scaled), BF16, "weight")
        return weight, build.map(Function.RECIPROCAL, build.accum(Reduction.ADD, weight, [axis]), name="share")

    def mixed(self, values: SSAValue, weight: SSAValue, share: SSAValue) -> SSAValue:
        """The weighted sum of the rows of values, rounded: [own, kv heads, queries, head_dim]."""
        build, axis = self.build, len(self.own) + 1
        repeated = self.for_each_query(values)
        terms = build.map(Function.MUL, repeated, build.expand(weight, [axis + 2], repeated))
        mixed = build.accum(Reduction.ADD, terms, [axis], name="mixed")
        return build.convert(build.map(Function.MUL, mixed, build.expand(share, [axis + 1], mixed)), BF16, "attention")

    def side_by_side(self, attention: SSAValue) -> SSAValue:
        """What all heads have mixed as one row, [lead, heads * head_dim]."""
        build, config, first = self.build, self.config, len(self.own)
        if not self.together:
            return build.flatten(attention, [first, first + 1, first + 2], "mixed_heads")
        heads, size = config.heads, config.head_dim
        split = build.reshape(attention, [heads, self.rows, size])
        return build.flatten(build.read(split, 3, [self.rows, heads, size], walk=[1, 0, 2]), [1, 2], "mixed_heads")
