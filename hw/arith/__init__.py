"""Arithmetic units: rigid pipelines, bit for bit the functions of `weft.hw.numerics`.

None of them handshakes. Operands are taken in every cycle and the result appears ``latency`` cycles later;
the tile around them stalls them all at once with an `EnableInserter`.
"""

from .adder import Adder
from .convert import Convert
from .function_unit import FunctionUnit
from .multiplier import Multiplier
from .reduction_tree import ReductionTree
from .special_function import SpecialFunction

__all__ = ["Adder", "Convert", "FunctionUnit", "Multiplier", "ReductionTree", "SpecialFunction"]
