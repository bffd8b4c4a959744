"""Matrix products."""

from __future__ import annotations

import numpy as np

from weft.compiler.interpreter.bounded import Array, Bounded
from weft.compiler.interpreter.elementwise import multiply
from weft.compiler.interpreter.float32 import ROUNDING, SMALLEST, nearest
from weft.compiler.interpreter.meaning import Launch, Value, bounded, means
from weft.compiler.interpreter.sums import sum_in_any_order
from weft.compiler.step.matmul import MatmulOp
from weft.compiler.step.types import Element, stream_of
from weft.compiler.weights.quantised import Quantisation, Quantised

__all__ = ["matmul"]

_TERMS = 1 << 22
"""How many products are held at once."""
_BLOCK = 32
"""Rows of mxfp4 that share an exponent."""
_BIAS = 127


@means(MatmulOp)
def _matmul(operation: MatmulOp, launch: Launch, left: Value, right: Value) -> tuple[Value, ...]:
    rows, is_row = bounded(left), stream_of(operation.left).rank < stream_of(operation.right).rank
    if is_row:
        rows = rows.moved(lambda x: x[..., None, :])
    if isinstance(right, Bounded):
        result = matmul(rows, right)
    elif right.form is Quantisation.INT8:
        sums = matmul(rows, Bounded.exactly(Element.F32, right.elements))
        scales = Bounded.exactly(Element.F32, np.broadcast_to(right.scales, sums.shape))
        result = multiply(sums, scales)
        if launch.shards > 1:
            result = _scaled_in_parts(result, rows, right, launch.shards)
    else:
        result = matmul(rows, _mxfp4(right))
    return (result.moved(lambda x: x[..., 0, :]) if is_row else result,)


def _scaled_in_parts(result: Bounded, rows: Bounded, weights: Quantised, parts: int) -> Bounded:
    """The bound where parts of each sum are scaled, each rounded, and then added: two roundings a part."""
    with np.errstate(invalid="ignore"):
        terms = (np.abs(rows.value) + rows.error) @ np.abs(weights.elements.astype(np.float64)) * weights.scales
    more = np.where(np.isfinite(terms), 2 * parts * (terms * ROUNDING + SMALLEST), 0.0)
    return Bounded(result.element, result.value, result.error + more)


def matmul(rows: Bounded, matrix: Bounded) -> Bounded:
    """Products rounded to float32, then summed in any order."""
    count = max(1, _TERMS // max(1, matrix.value.size))
    parts = [
        _product(rows.moved(lambda x, at=at: x[..., at : at + count, :]), matrix)
        for at in range(0, max(1, rows.shape[-2]), count)
    ]
    if len(parts) == 1:
        return parts[0]
    value, error = (np.concatenate(each, axis=-2) for each in zip(*((p.value, p.error) for p in parts), strict=True))
    return Bounded(Element.F32, value, error)


def _product(rows: Bounded, matrix: Bounded) -> Bounded:
    shape = (*rows.shape, matrix.shape[-1])
    left = rows.moved(lambda x: np.broadcast_to(x[..., :, :, None], shape))
    right = matrix.moved(lambda x: np.broadcast_to(x[..., None, :, :], shape))
    return sum_in_any_order(multiply(left, right), (len(shape) - 2,))


def _mxfp4(weights: Quantised) -> Bounded:
    """Numbers times the power of two of their block: 0 below 2^-126, infinite beyond float32, NaN for e = 255."""
    exponents = np.repeat(weights.scales.astype(np.int64), _BLOCK, axis=-2)[..., : weights.elements.shape[-2], :]
    values: Array = nearest(np.ldexp(weights.elements.astype(np.float64), (exponents - _BIAS).astype(np.int32)))
    return Bounded.exactly(Element.F32, np.where(exponents == 255, np.nan, values))
