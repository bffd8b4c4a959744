"""Sums in any order of additions, for the mapping chooses the order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.float32 import LARGEST, ROUNDING, SMALLEST, flush, nearest
from weft.compiler.step.types import Element

__all__ = ["sum_in_any_order"]

Floats = NDArray[np.float64]


def sum_in_any_order(terms: Bounded, axes: tuple[int, ...], initial: float = 0.0) -> Bounded:
    """The sum of ``initial`` and all terms over ``axes``, with a bound that holds for any order of additions.

    With m additions of other numbers than 0, the error is that of the terms, and at most m u / (1 - m u) times the sum
    of magnitudes, u = 2^-24 (N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 4.2), and m flushes.

    It is exact where no addition rounds in any order: where the terms are multiples of one power of two from 2^-126 on,
    and their magnitudes sum to at most 2^24 times that; or where there is at most one addition. It is not judged where
    some order may overflow.
    """
    value = np.where(terms.exact, flush(terms.value), terms.value)
    start = float(nearest(np.asarray(initial, np.float64)))
    regular = np.isfinite(value)
    finite = np.where(regular, value, 0.0)
    reach = np.where(regular & terms.judged, np.abs(finite) + terms.error, 0.0)
    own = abs(start) if np.isfinite(start) else 0.0
    total = finite.sum(axis=axes) + (start if np.isfinite(start) else 0.0) + 0.0
    magnitude = reach.sum(axis=axes) + own
    additions = np.maximum((reach > 0).sum(axis=axes) + int(own > 0) - 1, 0)
    spread = np.where(terms.judged, terms.error, 0.0).sum(axis=axes)
    share = additions * ROUNDING
    factor = np.where(share < 0.5, share / (1 - np.minimum(share, 0.5)), np.inf)
    error = (spread + np.where(additions > 0, factor * magnitude, 0.0) + additions * SMALLEST) * (1 + 2.0**-20)

    unit = np.minimum(_unit(finite).min(axis=axes, initial=np.inf), _unit(np.asarray(start)))
    never_rounds = (magnitude <= 2.0**24 * unit) & (unit >= SMALLEST)
    exact = terms.exact.all(axis=axes) & (never_rounds | (additions <= 1))
    total = np.where(exact, nearest(total), total)
    error = np.where(exact, 0.0, error)

    given_nan = (terms.exact & np.isnan(value)).any(axis=axes) | np.isnan(start)
    plus, minus = (((value == end).any(axis=axes) | (start == end)) for end in (np.inf, -np.inf))
    overflows = magnitude * (1 + 2 * factor) > LARGEST
    unknown = ~terms.judged.all(axis=axes) | (overflows & ~(exact & (additions <= 1) & ~plus & ~minus))
    total = np.where(plus & minus, np.nan, np.where(plus, np.inf, np.where(minus, -np.inf, total)))
    error = np.where(plus | minus, 0.0, error)
    return Bounded(
        Element.F32, np.where(given_nan, np.nan, total), np.where(given_nan, 0.0, np.where(unknown, np.inf, error))
    )


def _unit(x: Floats) -> Floats:
    """The largest power of two that a float32 is a multiple of; infinity for 0 and what is not finite."""
    regular = np.isfinite(x) & (x != 0)
    fraction, exponent = np.frexp(np.where(regular, x, 1.0))
    whole = np.abs(np.ldexp(fraction, 53)).astype(np.int64)
    return np.where(regular, np.ldexp((whole & -whole).astype(np.float64), exponent - 53), np.inf)
