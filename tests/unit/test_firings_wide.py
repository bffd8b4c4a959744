"""The firings of a PCU that multiplies by matrices against the layout of these, as their text says."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from weft.hw.numerics.ops import Op
from weft.hw.program import BLOCK, Accumulate, Input, InputMode, Pcu, Source, Stage, Unpack
from weft.hw.program.firings.pcu import firings_of
from weft.hw.program.firings.stream import Shape
from weft.hw.program.firings.wide import Wide
from weft.hw.topology import Network


def product_program(form: Unpack, row: int) -> Pcu:
    stages = tuple(Stage(Op.MULADD, Source(i), Source.scalar(i), Source.ACC) for i in range(form.width))
    return Pcu(
        vector=(Input(InputMode.EACH),),
        scalar=(Input(InputMode.HOLD, 1),) * form.width,
        unpack=form,
        unpack_row=row,
        stages=stages,
        accumulate=Accumulate.DRAIN,
        acc_row=1,
        acc_rank=2,
        drain_sum=True,
        drain_scale=form is Unpack.INT8,
        stop_rank=2,
        stop_sub=1,
        vector_out=True,
    )


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([Unpack.INT8, Unpack.MXFP4]),
    st.integers(1, 9),
    st.lists(st.integers(1, 70), min_size=1, max_size=3),
)
def test_each_step_finds_its_weights(form: Unpack, row: int, sizes: list[int]) -> None:
    steps: list[tuple[int, int, int]] = []  # beat, half, beat of exponents
    scales, beat = list[int](), 0
    for size in sizes:
        half, exponents = 0, 0
        for first in range(0, size, form.width):
            if first % BLOCK == 0:
                exponents, beat = beat, beat + form.exponent_beats(row)
            for column in range(row):
                steps.append((beat, half, exponents + column // 4))
                beat, half = beat + half, 1 - half
        beat += half
        scales += range(beat, beat + form.scale_beats(row))
        beat += form.scale_beats(row)
    stop = np.concatenate([np.append(np.zeros(size - 1), 1) for size in sizes]).astype(np.uint8)
    stop[-1] = 2
    weights, numbers = Shape.of(np.full(beat, 3, np.uint8)), Shape.of(stop)
    does = firings_of(product_program(form, row), {(Network.VECTOR, 0): weights, (Network.SCALAR, 0): numbers})
    wide = does.header
    assert isinstance(wide, Wide)
    assert wide.step_beats.tolist() == [each for each, _, _ in steps]
    assert (wide.place % 2).tolist() == [half for _, half, _ in steps]
    if form is Unpack.MXFP4:
        assert wide.exponent_beats.tolist() == [each for _, _, each in steps]
    else:
        assert wide.drain_beats.tolist() == scales
    rows = [min(form.width, size - first) for size in sizes for first in range(0, size, form.width)]
    assert wide.numbers[:, 1].tolist() == rows
    assert wide.numbers[:, 0].tolist() == [0, *np.cumsum(rows)[:-1].tolist()]
    assert list(does.taken.values()) == [beat, len(stop)]
    assert np.flatnonzero(does.output.stop).tolist() == [row * (number + 1) - 1 for number in range(len(sizes))]
    assert does.output.stop[row - 1 :: row].tolist() == [1] * (len(sizes) - 1) + [2]
    process = does.process
    for side in (*process.takes, *process.gives):
        needs, done = side.firings()
        before = np.append(0, done)[:-1]
        assert len(needs) == process.firings
        assert done[-1] == side.total
        assert ((needs >= done) & (needs <= before + 1) & (done - before <= 1)).all()
        assert (np.diff(needs) >= 0).all()
    assert [side.total for side in process.takes] == [beat, len(stop)]
    assert [side.total for side in process.gives] == [row * len(sizes)]
