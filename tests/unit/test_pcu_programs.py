"""The PCU against its functional model, bit for bit, kernel by kernel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pcu_bench import SPEC, beats, bench, check, expected, nested_stops

from weft.hw.numerics.ops import Conversion, Op, Reduction, Special
from weft.hw.program import Unpack
from weft.hw.program.pcu import Accumulate, Input, InputMode, Pcu, Source, Stage

EACH = Input(InputMode.EACH)
LANES = SPEC.lanes


def _floats(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_map_chain() -> None:
    program = Pcu(
        vector=(EACH, EACH),
        stages=(
            Stage(Op.MULADD, Source.REG0, Source.REG1, Source.CONST, dst=2, const=0x3F000000),
            Stage(Op.MAX, Source.REG2, c=Source.REG1, dst=0),
        ),
        vector_out=True,
    )
    stop = nested_stops(3, 5)
    check(program, [beats(_floats(1, 15, LANES), stop), beats(_floats(2, 15, LANES), stop)])


def test_tail_changes_data_and_stop() -> None:
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.MUL, Source.REG0, Source.CONST, dst=0, const=0x40490FDB),),
        special=Special.SIGMOID,
        conversion=Conversion.TO_BF16,
        stop_rank=2,
        stop_sub=1,
        stop_add=3,
        vector_out=True,
        scalar_out=True,
    )
    check(program, [beats(_floats(3, 12, LANES), nested_stops(2, 2, 3))])


@pytest.mark.parametrize("special", list(Special))
def test_exp_of_maximum(special: Special) -> None:
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.MAX, Source.REG0, c=Source.CONST, dst=0, const=0xBF000000),),
        reduction=Reduction.MAX,
        special=special,
        vector_out=True,
    )
    check(program, [beats(_floats(4, 9, LANES), nested_stops(3, 3))])


@pytest.mark.parametrize("unpack", [False, True])
def test_matrix_vector_product(unpack: bool) -> None:
    rows, tiles = 6, 4
    x = beats(_floats(5, rows), 0)
    stop = nested_stops(rows, tiles)
    if unpack:
        words = np.random.default_rng(6).normal(size=(rows * tiles // 2, LANES, 2)).astype(np.float32)
        halves = words.view(np.uint32) >> 16
        packed = halves[:, :, 0] | halves[:, :, 1] << 16
        weights = beats(packed.astype(np.uint32), stop[1::2])
    else:
        weights = beats(_floats(6, rows * tiles, LANES), stop)
    program = _matvec(unpack=unpack)
    check(program, [weights], [x])


def _matvec(*, unpack: bool = False, odd: bool = False) -> Pcu:
    return Pcu(
        vector=(EACH,),
        scalar=(Input(InputMode.HOLD, 1),),
        unpack=Unpack.BF16 if unpack else Unpack.OFF,
        unpack_odd=odd,
        stages=(Stage(Op.MULADD, Source.REG0, Source.SCALAR0, Source.ACC, dst=0),),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        stop_rank=2,
        stop_sub=1,
        vector_out=True,
    )


def test_matrix_vector_product_of_odd_rows() -> None:
    rows, tiles = 4, 3
    halves = np.random.default_rng(7).normal(size=(rows, tiles + 1, LANES)).astype(np.float32).view(np.uint32) >> 16
    packed = halves[:, 0::2] | halves[:, 1::2] << 16
    stop = nested_stops(rows, (tiles + 1) // 2)
    check(
        _matvec(unpack=True, odd=True),
        [beats(packed.reshape(-1, LANES).astype(np.uint32), stop)],
        [beats(_floats(8, rows))],
    )


def _both(*, odd: bool) -> Pcu:
    """The same product with both vectors of a packed beat in one step."""
    one = _matvec(unpack=True, odd=odd)
    second = replace(one.stages[0], a=Source.REG1)
    return replace(one, unpack_both=True, stages=(*one.stages, second), drain_stages=2)


@pytest.mark.parametrize("tiles", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("blocks", [1, 3])
def test_both_vectors_of_a_packed_beat_are_taken_at_once(tiles: int, blocks: int) -> None:
    """What leaves is what leaves where they are taken one by one, in the same order."""
    rows, beats_of_row, odd = 4, (tiles + 1) // 2, tiles % 2 == 1
    halves = np.random.default_rng(tiles).normal(size=(blocks * rows * beats_of_row, 2, LANES)).astype(np.float32)
    halves = halves.view(np.uint32) >> 16
    packed = (halves[:, 0] | halves[:, 1] << 16).astype(np.uint32)
    weights = beats(packed, nested_stops(blocks, rows, beats_of_row))
    x = beats(_floats(11, blocks * rows))
    check(_both(odd=odd), [weights], [x])
    one_by_one = expected(SPEC, _matvec(unpack=True, odd=odd), [weights], [x])
    assert len(one_by_one.vector) == blocks * tiles
    assert expected(SPEC, _both(odd=odd), [weights], [x]) == one_by_one


def test_matrix_vector_product_equals_numpy() -> None:
    rows, tiles = 5, 3
    weights, x = _floats(9, rows, tiles, LANES), _floats(10, rows)
    total = np.zeros((tiles, LANES), np.float32)
    for row in range(rows):
        total = (weights[row] * x[row]).astype(np.float32) + total
    run = bench().run(_matvec(), [beats(weights.reshape(-1, LANES), nested_stops(rows, tiles))], [beats(x)])
    words = np.array([word for word, _, _ in run.vector], np.uint32)
    assert np.array_equal(words, total.view(np.uint32))
    assert [stop for _, stop, _ in run.vector] == [0, 0, 1]


def test_dot_product() -> None:
    check(_dot(), [beats(_floats(11, 12, LANES), nested_stops(3, 4)), beats(_floats(12, 12, LANES))])


def _dot() -> Pcu:
    return Pcu(
        vector=(EACH, EACH),
        stages=(Stage(), Stage(Op.MULADD, Source.REG0, Source.REG1, Source.ACC, dst=0)),
        accumulate=Accumulate.REDUCE,
        acc_rank=1,
        reduction=Reduction.SUM,
        stop_rank=1,
        stop_sub=1,
        scalar_out=True,
    )


def test_dot_product_equals_numpy() -> None:
    a, b = _floats(13, 3, 4, LANES), _floats(14, 3, 4, LANES)
    run = bench().run(_dot(), [beats(a.reshape(-1, LANES), nested_stops(3, 4)), beats(b.reshape(-1, LANES))], [])
    got = np.array([word for word, _, _ in run.scalar], np.uint32).view(np.float32).ravel()
    total = np.zeros((3, LANES), np.float32)
    for step in range(4):
        total = (a[:, step] * b[:, step]).astype(np.float32) + total
    while total.shape[1] > 1:
        total = total[:, 0::2] + total[:, 1::2]
    assert np.array_equal(got, total.ravel())
    assert [stop for _, stop, _ in run.scalar] == [0, 0, 1]


def test_prefix_sum_with_void_beats() -> None:
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ADD, Source.REG0, c=Source.ACC, dst=0, const=0x41200000),),
        accumulate=Accumulate.SCAN,
        acc_rank=2,
        vector_out=True,
    )
    void = np.zeros(16, bool)
    void[[0, 3, 8, 15]] = True
    check(program, [beats(_floats(15, 16, LANES), nested_stops(2, 2, 4), void)])


@pytest.mark.parametrize("accumulate", [Accumulate.REDUCE, Accumulate.DRAIN])
def test_a_void_block_gives_its_first_value(accumulate: Accumulate) -> None:
    program = Pcu(
        vector=(EACH,),
        stages=(Stage(Op.ADD, Source.REG0, c=Source.ACC, dst=0, const=0x3F800000),),
        accumulate=accumulate,
        acc_rank=1,
        vector_out=True,
        scalar_out=True,
    )
    check(program, [beats(_floats(16, 4, LANES), [1, 0, 1, 1], [True, False, True, False])])


def test_outer_product_in_two_stages() -> None:
    # The weights stay in register 1, where every stage sees them; results go to register 0. Two blocks.
    rows, tiles = 5, 3
    program = Pcu(
        vector=(Input(), EACH),
        scalar=(Input(InputMode.HOLD, 1), Input(InputMode.HOLD, 1)),
        reference=Source.REG1,
        stages=(
            Stage(Op.MULADD, Source.REG1, Source.SCALAR0, Source.ACC, dst=0),
            Stage(Op.MULADD, Source.REG1, Source.SCALAR1, Source.ACC, dst=0),
        ),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_stages=2,
        vector_out=True,
    )
    check(
        program,
        [None, beats(_floats(17, 2 * rows * tiles, LANES), nested_stops(2, rows, tiles))],
        [beats(_floats(18, 2 * rows)), beats(_floats(19, 2 * rows))],
    )


def test_outer_product_of_columns_of_all_rows() -> None:
    # A beat of register 1 holds a number for each row; the weights pass all stages in register 0. Two blocks.
    depth, tiles, rows = 5, 3, min(SPEC.stages, LANES)
    program = Pcu(
        vector=(EACH, Input(InputMode.HOLD, 1)),
        stages=tuple(Stage(Op.MULADD, Source.REG0, Source.ROW, Source.ACC, dst=0) for _ in range(rows)),
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_stages=rows,
        vector_out=True,
    )
    weights, columns = _floats(40, 2 * depth * tiles, LANES), _floats(41, 2 * depth, LANES)
    run = check(program, [beats(weights, nested_stops(2, depth, tiles)), beats(columns)])
    product = np.einsum(
        "bkr,bktl->brtl", columns.reshape(2, depth, LANES)[..., :rows], weights.reshape(2, depth, tiles, -1)
    )
    given = np.array([words for words, _, _ in run.vector], np.uint32).view(np.float32)
    np.testing.assert_allclose(given.reshape(product.shape), product, rtol=1e-4, atol=1e-5)


def test_merge() -> None:
    program = Pcu(merge=True, merge_rank=1, vector_out=True, stages=(Stage(Op.ADD, c=Source.REG0, dst=0),))
    select = beats(np.array([0, 7, 0x80000000, 0, 1], np.uint32))
    first = beats(_floats(20, 6, LANES), nested_stops(2, 3))
    second = beats(_floats(21, 6, LANES), nested_stops(3, 2), [False, True, False, False, False, False])
    check(program, [first, second], [select])


def test_hold_and_scalar_reference() -> None:
    program = Pcu(
        vector=(Input(InputMode.HOLD, 2), EACH),
        scalar=(EACH, Input(InputMode.HOLD, 1)),
        reference=Source.SCALAR0,
        stages=(
            Stage(Op.MULADD, Source.REG0, Source.SCALAR0, Source.SCALAR1, dst=3),
            Stage(Op.SUB, Source.REG3, c=Source.REG1, dst=0),
        ),
        vector_out=True,
    )
    stop = nested_stops(2, 3, 2)
    check(
        program,
        [beats(_floats(22, 2, LANES)), beats(_floats(23, 12, LANES))],
        [beats(_floats(24, 12), stop), beats(_floats(25, 6))],
    )


def test_an_empty_program_does_nothing() -> None:
    data = [beats(_floats(26, 12, LANES))] * SPEC.vector_inputs
    run = bench().run(Pcu(), data, [beats(_floats(27, 12))])
    assert (run.vector, run.scalar, run.busy, run.waits) == ([], [], 0, 0)
    assert set(run.taken.values()) == {SPEC.fifo_depth}


def test_launches_follow_each_other() -> None:
    dot = (_dot(), [beats(_floats(28, 8, LANES), nested_stops(2, 4)), beats(_floats(29, 8, LANES))], [])
    product = (_matvec(), [beats(_floats(30, 12, LANES), nested_stops(4, 3))], [beats(_floats(31, 4))])
    launches = [dot, product, dot]
    for run, launch in zip(bench().run_all(launches), launches, strict=True):
        golden = expected(SPEC, *launch)
        assert (run.vector, run.scalar) == (golden.vector, golden.scalar)
