"""Functions of ``mapped.map`` and of accumulations: those of the stages and of the tail of a PCU."""

from __future__ import annotations

from weft.compiler.mapped.attributes import Names
from weft.hw.numerics.ops import Conversion, Op, Special

__all__ = ["ACCUMULATORS", "FUNCTIONS", "Function", "neutral_of", "operands_of"]

Function = Op | Special | Conversion

FUNCTIONS = Names[Function](
    "function",
    {
        **{each.name.lower(): each for each in (*Op, *Special) if each is not Special.NONE},
        "bf16": Conversion.TO_BF16,
        "int32": Conversion.TO_INT32,
        "float": Conversion.FROM_INT32,
    },
)
"""Of ``mapped.map``: ``muladd`` is a * b + c, ``select`` is b where a != 0, else c; ``iadd``, ``isub``, ``imax``,
``ilt`` and ``ieq`` take int32; ``bf16`` rounds, ``int32`` converts to integers and ``float`` from them."""

ACCUMULATORS = Names[Op]("function", {each.name.lower(): each for each in (Op.ADD, Op.MAX, Op.MIN, Op.IADD, Op.IMAX)})
"""Of ``mapped.accum`` and ``mapped.scan``."""


def neutral_of(function: Op) -> float:
    """Where an accumulation starts by default: what changes nothing; of integers an integer."""
    return {Op.ADD: 0.0, Op.MAX: float("-inf"), Op.MIN: float("inf"), Op.IADD: 0, Op.IMAX: -(1 << 31)}[function]


def operands_of(function: Function) -> str:
    """The operands of the function unit that it takes, in order: some of ``abc``."""
    if not isinstance(function, Op):
        return "a"
    return "a" + "b" * function.reads_b + "c" * function.reads_c
