"""Numbers with bounds: how far a device may be from each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from weft.compiler.step.types import Element

__all__ = ["Array", "Bounded", "Errors"]

Array: TypeAlias = NDArray[Any]
"""float64, or int64 for ``i32``."""
Errors: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True)
class Bounded:
    """A stream, a buffer or a tensor: each number with a bound on the error of a device.

    Where ``error`` is 0, a device computes ``value`` bit for bit, but for the sign of a zero and for which NaN it is.
    Where it is finite, ``value`` is a real number (not rounded to float32) and a device is within ``error`` of it.
    Where it is infinite, a device may compute anything: the number is *not judged*.

    ``value`` is float64, or int64 for ``i32``, whose numbers are exact or not judged. NaN and infinities are exact.
    """

    element: Element
    value: Array
    error: Errors

    def __post_init__(self) -> None:
        assert self.value.shape == self.error.shape, (self.value.shape, self.error.shape)

    @staticmethod
    def exactly(element: Element, value: ArrayLike) -> Bounded:
        """Numbers that every device computes bit for bit."""
        values = np.asarray(value, np.int64 if element is Element.I32 else np.float64)
        return Bounded(element, values, np.zeros(values.shape))

    @staticmethod
    def zeros(element: Element, shape: tuple[int, ...]) -> Bounded:
        """Zeros, for what is stored later."""
        return Bounded.exactly(element, np.zeros(shape))

    @property
    def shape(self) -> tuple[int, ...]:
        """Sizes, outermost first."""
        return self.value.shape

    @property
    def exact(self) -> NDArray[np.bool_]:
        """Where a device computes ``value`` itself."""
        return self.error == 0

    @property
    def judged(self) -> NDArray[np.bool_]:
        """Where the bound is finite."""
        return self.error < np.inf

    def moved(self, move: Callable[[Array], Array]) -> Bounded:
        """The same numbers in other places."""
        return Bounded(self.element, np.asarray(move(self.value)), np.asarray(move(self.error)))

    def as_element(self, element: Element) -> Bounded:
        """The same floating-point numbers under another element type that can hold them."""
        return Bounded(element, self.value, self.error)

    def unjudged_where(self, mask: NDArray[np.bool_]) -> Bounded:
        """The same, not judged where ``mask`` is true."""
        return Bounded(self.element, self.value, np.where(mask, np.inf, self.error))
