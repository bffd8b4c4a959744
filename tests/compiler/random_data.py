"""Arrays for the inputs of random programs: small whole numbers most of the time, and what is hard now and then."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from choices import Choices
from numpy.typing import NDArray

from weft.compiler.step.types import Element

__all__ = ["RandomData"]

HARD = np.array(
    [0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 2.0**-126, -(2.0**-126), 1e-40, 3.4e38, -3.4e38, 2.0**24 + 2, 0.1],
    np.float32,
)
"""Zeros of both signs, what is not finite, the smallest normal, a subnormal, the largest, and two that round."""


@dataclass
class RandomData:
    """Numbers of one program: all of its arrays are alike."""

    random: np.random.Generator
    floats: str
    large: bool

    @staticmethod
    def of(choices: Choices) -> RandomData:
        """Whole numbers, so that most results are exact; or others."""
        floats = choices.weighted((("whole", 16), ("normal", 4), ("hard", 1)))
        large = choices.once_in(4)
        return RandomData(np.random.default_rng(choices.below(1 << 16)), floats, large)

    def array(self, element: Element, shape: tuple[int, ...]) -> NDArray[np.generic]:
        """Numbers for a tensor."""
        if element is Element.I32:
            low, end = (-(1 << 31), 1 << 31) if self.large else (-4, 5)
            return self.random.integers(low, end, shape)
        if self.floats == "hard" and not element.is_quantised:
            return self.random.choice(HARD, shape)
        if self.floats == "whole":
            return self.random.integers(-4, 5, shape).astype(np.float32)
        return self.random.normal(size=shape).astype(np.float32)
