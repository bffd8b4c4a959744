"""The golden definition of the arithmetic: NumPy functions the hardware equals bit for bit.

All take and return float32 arrays. fp32, rounded to nearest even; subnormals are flushed to the zero
of their sign on the way in and out; the only NaN is 0x7FC00000. Where a value passes through
unchanged (`Op.PASS`, what `Op.SELECT` chooses, `Special.NONE`, `Conversion.NONE`, `Reduction.NONE`) its bits are
untouched, so that integers may travel the same paths.
"""

from .apply import apply
from .basic import add, mul, muladd, sub
from .compare import equal, less, less_equal, maximum, minimum, select
from .convert import convert, from_int32, to_bf16, to_int32
from .format import bits_of, floats_of, flush
from .integers import integer_add, integer_equal, integer_less, integer_max, integer_sub
from .ops import Conversion, Op, Reduction, Special
from .reduce import reduce, tree_max, tree_min, tree_sum
from .special import exp, reciprocal, rsqrt, sigmoid, special

__all__ = [
    "Conversion",
    "Op",
    "Reduction",
    "Special",
    "add",
    "apply",
    "bits_of",
    "convert",
    "equal",
    "exp",
    "floats_of",
    "flush",
    "from_int32",
    "integer_add",
    "integer_equal",
    "integer_less",
    "integer_max",
    "integer_sub",
    "less",
    "less_equal",
    "maximum",
    "minimum",
    "mul",
    "muladd",
    "reciprocal",
    "reduce",
    "rsqrt",
    "select",
    "sigmoid",
    "special",
    "sub",
    "to_bf16",
    "to_int32",
    "tree_max",
    "tree_min",
    "tree_sum",
]
