"""Sizes of a decoder on a fabric: everything filled up to whole vectors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from compiler.errors import WeftError
from compiler.llama_config import LlamaConfig
from hw.spec import FabricSpec

__all__ = ["Argument", "DecoderShapes"]


class Argument(IntEnum):
    """Launch arguments of a decoder's program; offsets are in bytes."""

    KEY_ROW = 1
    """of this position's row in a head's keys"""
    VALUE_ROW = 2
    """of this position's row in a head's values"""
    ROTARY_ROW = 3
    """of this position's row in the tables of cosines and sines"""
    CONTEXT = 4
    """positions so far, this one included"""


@dataclass(frozen=True)
class DecoderShapes:
    """What the program of a decoder needs to know of a model, a fabric and a context length.

    A head's queries and keys are two halves, which the rotary embedding turns against each other; each half begins
    with a new vector, so that exchanging them exchanges vectors and no lanes.

    Raises
    ------
    WeftError
        A context longer than the model's, or than the buffer for the scores of one head group holds.
        More mixed values of one head group than there are accumulators.
    """

    config: LlamaConfig
    spec: FabricSpec
    context: int

    def __post_init__(self) -> None:
        limit = self.config.max_position_embeddings
        if not 1 <= self.context <= limit:
            raise WeftError(f"context must be 1 to max_position_embeddings = {limit}, not {self.context}")
        lines = self.context * self.up(self.config.group) // self.spec.lanes
        if lines > self.spec.pmu_lines:
            power = 1 << (lines - 1).bit_length()
            raise WeftError(
                f"the scores of {self.context} positions need {lines} lines of a PMU, but fabric "
                f"{self.spec.name!r} has pmu_lines = {self.spec.pmu_lines}: set pmu_lines={power}"
            )
        rows = self.config.group * self.beats(self.value)
        if rows > self.spec.acc_depth:
            power = 1 << (rows - 1).bit_length()
            raise WeftError(
                f"the values of {self.config.group} query heads that share a key need {rows} accumulators, but fabric "
                f"{self.spec.name!r} has acc_depth = {self.spec.acc_depth}: set acc_depth={power}"
            )

    def up(self, elements: int) -> int:
        """Elements filled up to whole vectors."""
        return -(-elements // self.spec.lanes) * self.spec.lanes

    def beats(self, elements: int) -> int:
        """Vectors of a number of elements."""
        return self.up(elements) // self.spec.lanes

    @property
    def hidden(self) -> int:
        """Elements of the residual stream."""
        return self.up(self.config.hidden_size)

    @property
    def intermediate(self) -> int:
        """Elements between the projections of the feed-forward network."""
        return self.up(self.config.intermediate_size)

    @property
    def vocabulary(self) -> int:
        """Logits."""
        return self.up(self.config.vocab_size)

    @property
    def half(self) -> int:
        """Half of a head's queries or keys."""
        return self.up(self.config.head_dim // 2)

    @property
    def key(self) -> int:
        """A head's queries or keys."""
        return 2 * self.half

    @property
    def value(self) -> int:
        """A head's values."""
        return self.up(self.config.head_dim)

    @property
    def rotated(self) -> int:
        """Columns that the rotary embedding turns: for each key head its query heads, then itself."""
        return self.config.kv_heads * (self.config.group + 1) * self.key

    @property
    def qkv(self) -> int:
        """Columns of the query, key and value projection: the turned ones, then the values."""
        return self.rotated + self.config.kv_heads * self.value

    def groups(self, columns: int) -> int:
        """Passes over the rows of a matrix: each makes as many columns as there are accumulators, or fewer."""
        vectors = columns // self.spec.lanes
        return next(n for n in range(1, vectors + 1) if vectors % n == 0 and vectors // n <= self.spec.acc_depth)
