"""Random walks: over tensors that are made to fit a stream, and over buffers that are there already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from choices import Choices

from weft.compiler.step.dims import Dim
from weft.compiler.step.walk import PartialWalk, Walk

__all__ = ["Sizes", "walk_over", "walked_tensor"]


@dataclass(frozen=True)
class Sizes:
    """Values of a program's symbols in a launch, and the largest that they can have."""

    now: dict[str, int]
    most: dict[str, int]


def walked_tensor(
    choices: Choices, dims: Sequence[Dim], sizes: Sizes, *, store: bool = False
) -> tuple[Walk, tuple[int, ...]]:
    """A walk that visits as many elements as a stream has, and the shape of a tensor that it fits.

    A store visits no element twice: it has no windows and no repetitions.
    """
    plain = choices.once_in(2)
    groups: list[list[int]] = []
    by = [1] * len(dims)
    for axis in range(len(dims)):
        how = 0 if plain else choices.weighted(((0, 6), (1, 0 if store else 1), (2, 0 if store else 1)))
        if how == 1 and groups:
            groups[choices.below(len(groups))].append(axis)
        elif how != 2:
            groups.append([axis])
        if how != 2 and not plain and choices.once_in(5):
            by[axis] = choices.pick((2, 3))
    if not plain and choices.once_in(2):
        groups = [groups[place] for place in choices.order(len(groups))]
    if not groups or (not plain and choices.once_in(6)):
        groups.insert(choices.below(len(groups) + 1), [])
    walked, shape, start = [-1] * len(dims), [], []
    for dim, group in enumerate(groups):
        begin = Dim.of(0)
        if not plain and choices.once_in(4):
            begin = Dim.of(choices.pick((1, 2, 3, 8)))
            if sizes.most and choices.once_in(3):
                begin = Dim.of(choices.pick(sorted(sizes.most)))
        largest = [dims[axis].at(sizes.most) for axis in group]
        reach = sum((size - 1) * by[axis] for size, axis in zip(largest, group, strict=True))
        least = 0 if 0 in largest else begin.at(sizes.most) + reach + 1
        shape.append(least + (0 if plain else choices.weighted(((0, 3), (1, 1), (5, 1)))))
        start.append(begin)
        for axis in group:
            walked[axis] = dim
    return Walk((*walked,), (*by,), (*start,)), (*shape,)


def walk_over(
    choices: Choices, inner: Sequence[Dim], most_rank: int, *, backwards: bool = False
) -> tuple[Walk, tuple[Dim, ...]]:
    """A walk over buffers of these dimensions, and the sizes of what it gives; ``backwards`` allows negative steps."""
    entries: list[tuple[int, int, Dim]] = []
    start: list[Dim] = []
    for dim, size in enumerate(inner):
        number = size.number
        if number is None or number == 0 or choices.once_in(2):
            entries.append((dim, 1, size))
            start.append(Dim.of(0))
            continue
        begin = choices.below(number) if choices.once_in(3) else 0
        left = number - begin
        step = choices.weighted(((1, 4), (2, 1), (3, 1)))
        count = (left - 1) // step + 1
        if choices.once_in(4) and left > 1 and len(inner) < most_rank:  # a window
            width = 1 + choices.below(min(3, left))
            steps = (left - width) // step + 1
            entries += [(dim, step, Dim.of(steps)), (dim, 1, Dim.of(width))]
        elif not choices.once_in(8):
            taken = 1 + choices.below(count) if choices.once_in(3) else count
            if backwards and choices.once_in(4):
                begin, step = begin + (taken - 1) * step, -step
            entries.append((dim, step, Dim.of(taken)))
        start.append(Dim.of(begin))
    if choices.once_in(2):
        entries = [entries[place] for place in choices.order(len(entries))]
    if len(entries) < most_rank and choices.once_in(4):
        entries.insert(choices.below(len(entries) + 1), (-1, 1, Dim.of(choices.pick((2, 1, 3)))))
    # An empty dimension must be walked: there is no index to stay at.
    by_need = sorted(range(len(entries)), key=lambda at: entries[at][0] < 0 or inner[entries[at][0]].number != 0)
    entries = [entries[at] for at in sorted(by_need[:most_rank])]
    walk = Walk(tuple(dim for dim, _, _ in entries), tuple(step for _, step, _ in entries), (*start,))
    return walk, tuple(size for _, _, size in entries)


def walk_text(walk: Walk) -> str:
    """A walk as a program writes it, with a blank before."""
    text = str(PartialWalk.of(walk))
    return f" {text}" if text else ""
