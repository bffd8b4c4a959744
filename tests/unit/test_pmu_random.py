"""Random PMU programs: RTL against the twin, and the twin against the program's text read one beat after the other."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pmu_bench import LANES, SPEC, Beat, Launch, assert_twins_agree, beats, numbers, twin

from weft.hw.program import WRITE_LEVELS, Pmu, PmuLevel, Port, Trigger, WriteLevel
from weft.sim.device import Beats

LINES = 6
RANK = SPEC.stop_ranks


def _spans(levels: list[PmuLevel]) -> tuple[int, int]:
    """Lowest and highest address of a nest from 0."""
    reach = [(level.bound - 1) * level.stride for level in levels]
    return sum(each for each in reach if each < 0), sum(each for each in reach if each > 0)


@st.composite
def places(draw: st.DrawFn, limit: int) -> tuple[int, int, dict[str, Any]]:
    """Beats of a block, addresses they fill without a hole, and a nest: its levels in any order, one may repeat."""
    bounds: list[int] = []
    for _ in range(WRITE_LEVELS + 1):
        bounds.append(draw(st.integers(1, min(4, limit // prod(bounds)))))
    repeats = draw(st.one_of(st.none(), st.integers(0, WRITE_LEVELS)))
    strides, step = [0] * len(bounds), 1
    for level in draw(st.permutations(range(len(bounds)))):
        if level != repeats:
            strides[level] = step
            step *= bounds[level]
    levels = tuple(WriteLevel(bound, stride) for bound, stride in zip(bounds[:-1], strides, strict=False))
    return prod(bounds), step, {"write_levels": levels, "write_stride": strides[-1]}


@st.composite
def launches(draw: st.DrawFn) -> list[Launch]:
    """Programs whose reads stay in their blocks, whatever the trigger."""
    write, read = draw(
        st.sampled_from([(w, r) for w in (Port.VECTOR, Port.SCALAR) for r in (Port.VECTOR, Port.SCALAR)])
    )
    trigger = draw(st.sampled_from(Trigger))
    by_length = draw(st.booleans())
    transposed = draw(st.booleans())
    across = transposed and read is Port.VECTOR
    write_rank = draw(st.integers(0, 2))
    words = 1 if write is Port.SCALAR else LANES
    limit = LINES * LANES // words
    unit = 1 if read is Port.VECTOR and not across else LANES  # addresses a line

    # Blocks with at least one beat kept, if the nest reads it for sure, and equal length then.
    equal = not by_length or trigger is Trigger.LENGTH
    kept = draw(st.integers(1, limit)) if write_rank else 1
    filled, nest = kept, {}
    if equal and write_rank and draw(st.booleans()):
        kept, filled, nest = draw(places(limit))
    lowest = kept if equal else 0
    begin = draw(st.integers(0, 2)) if write_rank else 0
    counts = draw(st.lists(st.integers(lowest, kept), min_size=1, max_size=6))
    rows: list[tuple[list[int] | int, int, int]] = []
    for count in counts:
        part = begin + count if count else 0
        for place in range(part):
            rows.append((draw(st.integers(0, 2**32 - words)), draw(st.integers(0, max(write_rank - 1, 0))), 0))
            if draw(st.integers(0, 5)) == 0 and write_rank and place < part - 1:
                rows.append((0, 0, 1))
        if not part:
            rows.append((0, 0, 1))
        rows[-1] = (rows[-1][0], write_rank + draw(st.integers(0, 2)), rows[-1][2])
    data = beats(words, [([v + k for k in range(words)] if words > 1 else [v], s, e) for v, s, e in rows])

    size = -(-filled * words // LANES) * unit
    levels: list[PmuLevel] = []
    for place in range(draw(st.integers(1, SPEC.pmu_levels))):
        stride = draw(st.integers(-size, size))
        bound = draw(st.integers(1, 4))
        if by_length and place == 0:
            # Only an address that never moves, or one a beat kept, is inside blocks of every length.
            stride, bound = (unit if words == LANES else int(unit == LANES)), 1
            if across:
                stride = LANES * LANES
        level = PmuLevel(bound, stride, draw(st.integers(0, RANK)))
        low, high = _spans([*levels, level])
        if (high - low >= size) if not by_length else (place > 0 and stride != 0):
            level = PmuLevel(bound, 0, level.rank)
        levels.append(level)
    low, high = _spans(levels)
    slack = size - 1 - high + low
    shift = 0 if by_length else draw(st.integers(0, slack))
    period, block_from = draw(st.integers(0, 3)), draw(st.integers(0, 2))
    program = Pmu(
        write=write, write_rank=write_rank, write_from=begin, write_to=0, period=period, block_from=block_from,
        block_to=draw(st.integers(block_from, 3)), block_lines=-(-filled * words // LANES),
        blocks=draw(st.integers(1, 5)), read=read, trigger=trigger, free_rank=draw(st.integers(0, 2)),
        offset=shift - low, levels=tuple(levels), by_length=by_length, transposed=transposed,
        read_rank=draw(st.integers(0, RANK - 2)), control_out=draw(st.booleans()), **nest,
    )  # fmt: skip
    stops = draw(st.lists(st.integers(0, 2), max_size=10))
    least, most = (0, 0) if by_length else (-shift, slack - shift)
    if trigger is Trigger.LENGTH:
        least, most = -1, levels[0].bound
    values = [draw(st.integers(least, most)) & 0xFFFF_FFFF for _ in stops]
    address = beats(1, [([v], s, int(draw(st.integers(0, 5)) == 0)) for v, s in zip(values, stops, strict=True)])
    control = beats(0, [([], s, 0) for s in stops])
    port = "vector" if write is Port.VECTOR else "scalar"
    # The count of blocks begins anew with a launch, so this must not cut their stream.
    cut = len(rows) if period else draw(st.integers(0, len(rows)))
    first = Launch(program, **{port: _part(data, 0, cut)}, address=_part(address, 0, 3), control=_part(control, 0, 3))
    second = Launch(
        program, **{port: _part(data, cut, None)}, address=_part(address, 3, None), control=_part(control, 3, None)
    )
    return [first] if period else [first, second]


def _part(stream: Beats, begin: int, end: int | None) -> Beats:
    return Beats(stream.data[begin:end], stream.stop[begin:end], stream.void[begin:end])


def _nest(program: Pmu, length: int) -> Iterator[tuple[int, int | None]]:
    """Address and stop of each beat of a run, by counting; None is the run's own stop."""
    bounds = [length, *(level.bound for level in program.levels[1:])]
    index = [0] * len(bounds)
    while True:
        address = program.offset + sum(i * level.stride for i, level in zip(index, program.levels, strict=True))
        ended = 0
        while ended < len(bounds) and index[ended] == bounds[ended] - 1:
            ended += 1
        if ended == len(bounds):
            yield address, None
            return
        yield address, program.levels[ended - 1].rank if ended else 0
        index[ended] += 1
        index[:ended] = [0] * ended


def _place(program: Pmu, beat: int) -> int:
    """Where a beat of a block goes, by counting."""
    bounds = [level.bound for level in program.write_levels]
    index = [0] * (len(bounds) + 1)
    for _ in range(beat):
        level = 0
        while level < len(bounds) and index[level] == bounds[level] - 1:
            index[level] = 0
            level += 1
        index[level] += 1
    strides = [*(level.stride for level in program.write_levels), program.write_stride]
    return sum(i * stride for i, stride in zip(index, strides, strict=True))


def naive(case: list[Launch]) -> tuple[list[Beat], list[Beat]]:
    """Beats and tokens of all launches, as the text of :mod:`weft.hw.program.pmu` reads."""
    program = case[0].program
    arriving = [b for launch in case for b in numbers(launch.vector if program.write is Port.VECTOR else launch.scalar)]
    words = LANES if program.write is Port.VECTOR else 1
    blocks: list[tuple[list[int], int, int]] = []
    kept: dict[int, int] = {}
    count, number, arrived = 0, 0, 0
    for value, stop, void in arriving:
        if not void:
            if number >= program.write_from and (not program.write_to or number < program.write_to):
                place = _place(program, count) * words
                line = place - place % LANES
                if place == line:
                    kept |= dict.fromkeys(range(line, line + LANES), 0)
                kept |= {place + k: value >> 32 * k & 0xFFFF_FFFF for k in range(words)}
                count += 1
            number += 1
        if stop >= program.write_rank:
            if not program.period or program.block_from <= arrived % program.period < program.block_to:
                blocks.append(([kept[word] for word in range(len(kept))], count, stop - program.write_rank))
            arrived += 1
            kept, count, number = {}, 0, 0

    sent: list[Beat] = []
    tokens: list[Beat] = []

    def run(block: tuple[list[int], int, int], outer: int, value: int, *, void: bool) -> None:
        memory, length, _ = block
        tokens.append((0, outer, 0))
        by_value = program.trigger is Trigger.LENGTH
        if void or (value <= 0 if by_value else program.by_length and not length):
            sent.append((0, program.read_rank + outer, 1))
            return
        across = program.transposed and program.read is Port.VECTOR
        if across:
            length = -(-len(memory) // LANES**2)
        if by_value:
            length, value = value, 0
        elif not program.by_length:
            length = program.levels[0].bound
        for address, stop in _nest(program, length):
            where = address + value
            if across:
                line = [memory[w] if w < len(memory) else 0 for w in range(where, where + LANES**2, LANES)]
            else:
                line = memory[where * LANES : where * LANES + LANES] if program.read is Port.VECTOR else [memory[where]]
            data = sum(word << 32 * k for k, word in enumerate(line))
            sent.append((data, program.read_rank + outer if stop is None else stop, 0))

    if program.trigger is Trigger.BLOCK:
        for block in blocks:
            run(block, block[2], 0, void=False)
    else:
        by_scalar = program.trigger.by_scalar
        for value, stop, void in [
            b for launch in case for b in numbers(launch.address if by_scalar else launch.control)
        ]:
            if not blocks:
                break
            run(blocks[0], stop, value - (value >> 31 << 32) if by_scalar else 0, void=bool(by_scalar and void))
            if stop >= program.free_rank:
                blocks.pop(0)
    return sent, tokens if program.control_out else []


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(case=launches())
def test_twin_does_what_the_text_says(case: list[Launch]) -> None:
    results = twin(SPEC, case)
    sent, tokens = naive(case)
    assert [b for r in results for b in numbers(r.vector if case[0].program.read is Port.VECTOR else r.scalar)] == sent
    assert [b for r in results for b in numbers(r.control)] == tokens


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(
    case=launches(),
    rate=st.sampled_from([0.25, 0.6, 1]),
    out_rate=st.sampled_from([0.25, 0.6, 1]),
    seed=st.integers(0, 99),
)
def test_hardware_does_what_the_twin_does(case: list[Launch], rate: float, out_rate: float, seed: int) -> None:
    assert_twins_agree(case, rate=rate, out_rate=out_rate, seed=seed)
