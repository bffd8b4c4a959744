"""Running reductions in any order of operations."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from weft.compiler.interpreter.bounded import Bounded
from weft.compiler.interpreter.elementwise import greater, lesser, wrap
from weft.compiler.interpreter.float32 import LARGEST, ROUNDING, SMALLEST, flush, nearest
from weft.compiler.interpreter.meaning import Launch, Value, bounded, means
from weft.compiler.interpreter.sums import sum_in_any_order
from weft.compiler.step.prefix import Associative, PrefixOp
from weft.compiler.step.types import Element

__all__: list[str] = []

Floats = NDArray[np.float64]

_SLACK = 1 + 2.0**-20
"""More than what float64 itself rounds away in a bound."""


@means(PrefixOp)
def _prefix(operation: PrefixOp, launch: Launch, value: Value) -> tuple[Value, ...]:
    given, function = bounded(value), operation.function
    if given.element is Element.I32:
        combine = {Associative.ADD: np.add, Associative.MAX: np.maximum, Associative.MIN: np.minimum}[function]
        error = np.maximum.accumulate(given.error, axis=-1)
        return (Bounded(Element.I32, wrap(combine.accumulate(given.value, axis=-1)), error),)
    if function is Associative.MUL:
        return (_products(given),)
    results: list[Bounded] = []
    for place in range(given.shape[-1]):
        here = given.moved(lambda x, place=place: x[..., place])
        if function is Associative.ADD:
            so_far = given.moved(lambda x, place=place: x[..., : place + 1])
            results.append(sum_in_any_order(so_far, (so_far.value.ndim - 1,)))
        else:  # the same in every order
            combine = greater if function is Associative.MAX else lesser
            results.append(combine(results[-1] if results else here, here))
    values, errors = (
        np.stack(arrays, axis=-1) if arrays else np.zeros(given.shape)
        for arrays in ([each.value for each in results], [each.error for each in results])
    )
    if function is Associative.ADD:  # of negative zeros alone it is one: nothing is added to the first element
        negative = given.exact & (flush(given.value) == 0) & np.signbit(given.value)
        values = np.where(np.logical_and.accumulate(negative, axis=-1), -0.0, values)
    return (Bounded(Element.F32, values, errors),)


def _products(terms: Bounded) -> Bounded:
    """The products so far, with a bound that holds for any order of multiplications.

    With m multiplications by other numbers than 1, the error is that of the terms, at most m u / (1 - m u) times the
    magnitude, u = 2^-24, and m flushes, each of which the other terms can magnify.

    It is exact where no multiplication rounds in any order: where the odd parts of the terms multiply to at most 2^24,
    and nothing is flushed; where a term is 0; or where there is at most one multiplication. It is not judged where some
    order may overflow, or with an infinity where some order may multiply it by what was flushed.
    """
    value = np.where(terms.exact, flush(terms.value), terms.value)
    regular = np.isfinite(value) & terms.judged
    factors, error = np.where(regular, value, 1.0), np.where(regular, terms.error, 0.0)
    magnitude = np.abs(factors)
    with np.errstate(all="ignore"):
        total = _so_far(factors)
        most = _so_far(np.maximum(magnitude + error, 1.0))
        least = _so_far(np.where(terms.exact & (factors == 0), 1.0, np.clip(magnitude - error, 0.0, 1.0)))
        worst = _so_far(magnitude + error)
        multiplications = np.maximum(np.add.accumulate((factors != 1) | (error > 0), axis=-1) - 1, 0)
        share = multiplications * ROUNDING
        rounding = np.where(share < 0.5, 1 + share / (1 - np.minimum(share, 0.5)), np.inf)
        flushed = multiplications * SMALLEST * most * rounding
        spread = (worst * rounding - np.abs(total) + flushed) * _SLACK
        odd = _so_far(_odd_part(factors))

    zero = _ever(terms.exact & (value == 0))
    infinite, nan = _ever(terms.exact & np.isinf(value)), _ever(terms.exact & np.isnan(value))
    overflows, flushes = most * rounding > LARGEST, least < SMALLEST * _SLACK
    alone, exact_terms = multiplications <= 1, ~_ever(~terms.exact)
    exact = exact_terms & (alone | (zero & ~overflows) | ((odd <= 2.0**24) & ~flushes & ~overflows))
    unknown = _ever(~terms.judged) | np.where(infinite & ~zero, flushes, overflows & ~exact & ~infinite)

    sign = np.where(np.add.accumulate(np.signbit(value), axis=-1) % 2, -1.0, 1.0)
    result = np.where(exact, nearest(total), total)
    result = np.where(infinite, np.where(zero, np.nan, sign * np.inf), result)
    settled = exact | infinite
    error = np.where(nan | (settled & ~unknown), 0.0, np.where(unknown | np.isnan(spread), np.inf, spread))
    return Bounded(Element.F32, np.where(nan, np.nan, result), error)


def _so_far(factors: Floats) -> Floats:
    return np.multiply.accumulate(factors, axis=-1)


def _ever(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Where a flag was ever set along the row."""
    return np.logical_or.accumulate(flags, axis=-1)


def _odd_part(x: Floats) -> Floats:
    """A float32 without its powers of two; 1 for 0."""
    fraction, _ = np.frexp(x)
    whole = np.abs(np.ldexp(fraction, 53)).astype(np.int64)
    return np.where(whole == 0, 1.0, whole / np.maximum(whole & -whole, 1))
