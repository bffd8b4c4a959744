"""Loop nests, their runs and pairs of beats against loops in Python that follow the programs' text."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from weft.hw.presets import PRESETS
from weft.hw.program import Agcu, AgcuKind, AgcuLevel
from weft.hw.program.firings.agcu import SCALAR, VECTOR, nest_of, pairs_of, turn_of
from weft.hw.program.firings.stream import Shape
from weft.hw.spec import ADDRESS_BITS

Beat = tuple[int, int, bool]
"""Address, stop, void."""

levels_of = st.lists(
    st.builds(AgcuLevel, bound=st.integers(0, 3), stride=st.integers(-40, 40), rank=st.integers(0, 6)),
    min_size=1,
    max_size=4,
)


def walked(levels: list[AgcuLevel]) -> list[Beat]:
    """One run from address 0, loop by loop; the stop of its last beat is 0."""
    empty = [number for number, level in enumerate(levels) if not level.bound]
    first = empty[-1] if empty else 0  # a bound of 0 makes one iteration, whatever is inside
    bounds = [1 if number < first or not level.bound else level.bound for number, level in enumerate(levels)]
    beats: list[Beat] = []
    for indices in product(*(range(bound) for bound in reversed(bounds))):
        inner_first = indices[::-1]
        stop = 0
        for number in range(len(levels)):
            if any(inner_first[each] < bounds[each] - 1 for each in range(number + 1)):
                break
            stop = levels[number].rank if number >= first else 0
        address = sum(index * level.stride for index, level in zip(inner_first, levels, strict=True))
        beats.append((address, stop, bool(empty)))
    return beats


@given(levels_of, st.integers(0, 80))
def test_a_nest_is_its_loops(levels: list[AgcuLevel], count: int) -> None:
    want = walked(levels)
    nest = nest_of(Agcu(levels=tuple(levels)), {})
    assert len(nest) == len(want)
    assert nest.empty == want[0][2]
    assert nest.stops()[:-1].tolist() == [stop for _, stop, _ in want][:-1]
    if not nest.empty:
        assert nest.offsets(count).tolist() == [want[beat % len(want)][0] for beat in range(count)]


@given(levels_of, st.lists(st.tuples(st.integers(-3, 9), st.integers(0, 2), st.booleans()), min_size=1, max_size=5))
def test_a_load_by_index_runs_its_nest_for_each(levels: list[AgcuLevel], indices: list[tuple[int, int, bool]]) -> None:
    program = Agcu(
        kind=AgcuKind.LOAD, base=64, levels=tuple(levels), end_rank=3, indexed=True, index_stride=100, nest_rank=2
    )
    indices = [*indices, (1, 3, False)]
    value, stop, void = (np.array(each) for each in zip(*indices, strict=True))
    turn = turn_of(program, {SCALAR: Shape(stop.astype(np.uint8), void, value)}, {}, spec=PRESETS["tiny"])
    want: list[Beat] = []
    for index, outer, nothing in indices:
        run = [(0, 0, True)] if nothing else walked(levels)
        want += [(64 + 100 * index + address, rank, empty) for address, rank, empty in run[:-1]]
        want.append((64 + 100 * index + run[-1][0], 2 + outer, run[-1][2]))
    beats = turn.outputs[VECTOR[0]] if VECTOR[0] is not None else None
    assert beats is not None
    assert beats.stop.tolist() == [rank for _, rank, _ in want]
    assert beats.void.tolist() == [empty for _, _, empty in want]
    whole = 1 << ADDRESS_BITS
    assert turn.addresses(len(want)).tolist() == [address % whole for address, _, empty in want if not empty]
    assert turn.taken == {SCALAR: len(indices)}
    moves = [each for _, _, nothing in indices for each in [False, *[True] * (1 if nothing else len(walked(levels)))]]
    (takes,), (gives,) = turn.process.takes, turn.process.gives
    assert gives.firings()[1].tolist() == np.cumsum(moves).tolist()
    assert takes.firings()[1].tolist() == np.cumsum(~np.array(moves)).tolist()


@given(st.lists(st.tuples(st.sampled_from([0, 0, 0, 1]), st.booleans()), max_size=20))
def test_pairs_of_beats_are_padded_where_a_row_ends(beats: list[tuple[int, bool]]) -> None:
    want: list[list[int]] = []
    is_open = False
    for place, (stop, void) in enumerate(beats):
        if not void:
            if is_open:
                want[-1][1] = place
            else:
                want.append([place, -1])
            is_open = not is_open
        is_open = is_open and not stop
    stop, void = np.array([each for each, _ in beats], np.uint8), np.array([each for _, each in beats], bool)
    low, high = pairs_of(stop, void)
    assert np.stack([low, high], axis=1).tolist() == want
