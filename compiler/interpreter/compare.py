"""Compares what a device computed with what a program means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from weft.compiler.errors import WeftError
from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.step.types import Element

__all__ = ["Difference", "Verdict", "compare"]

_SAYS_LITTLE = 2.0**-8
"""A bound above this part of the largest magnitude in the stream says little."""
_LEAST_MAGNITUDE = 2.0**-100
"""Streams of zeros, and of numbers smaller than this, are held to bounds as if they were of this magnitude."""


@dataclass(frozen=True)
class Difference:
    """A number of a device that lies outside its bound."""

    index: tuple[int, ...]
    got: float
    expected: float
    bound: float

    @property
    def sentence(self) -> str:
        """Where it is, and what was expected."""
        at = f" at [{', '.join(map(str, self.index))}]" if self.index else ""
        bound = f" within {self.bound:.3g}" if self.bound else ""
        return f"{at} is {self.got:.9g}, not {self.expected:.9g}{bound}".strip()


@dataclass(frozen=True)
class Verdict:
    """The result of comparing a stream or tensor of a device with the oracle's."""

    name: str
    values: int
    """numbers in all: ``exact`` + ``bounded`` + ``unjudged``"""
    exact: int
    """those that must be equal"""
    bounded: int
    """those that must lie within a bound"""
    unjudged: int
    """those whose bound is infinite"""
    says_little: int
    """those of ``bounded`` whose bound is above 2^-8 of the largest magnitude in the stream"""
    wrong: int
    """those that differ, or lie outside their bound"""
    first: Difference | None
    """the first of those"""

    @property
    def agrees(self) -> bool:
        """Whether no number is wrong."""
        return not self.wrong

    @property
    def sentence(self) -> str:
        """The verdict as a sentence: ``y: 126 values, 100 exact, 26 within bounds; all agree``."""
        parts = [f"{self.exact} exact"] if self.exact else []
        if self.bounded:
            little = f" ({self.says_little} of them wide)" if self.says_little else ""
            parts.append(f"{self.bounded} within bounds{little}")
        if self.unjudged:
            parts.append(f"{self.unjudged} not judged")
        end = "all agree" if self.first is None else f"{self.wrong} differ, the first {self.first.sentence}"
        return f"{self.name}: {self.values} values{''.join(f', {part}' for part in parts)}; {end}"


def compare(name: str, expected: Bounded, got: ArrayLike) -> Verdict:
    """The verdict on an array that a device computed.

    Exact numbers must be equal. Zeros of both signs are equal, and so is every NaN to every other.

    Raises
    ------
    WeftError
        An array of another shape.
    """
    found = np.asarray(got)
    if found.shape != expected.shape:
        raise WeftError(f"{name} must have the shape {list(expected.shape)}, not {list(found.shape)}")
    found = found.astype(np.int64 if expected.element is Element.I32 and found.dtype.kind in "iub" else np.float64)
    value, error = expected.value, expected.error
    with np.errstate(invalid="ignore"):
        equal = (found == value) | (np.isnan(found) & np.isnan(value))
        near = np.abs(found - value) <= error
    bounded = expected.judged & ~expected.exact
    wrong = (expected.exact & ~equal) | (bounded & ~near)
    finite = np.abs(value[np.isfinite(value)])
    largest = max(float(finite.max(initial=0)), _LEAST_MAGNITUDE)
    first = None
    if wrong.any():
        index = tuple(int(each) for each in np.argwhere(wrong)[0])
        first = Difference(index, float(found[index]), float(value[index]), float(error[index]))
    counts = (int(np.count_nonzero(each)) for each in (expected.exact, bounded, ~expected.judged))
    exact, within, unjudged = counts
    little = int(np.count_nonzero(bounded & (error > _SAYS_LITTLE * largest)))
    return Verdict(name, value.size, exact, within, unjudged, little, int(np.count_nonzero(wrong)), first)
