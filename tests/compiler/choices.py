"""Where random programs take their choices from: Hypothesis, a seed, or a list that is played again."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from hypothesis import strategies as st

__all__ = ["Choices", "Drawn", "Played", "Seeded", "shrunk"]

T = TypeVar("T")


class Choices:
    """Choices between whole numbers, the smallest of which is the simplest program."""

    def below(self, count: int) -> int:
        """A number from 0 to before ``count``."""
        raise NotImplementedError

    def pick(self, options: Sequence[T]) -> T:
        """One of some options, the simplest of which comes first."""
        return options[self.below(len(options))]

    def once_in(self, count: int) -> bool:
        """Yes once in ``count`` times; no is simpler."""
        return self.below(count) == count - 1

    def weighted(self, options: Sequence[tuple[T, int]]) -> T:
        """One of some options with weights, the simplest first."""
        at = self.below(sum(weight for _, weight in options))
        for option, weight in options:
            if at < weight:
                return option
            at -= weight
        raise AssertionError

    def order(self, count: int) -> list[int]:
        """A permutation, the identity being the simplest."""
        left = list(range(count))
        return [left.pop(self.below(len(left))) for _ in range(count)]


@dataclass
class Drawn(Choices):
    """Choices of a Hypothesis strategy, which shrinks them."""

    draw: Callable[[st.SearchStrategy[int]], int]

    def below(self, count: int) -> int:
        return 0 if count == 1 else self.draw(st.integers(0, count - 1))


@dataclass
class Seeded(Choices):
    """Choices of a random number generator, noted in ``made``."""

    seed: int
    made: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def below(self, count: int) -> int:
        found = self._random.randrange(count)
        if count > 1:
            self.made.append(found)
        return found


@dataclass
class Played(Choices):
    """Choices that were noted, as far as they are possible; zeros after their end."""

    noted: Sequence[int]
    place: int = 0

    def below(self, count: int) -> int:
        if count == 1:
            return 0
        found = self.noted[self.place] if self.place < len(self.noted) else 0
        self.place += 1
        return min(found, count - 1)


def shrunk(made: Sequence[int], fails: Callable[[Sequence[int]], bool], *, most: int = 400) -> list[int]:
    """Fewer and smaller choices that still fail, after at most so many trials."""
    best, trials = list(made), 0

    def attempt(candidate: list[int]) -> bool:
        nonlocal best, trials
        if trials >= most or candidate == best:
            return False
        trials += 1
        if not fails(candidate):
            return False
        best = candidate
        return True

    improved = True
    while improved and trials < most:
        improved = False
        size = max(1, len(best) // 2)
        while size:
            at = len(best) - size
            while at >= 0:
                improved |= attempt(best[:at] + best[at + size :])
                at -= size
            size //= 2
        for at in range(len(best)):
            for smaller in sorted({0, best[at] // 2, best[at] - 1} if at < len(best) and best[at] else ()):
                if smaller < best[at] and attempt([*best[:at], smaller, *best[at + 1 :]]):
                    improved = True
                    break
    return best
