"""Programs that random ones were made small to: each once gave wrong numbers, hung, or was refused."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from judged_program import judged
from random_programs import RandomProgram

from weft.compiler.compile import compile_program
from weft.compiler.errors import WeftError
from weft.compiler.step import parse_program
from weft.compiler.step.loop import LoopOp
from weft.compiler.step.tensor import Role, TensorOp
from weft.compiler.step.types import Element
from weft.hw.presets import PRESETS


@dataclass(frozen=True)
class Found:
    """A program, and why it is here."""

    reason: str
    text: str
    sizes: dict[str, int] = field(default_factory=dict)
    fabric: dict[str, int] = field(default_factory=dict)
    """How its fabric differs from ``demo``."""


PROGRAMS = {
    "rows_end_early": Found(
        "what lanes hold behind the end of a row was stored",
        """step.dimension @n <= 5
step.tensor @a : f32 [3, 5] input
step.tensor @y : f32 [3, 5] output
%a = step.load @a : !step.stream<f32, [3, n]>
%y = step.map add %a, 1.0 : !step.stream<f32, [3, n]>
step.store %y in @y""",
        {"n": 3},
    ),
    "index_ends_with_a_beat": Found(
        "of the indices that mask a row those behind its end were 0",
        """step.tensor @a : f32 [16, 1] input
step.tensor @b : f32 [17] input
step.tensor @y : f32 [21, 1, 6] output
%a = step.load @a : !step.stream<f32, [16, 1]>
%b = step.load @b : !step.stream<f32, [16]>
%held = step.expand %b along [1] : !step.stream<f32, [16, 1]>
%y = step.map add %a, %held : !step.stream<f32, [16, 1]>
step.store %y in @y walk [0, 2]""",
    ),
    "batched_rows_share_weights": Found(
        "several rows of a batch were no rows of a product, and their terms had to fit a PMU",
        """step.tensor @x : f32 [2, 4, 32] input
step.tensor @w : bf16 [2, 32, 704] weight
step.tensor @y : f32 [2, 4, 704] output
%x = step.load @x : !step.stream<f32, [2, 4, 32]>
%w = step.load @w : !step.stream<bf16, [2, 32, 704]>
%y = step.matmul %x, %w : !step.stream<f32, [2, 4, 704]>
step.store %y in @y""",
    ),
    "no_equal_tiles": Found(
        "75 beats of packed weights have no equal tiles, and neither have 76 of a row of numbers",
        """step.tensor @x : f32 [3, 8] input
step.tensor @w : bf16 [8, 600] weight
step.tensor @v : f32 [5, 601] input
step.tensor @y : f32 [3, 600] output
step.tensor @z : f32 [601] output
%x = step.load @x : !step.stream<f32, [3, 8]>
%w = step.load @w : !step.stream<bf16, [8, 600]>
%y = step.matmul %x, %w : !step.stream<f32, [3, 600]>
step.store %y in @y
%v = step.load @v : !step.stream<f32, [5, 601]>
%square = step.map mul %v, %v : !step.stream<f32, [5, 601]>
%z = step.accum add %square over [0] : !step.stream<f32, [601]>
step.store %z in @z""",
    ),
    "rows_stored_by_several_dimensions": Found(
        "all that walks a row of a store was taken for its first dimension",
        """step.tensor @a : f32 [2, 3, 4] input
step.tensor @b : f32 [2, 2, 5] input
step.tensor @y : f32 [24] output
step.tensor @z : f32 [2, 13] output
%a = step.load @a : !step.stream<f32, [2, 3, 4]>
step.store %a in @y walk [0, 0, 0] by [12, 4, 1]
%b = step.load @b : !step.stream<f32, [2, 2, 5]>
step.store %b in @z walk [0, 1, 1] by [1, 5, 1] from [0, 3]""",
    ),
    "quantised_columns_beyond_the_accumulators": Found(
        "quantised weights move as a whole, so they were not cut",
        """step.tensor @x : f32 [40] input
step.tensor @z : f32 [3, 40] input
step.tensor @w : int8 [40, 600] weight
step.tensor @v : mxfp4 [40, 601] weight
step.tensor @y : f32 [600] output
step.tensor @u : f32 [3, 601] output
%x = step.load @x : !step.stream<f32, [40]>
%w = step.load @w : !step.stream<int8, [40, 600]>
%y = step.matmul %x, %w : !step.stream<f32, [600]>
step.store %y in @y
%z = step.load @z : !step.stream<f32, [3, 40]>
%v = step.load @v : !step.stream<mxfp4, [40, 601]>
%u = step.matmul %z, %v : !step.stream<f32, [3, 601]>
step.store %u in @u""",
    ),
    "packed_rows_of_a_launch": Found(
        "the last packed beat of a row gave two vectors where there was one",
        """step.dimension @n <= 5
step.tensor @a : bf16 [3, 5] input
step.tensor @b : f32 [3, 5] input
step.tensor @y : f32 [3, 5] output
%a = step.load @a : !step.stream<bf16, [3, n]>
%b = step.load @b : !step.stream<f32, [3, n]>
%y = step.map add %a, %b : !step.stream<f32, [3, n]>
step.store %y in @y""",
        {"n": 3},
    ),
    "flatten_two_symbols": Found(
        "two dynamic sizes, -1 each, were taken for a product of 1",
        """step.dimension @n <= 5
step.tensor @a : f32 [3, 5, 5, 3] input
step.tensor @y : f32 [3, 75] output
%a = step.load @a : !step.stream<f32, [3, n, n, 3]>
%b = step.map add %a, 1.0 : !step.stream<f32, [3, n, n, 3]>
%y = step.flatten %b over [1, 2, 3] : !step.stream<f32, [3, 3 * n * n]>
step.store %y in @y""",
        {"n": 3},
    ),
    "repeat_elements": Found(
        "each element of a row was to be a buffer, and a beat of vectors was one",
        """step.tensor @a : bf16 [3] input
step.tensor @y : f32 [3, 2] output
step.tensor @z : f32 [1] output
%a = step.load @a : !step.stream<bf16, [3]>
%top = step.accum max %a over [0] : !step.stream<f32, []>
%six = step.concat %a, %a over 0 : !step.stream<bf16, [6]>
%sum = step.accum add %six over [0] : !step.stream<f32, []>
%both = step.map add %top, %sum : !step.stream<f32, []>
%b = step.bufferize %a rank 1 : !step.buffer<bf16, [] of [3]>
%y = step.streamify %b walk [0, _] : !step.stream<bf16, [3, 2]>
step.store %y in @y
step.store %both in @z walk []""",
    ),
    "concat_of_what_is_repeated": Found(
        "a stream that only repeats another one was carried as scalars and called vectors",
        """step.tensor @a : f32 [16, 32] input
step.tensor @b : f32 [5, 16] input
step.tensor @y : f32 [37, 16] output
%a = step.load @a : !step.stream<f32, [16, 32]>
%sums = step.accum add %a over [0] : !step.stream<f32, [32]>
%held = step.expand %sums along [1] : !step.stream<f32, [32, 16]>
%b = step.load @b : !step.stream<f32, [5, 16]>
%y = step.concat %held, %b over 0 : !step.stream<f32, [37, 16]>
step.store %y in @y""",
        fabric={"lanes": 16},
    ),
    "random_store_of_each_iteration": Found(
        "the segment of a store by index ended with the first iteration's tensor",
        """step.loop 2
step.tensor @a : f32 [3, 3] input
step.tensor @index : i32 [3] input
step.tensor @y : f32 [2, 3] output each
%a = step.load @a : !step.stream<f32, [3, 3]>
%index = step.load @index : !step.stream<i32, [3]>
step.random_store %a at %index in @y""",
    ),
    "concat_with_nothing": Found(
        "a part without elements was joined",
        """step.tensor @a : f32 [1] input
step.tensor @b : f32 [3] input
step.tensor @y : f32 [3] output
%a = step.load @a from [1] : !step.stream<f32, [0]>
%b = step.load @b : !step.stream<f32, [3]>
%y = step.concat %a, %b over 0 : !step.stream<f32, [3]>
step.store %y in @y""",
    ),
    "nothing_at_all": Found(
        "tensors without elements could not be given",
        """step.tensor @a : f32 [0, 3] input
step.tensor @y : f32 [0, 3] output
step.tensor @s : f32 [3] output
%a = step.load @a : !step.stream<f32, [0, 3]>
%y = step.map add %a, 1.0 : !step.stream<f32, [0, 3]>
%s = step.accum max %a over [0] from 0.5 : !step.stream<f32, [3]>
step.store %y in @y
step.store %s in @s""",
    ),
    "columns_as_long_as_the_launch_says": Found(
        "columns were counted in numbers where lines were read",
        """step.dimension @n <= 5
step.tensor @a : f32 [5, 3] input
step.tensor @y : f32 [3, 5] output
%a = step.load @a walk [1, 0] : !step.stream<f32, [3, n]>
%y = step.map add %a, 1.0 : !step.stream<f32, [3, n]>
step.store %y in @y""",
        {"n": 3},
    ),
    "accumulators_of_scalars": Found(
        "each number took an accumulator where a beat of vectors takes one",
        """step.dimension @m <= 40
step.tensor @a : f32 [40, 3, 40] input
step.tensor @y : f32 [3] output
%a = step.load @a : !step.stream<f32, [m, 3, 40]>
%b = step.bufferize %a rank 2 : !step.buffer<f32, [m] of [3, 40]>
%t = step.streamify %b walk [1, 0] : !step.stream<f32, [m, 40, 3]>
%s = step.accum add %t over [0] : !step.stream<f32, [40, 3]>
%y = step.accum add %s over [0] : !step.stream<f32, [3]>
step.store %y in @y""",
        {"m": 7},
    ),
    "scattered_elements": Found(
        "a store writes whole beats",
        """step.tensor @a : f32 [5] input
step.tensor @index : i32 [5] input
step.tensor @y : f32 [4] output
step.tensor @z : bf16 [2, 30] output
%a = step.load @a : !step.stream<f32, [5]>
%index = step.load @index : !step.stream<i32, [5]>
step.random_store %a at %index in @y
%b = step.convert %a : !step.stream<bf16, [5]>
step.store %b in @z walk [1] by [3] from [1, 2]""",
    ),
    "store_from_a_size": Found(
        "where a store begins in a row came with the launch",
        """step.dimension @n <= 5
step.tensor @a : i32 [5] input
step.tensor @y : i32 [20] output
%a = step.load @a : !step.stream<i32, [5]>
step.store %a in @y by [3] from [n]""",
        {"n": 4},
    ),
    "greatest_integers": Found(
        "units compared integers, but did not accumulate the greatest",
        """step.tensor @large : i32 [3, 21] input
step.tensor @y : i32 [3] output
step.tensor @z : i32 [21] output
step.tensor @w : i32 [3, 21] output
%a = step.load @large : !step.stream<i32, [3, 21]>
%y = step.accum max %a over [1] : !step.stream<i32, [3]>
%z = step.accum min %a over [0] : !step.stream<i32, [21]>
%w = step.map max %a, -2 : !step.stream<i32, [3, 21]>
step.store %y in @y
step.store %z in @z
step.store %w in @w""",
    ),
    "running_greatest_integers": Found(
        "no accumulator kept the greatest integer",
        """step.tensor @large : i32 [3, 21] input
step.tensor @y : i32 [3, 21] output
step.tensor @z : i32 [3, 21] output
%a = step.load @large : !step.stream<i32, [3, 21]>
%y = step.scan max %a over [1] : !step.stream<i32, [3, 21]>
%z = step.scan min %a over [0] : !step.stream<i32, [3, 21]>
step.store %y in @y
step.store %z in @z""",
    ),
    "groups_of_products": Found(
        "rows of a product with several matrices of weights were taken for groups",
        """step.tensor @a : f32 [3, 2, 5] input
step.tensor @w : int8 [3, 5, 9] weight
step.tensor @y : f32 [3, 2, 9] output
%a = step.load @a : !step.stream<f32, [3, 2, 5]>
%w = step.load @w : !step.stream<int8, [3, 5, 9]>
%y = step.matmul %a, %w : !step.stream<f32, [3, 2, 9]>
step.store %y in @y""",
    ),
    "six_loops": Found(
        "a PMU has five loops",
        """step.tensor @a : f32 [2, 6, 6] input
step.tensor @y : f32 [3, 3] output
%a = step.load @a : !step.stream<f32, [2, 6, 6]>
%b = step.bufferize %a rank 3 : !step.buffer<f32, [] of [2, 6, 6]>
%w = step.streamify %b walk [1, 2, _, 0, 1, 2] : !step.stream<f32, [3, 3, 2, 2, 4, 4]>
%y = step.accum add %w over [2, 3, 4, 5] : !step.stream<f32, [3, 3]>
step.store %y in @y""",
    ),
    "concat_of_symbols": Found(
        "which part comes next is known when the launch begins",
        """step.dimension @n <= 9
step.dimension @m <= 9
step.tensor @a : f32 [2, 9] input
step.tensor @b : f32 [2, 9] input
step.tensor @y : f32 [2, 18] output
%a = step.load @a : !step.stream<f32, [2, n]>
%b = step.load @b : !step.stream<f32, [2, m]>
%y = step.concat %a, %b over 1 : !step.stream<f32, [2, n + m]>
step.store %y in @y""",
        {"n": 3, "m": 8},
    ),
    "held_beside_what_was_joined": Found(
        "an input was held as the stops say before the parts of a row were joined",
        """step.tensor @a : f32 [3, 3] input
step.tensor @b : f32 [3, 5] input
step.tensor @c : f32 [3] input
step.tensor @d : f32 [3, 16] input
step.tensor @y : f32 [8] output
%a = step.load @a : !step.stream<f32, [3, 3]>
%b = step.load @b : !step.stream<f32, [3, 5]>
%all = step.concat %a, %b over 1 : !step.stream<f32, [3, 8]>
%c = step.load @c : !step.stream<f32, [3]>
%held = step.expand %c along [1] : !step.stream<f32, [3, 8]>
%d = step.load @d by [1, 2] : !step.stream<f32, [3, 8]>
%chosen = step.map select %held, %d, %all : !step.stream<f32, [3, 8]>
%y = step.accum add %chosen over [0] : !step.stream<f32, [8]>
step.store %y in @y""",
    ),
    "few_columns_of_long_rows": Found(
        "whole rows were loaded into a buffer for a few elements of each",
        """step.tensor @a : bf16 [40, 400] input
step.tensor @y : f32 [5, 40] output
%a = step.load @a walk [1, 0] by [3, 1] from [0, 213] : !step.stream<bf16, [5, 40]>
%y = step.map add %a, 1.0 : !step.stream<f32, [5, 40]>
step.store %y in @y""",
    ),
    "more_operands_than_inputs": Found(
        "what was held for a function that became two was held for nothing, and nobody took it",
        """step.tensor @a : f32 [2, 12] input
step.tensor @b : f32 [2] input
step.tensor @c : f32 [2] input
step.tensor @y : f32 [2, 6] output
%a = step.load @a by [1, 2] : !step.stream<f32, [2, 6]>
%b = step.load @b : !step.stream<f32, [2]>
%held = step.expand %b along [1] : !step.stream<f32, [2, 6]>
%c = step.load @c : !step.stream<f32, [2]>
%other = step.expand %c along [1] : !step.stream<f32, [2, 6]>
%y = step.map select %held, %a, %other : !step.stream<f32, [2, 6]>
step.store %y in @y""",
        fabric={"registers": 2, "vector_inputs": 2, "scalar_inputs": 2},
    ),
    "repeated_inside_and_outside": Found(
        "what a launch repeats outside rows, and a unit inside them, was carried by nothing",
        """step.dimension @n <= 5
step.tensor @a : f32 [5, 3, 3] input
step.tensor @b : f32 [3] input
step.tensor @y : f32 [5, 3, 3] output
%a = step.load @a : !step.stream<f32, [n, 3, 3]>
%b = step.load @b : !step.stream<f32, [3]>
%c = step.map mul %b, 2.0 : !step.stream<f32, [3]>
%held = step.expand %c along [0, 2] : !step.stream<f32, [n, 3, 3]>
%y = step.map add %a, %held : !step.stream<f32, [n, 3, 3]>
step.store %y in @y""",
        {"n": 3},
    ),
    "matrices_of_one_step": Found(
        "a matrix of one step was multiplied with the exponents of the one before",
        """step.tensor @a : f32 [3, 3] input
step.tensor @w : mxfp4 [3, 3, 3] weight
step.tensor @y : f32 [3, 3] output
%a = step.load @a : !step.stream<f32, [3, 3]>
%w = step.load @w : !step.stream<mxfp4, [3, 3, 3]>
%y = step.matmul %a, %w : !step.stream<f32, [3, 3]>
step.store %y in @y""",
    ),
    "entries_of_what_was_stored": Found(
        "loads by index took no token",
        """step.tensor @a : f32 [2, 9] input
step.tensor @index : i32 [3, 2] input
step.tensor @y : f32 [2, 9] output
step.tensor @s : f32 [2] output
step.tensor @z : f32 [3, 2, 9] output
step.tensor @w : f32 [3, 2] output
%a = step.load @a : !step.stream<f32, [2, 9]>
%index = step.load @index : !step.stream<i32, [3, 2]>
%sum = step.accum add %a over [1] : !step.stream<f32, [2]>
%stored = step.store %a in @y -> !step.token
%summed = step.store %sum in @s -> !step.token
%z = step.random_load %index of @y after %stored : !step.stream<f32, [3, 2, 9]>
%w = step.random_load %index of @s after %summed : !step.stream<f32, [3, 2]>
step.store %z in @z
step.store %w in @w""",
    ),
    "subnormals_stored_apart": Found(
        "what was stored at places of a row that a launch brings was added to zeros, which flushes it",
        """step.dimension @n <= 5
step.tensor @small : f32 [3, 5] input
step.tensor @y : f32 [3, 9] output
%a = step.load @small : !step.stream<f32, [3, n]>
step.store %a in @y by [1, 2]""",
        {"n": 4},
    ),
    "state_of_which_a_buffer_holds_one": Found(
        "a state that is read while the next one comes was said to need one buffer, which there is",
        """step.loop 2
step.state @sum : f32 [100, 3]
step.tensor @start : f32 [100, 3] input
step.tensor @x : f32 [100, 3] input
step.tensor @y : f32 [100, 3] output each
step.tensor @z : f32 [300] output each
%start = step.load @start : !step.stream<f32, [100, 3]>
%old = step.recall @sum initial %start : !step.stream<f32, [100, 3]>
%x = step.load @x : !step.stream<f32, [100, 3]>
%y = step.map add %old, %x : !step.stream<f32, [100, 3]>
%z = step.flatten %x over [0, 1] : !step.stream<f32, [300]>
step.keep %y in @sum
step.store %y in @y
step.store %z in @z""",
        fabric={"pmu_lines": 128},
    ),
    "tiles_of_packed_rows": Found(
        "rows of bf16 were cut within a beat, which holds two vectors",
        """step.tensor @a : f32 [2] input
step.tensor @w : bf16 [2, 40] input
step.tensor @y : f32 [40] output
%a = step.load @a : !step.stream<f32, [2]>
%w = step.load @w : !step.stream<bf16, [2, 40]>
%y = step.matmul %a, %w : !step.stream<f32, [40]>
step.store %y in @y""",
        fabric={"lanes": 4, "acc_depth": 8},
    ),
    "each_number_of_a_scan_is_repeated": Found(
        "a buffer of single numbers that is read several times was passed by like a FIFO",
        """step.tensor @a : f32 [3, 5] input
step.tensor @y : f32 [3, 2, 5, 4] output
%a = step.load @a : !step.stream<f32, [3, 5]>
%least = step.scan min %a over [1] : !step.stream<f32, [3, 5]>
%b = step.bufferize %least rank 1 : !step.buffer<f32, [3] of [5]>
%four = step.streamify %b walk [0, _] : !step.stream<f32, [3, 5, 4]>
%y = step.expand %four along [1] : !step.stream<f32, [3, 2, 5, 4]>
step.store %y in @y""",
        fabric={"lanes": 4, "pmu_levels": 5},
    ),
    "rows_that_are_one_repeated": Found(
        "rows that were expanded from a single one were taken for tiles: a traceback",
        """step.tensor @a : f32 [3] input
step.tensor @b : f32 [3] input
step.tensor @sum : f32 [3] output
step.tensor @y : f32 [3, 3] output
%a = step.load @a : !step.stream<f32, [3]>
%b = step.load @b : !step.stream<f32, [3]>
%sum = step.map add %a, %b : !step.stream<f32, [3]>
%rows = step.expand %a along [0] : !step.stream<f32, [3, 3]>
%y = step.matmul %rows, %rows : !step.stream<f32, [3, 3]>
step.store %sum in @sum
step.store %y in @y""",
    ),
    "the_other_operand_is_flattened": Found(
        "a unit took a rank from the ends of packed rows, which had none to lose: it hung",
        """step.tensor @a : f32 [1, 1, 3] input
step.tensor @b : bf16 [3] input
step.tensor @y : f32 [3, 1] output
%a = step.load @a : !step.stream<f32, [1, 1, 3]>
%row = step.flatten %a over [0, 1, 2] : !step.stream<f32, [3]>
%b = step.load @b : !step.stream<bf16, [3]>
%sum = step.map add %row, %b : !step.stream<f32, [3]>
%total = step.accum add %sum over [0] : !step.stream<f32, []>
%y = step.expand %total along [0, 1] : !step.stream<f32, [3, 1]>
step.store %y in @y""",
    ),
}

EMPTY = """step.dimension @n <= 8
step.dimension @m <= 17
step.tensor @a : i32 [8, 17, 10] input
step.tensor @y : i32 [2, 8, 17] output
%a = step.load @a : !step.stream<i32, [n, m, 2]>
step.store %a in @y walk [1, 2, 0]
"""


EMPTY_ROWS = """step.dimension @n <= 5
step.tensor @a : f32 [5, 2, 3] input
step.tensor @y : f32 [5, 3] output
%a = step.load @a : !step.stream<f32, [n, 2, 3]>
%b = step.bufferize %a rank 2 : !step.buffer<f32, [n] of [2, 3]>
%t = step.streamify %b walk [1, 0] : !step.stream<f32, [n, 3, 2]>
%y = step.accum add %t over [2] : !step.stream<f32, [n, 3]>
step.store %y in @y
"""


EMPTY_OPERAND = """step.dimension @m <= 4
step.tensor @a : f32 [4, 9] input
step.tensor @b : f32 [1, 9] input
step.tensor @at : f32 [5] iota
step.tensor @y : f32 [5, 9] output
%a = step.load @a : !step.stream<f32, [m, 9]>
%b = step.load @b : !step.stream<f32, [1, 9]>
%at = step.load @at : !step.stream<f32, [m + 1]>
%m = step.size @m : !step.stream<i32, []>
%rows = step.convert %m : !step.stream<f32, []>
%last = step.expand %rows along [0] : !step.stream<f32, [m + 1]>
%ends = step.map eq %at, %last : !step.stream<f32, [m + 1]>
%which = step.convert %ends : !step.stream<i32, [m + 1]>
%y = step.merge %which of %a, %b : !step.stream<f32, [m + 1, 9]>
step.store %y in @y
"""


def _launched(found: Found) -> RandomProgram:
    module = parse_program(found.text + "\n")
    iterations = next((op.iterations for op in module.ops if isinstance(op, LoopOp)), 1)
    rng = np.random.default_rng(len(found.text))
    inputs = {}
    for tensor in (op for op in module.ops if isinstance(op, TensorOp)):
        shape = tensor.sizes if tensor.each is None else (iterations, *tensor.sizes)
        if tensor.role in (Role.INPUT, Role.WEIGHT):
            low, end = {"index": (0, 2), "large": (-(1 << 31), 1 << 31)}.get(tensor.label, (-9, 10))
            values = rng.integers(low, end, shape)
            inputs[tensor.label] = values if tensor.element is Element.I32 else values.astype(np.float32)
            if tensor.label == "small":
                inputs[tensor.label] *= np.float32(1e-41)
    return RandomProgram(found.text + "\n", inputs, found.sizes)


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_it_computes_what_it_means(name: str) -> None:
    found = PROGRAMS[name]
    outcome = judged(_launched(found), PRESETS["demo"].replace(**found.fabric))
    assert (outcome.failure, outcome.refusal, outcome.fixed) == (None, None, None), found.reason
    assert outcome.verdicts


@pytest.mark.parametrize(
    ("text", "full", "empty"),
    [
        (EMPTY, {"n": 7, "m": 3}, {"n": 7, "m": 0}),
        (EMPTY_ROWS, {"n": 3}, {"n": 0}),
        (EMPTY_OPERAND, {"m": 3}, {"m": 0}),
    ],
    ids=["columns", "rows", "operand"],
)
def test_a_launch_that_would_hang_has_an_image_of_its_own(
    text: str, full: dict[str, int], empty: dict[str, int]
) -> None:
    ran, alone = (judged(_launched(Found("", text, sizes)), PRESETS["demo"]) for sizes in (full, empty))
    assert (ran.failure, ran.refusal, ran.fixed) == (None, None, None)
    (size,) = (name for name, value in empty.items() if not value)
    assert (alone.fixed or "").endswith(f": size {size} must be at least 1, not 0")
    assert (alone.failure, alone.refusal) == (None, None)
    assert ran.compiled is not None
    assert alone.compiled is not None
    assert alone.compiled.fixed == {size: 0}
    with pytest.raises(WeftError, match=f": size {size} must be at least 1, not 0"):
        ran.compiled.arguments(empty)
    with pytest.raises(WeftError, match=f"size {size} must be 0, which the program was compiled for, not {full[size]}"):
        alone.compiled.arguments(full)


def test_a_program_whose_sizes_a_fabric_must_know_is_compiled_for_those_of_a_launch() -> None:
    text = """step.dimension @n <= 5
step.dimension @m <= 9
step.tensor @a : f32 [9, 5, 4] input
step.tensor @y : f32 [9, 20] output
%a = step.load @a : !step.stream<f32, [m, n, 4]>
%double = step.map mul %a, 2.0 : !step.stream<f32, [m, n, 4]>
%y = step.reshape %double : !step.stream<f32, [m, 2 * n, 2]>
%z = step.flatten %y over [1, 2] : !step.stream<f32, [m, 4 * n]>
step.store %z in @y
"""
    outcome = judged(_launched(Found("", text, {"n": 3, "m": 7})), PRESETS["demo"])
    assert (outcome.failure, outcome.refusal) == (None, None)
    assert (outcome.fixed or "").startswith("line 7: step.reshape (%y): ")
    with pytest.raises(WeftError, match=r"line 7: step.reshape \(%y\): "):
        compile_program(parse_program(text), PRESETS["demo"])


def test_a_refusal_speaks_of_the_operation_that_the_text_has() -> None:
    """What is stored apart becomes a merge, a row of which is larger than a PMU; a product becomes a PCU's program."""
    text = """step.tensor @a : f32 [140] input
step.tensor @y : f32 [1000] output
%a = step.load @a : !step.stream<f32, [140]>
step.store %a in @y by [3]
"""
    with pytest.raises(WeftError, match=r"^line 4: step.store: a block of 140 must fit a PMU"):
        compile_program(parse_program(text), PRESETS["demo"].replace(pmu_lines=16, acc_depth=4))
    text = """step.tensor @a : f32 [4] input
step.tensor @w : mxfp4 [4, 8] weight
step.tensor @y : f32 [8] output
%a = step.load @a : !step.stream<f32, [4]>
%w = step.load @w : !step.stream<mxfp4, [4, 8]>
%y = step.matmul %a, %w : !step.stream<f32, [8]>
step.store %y in @y
"""
    with pytest.raises(WeftError, match=r"^line 6: step.matmul \(%y\): mxfp4 weights need at least stages = 4"):
        compile_program(parse_program(text), PRESETS["demo"].replace(stages=3))


def test_the_room_of_a_program_that_reads_rows_as_long_as_a_launch_says_is_judged() -> None:
    """The length of each row is a launch argument that a unit passes on; taken for data, no link got a FIFO."""
    outcome = judged(_launched(PROGRAMS["packed_rows_of_a_launch"]), PRESETS["demo"])
    assert outcome.compiled is not None
    assert outcome.compiled.unjudged == ()


@pytest.mark.parametrize(
    ("shape", "cache", "walk", "rule"),
    [
        ("[5]", "[11]", "from [3]", "must begin at a multiple of 8"),
        ("[5]", "[11]", "", "@c keeps what it held, and memory takes whole beats: .* not at 5 of 11"),
        ("[5]", "[11]", "by [2]", "in steps of 1"),
        ("[5]", "[6, 8]", "walk [0] from [0, 3]", "must begin at a multiple of 8"),
        ("[5]", "[5, 8]", "walk [0]", "@c keeps what it held, .* not at 1 of 8"),
    ],
)
def test_a_store_never_overwrites_what_a_cache_holds_beside_it(shape: str, cache: str, walk: str, rule: str) -> None:
    """An output has zeros there, with which beats are filled up."""
    text = f"""step.tensor @x : f32 {shape} input
step.tensor @c : f32 {cache} {{}}
%x = step.load @x : !step.stream<f32, {shape}>
step.store %x in @c {walk}"""
    with pytest.raises(WeftError, match=f"line 4: step.store: .*{rule}"):
        compile_program(parse_program(text.format("cache")), PRESETS["demo"])
    compile_program(parse_program(text.format("output")), PRESETS["demo"])
