"""Sizes of a decoder on a fabric: everything filled up to whole vectors."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.errors import WeftError
from weft.compiler.weights.quantised import Quantisation
from weft.hw.spec import FabricSpec

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
    """positions so far, those of the launch included"""
    MASK_ROW = 5
    """of the first position's row in the mask, if a launch has several positions"""
    TOKENS = 6
    """tokens that a launch makes, each at the next position; the others are those of the first position"""


@dataclass(frozen=True)
class DecoderShapes:
    """What the program of a decoder needs to know of a model, a fabric and a context length.

    A launch processes ``rows`` positions that follow each other, or with ``sequences`` one position of as many
    sequences, each with its own caches. A head's queries and keys are two halves, which the
    rotary embedding turns against each other; each half begins with a new vector, so that exchanging them exchanges
    vectors and no lanes.

    Raises
    ------
    WeftError
        A context longer than the model's, or than the buffer for the scores of one head group holds.
        More mixed values of one head group than there are accumulators.
        Several rows of quantised weights, or of a wide model with biases in its feed-forward network, or more rows than
        the context has. Weights in MXFP4 whose blocks would be torn.
    """

    config: LlamaConfig
    spec: FabricSpec
    context: int
    rows: int = 1
    sequences: bool = False

    def __post_init__(self) -> None:
        limit = self.config.max_position_embeddings
        if not 1 <= self.context <= limit:
            raise WeftError(f"context must be 1 to max_position_embeddings = {limit}, not {self.context}")
        lines = self.context * self.up(self.queries) // self.spec.lanes
        if lines > self.spec.pmu_lines:
            power = 1 << (lines - 1).bit_length()
            raise WeftError(
                f"the scores of {self.context} positions need {lines} lines of a PMU, but fabric "
                f"{self.spec.name!r} has pmu_lines = {self.spec.pmu_lines}: set pmu_lines={power}"
            )
        sums = self.queries * self.beats(self.value)
        if sums > self.spec.acc_depth:
            power = 1 << (sums - 1).bit_length()
            raise WeftError(
                f"the values of {self.queries} queries that share a key need {sums} accumulators, but fabric "
                f"{self.spec.name!r} has acc_depth = {self.spec.acc_depth}: set acc_depth={power}"
            )
        if self.config.quantisation is Quantisation.MXFP4 and self.value != self.config.head_dim:
            # Heads are filled up, which would put rows of the output projection into other blocks.
            raise WeftError(
                f"head_dim must be a multiple of lanes = {self.spec.lanes} for mxfp4 weights, "
                f"not {self.config.head_dim}"
            )
        if self.rows > 1:
            self._check_rows()

    def _check_rows(self) -> None:
        if self.config.quantisation is not None:
            raise WeftError(f"weights must be bf16 for several rows, not {self.config.quantisation}")
        if self.config.mlp_bias and self.wide_groups > 1:
            raise WeftError(f"mlp_bias must be false for several rows in {self.wide_groups} passes, not true")
        if not self.sequences and self.rows > self.context:
            raise WeftError(f"rows must be at most the context = {self.context}, not {self.rows}")

    def up(self, elements: int) -> int:
        """Elements filled up to whole vectors."""
        return -(-elements // self.spec.lanes) * self.spec.lanes

    def beats(self, elements: int) -> int:
        """Vectors of a number of elements."""
        return self.up(elements) // self.spec.lanes

    @property
    def lead(self) -> tuple[int, ...]:
        """The dimension of rows, where there are several."""
        return () if self.rows == 1 else (self.rows,)

    @property
    def positions(self) -> int:
        """Positions of a sequence in a launch."""
        return 1 if self.sequences else self.rows

    @property
    def together(self) -> tuple[int, ...]:
        """The dimension of rows that share a cache, where there are several."""
        return () if self.sequences else self.lead

    @property
    def caches(self) -> tuple[int, ...]:
        """The dimension of sequences that each have caches of their own, where there are several."""
        return self.lead if self.sequences else ()

    @property
    def queries(self) -> int:
        """Queries that share a key."""
        return self.config.group * self.positions

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

    @property
    def mixed(self) -> int:
        """Mixed values of all heads."""
        return self.config.heads * self.value

    def groups(self, columns: int, *, matrices: int = 1) -> int:
        """Passes over the rows of a matrix: each makes as many columns as there are accumulators, or fewer.

        That many are left for each of several ``matrices`` side by side.
        """
        vectors, most = columns // self.spec.lanes, max(1, self.spec.acc_depth // matrices)
        return next(n for n in range(1, vectors + 1) if vectors % n == 0 and vectors // n <= most)

    @staticmethod
    def matrix(rows: int, columns: int, groups: int) -> tuple[int, ...]:
        """How a matrix [rows, columns] of weights lies in memory: group after group, where there are several."""
        return (rows, columns) if groups == 1 else (groups, rows, columns // groups)

    @property
    def wide_groups(self) -> int:
        """Passes over the first two matrices of the feed-forward network, which several rows take side by side."""
        return self.groups(self.intermediate, matrices=2)
