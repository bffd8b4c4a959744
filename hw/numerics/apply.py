"""The function unit's operations, by operation code."""

import numpy as np
from numpy.typing import ArrayLike

from .basic import add, mul, muladd, sub
from .compare import equal, less, less_equal, maximum, minimum, select
from .format import Floats
from .integers import integer_add, integer_equal, integer_less, integer_max, integer_sub
from .ops import Op

__all__ = ["apply"]


def apply(op: Op, a: ArrayLike, b: ArrayLike, c: ArrayLike) -> Floats:
    """What one lane of one PCU stage computes for ``op``."""
    match op:
        case Op.PASS:
            return np.asarray(a, dtype=np.float32)
        case Op.MUL:
            return mul(a, b)
        case Op.MULADD:
            return muladd(a, b, c)
        case Op.ADD:
            return add(a, c)
        case Op.SUB:
            return sub(a, c)
        case Op.MAX:
            return maximum(a, c)
        case Op.MIN:
            return minimum(a, c)
        case Op.LT:
            return less(a, c)
        case Op.LE:
            return less_equal(a, c)
        case Op.EQ:
            return equal(a, c)
        case Op.SELECT:
            return select(a, b, c)
        case Op.IADD:
            return integer_add(a, c)
        case Op.ISUB:
            return integer_sub(a, c)
        case Op.IMAX:
            return integer_max(a, c)
        case Op.ILT:
            return integer_less(a, c)
        case Op.IEQ:
            return integer_equal(a, c)
