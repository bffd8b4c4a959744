"""Operation codes of the arithmetic units, shared by hardware, compiler and models."""

from enum import IntEnum

__all__ = ["Conversion", "Op", "Reduction", "Special"]


class Op(IntEnum):
    """What one lane of one PCU stage does with its operands ``a``, ``b`` and ``c``.

    Those that begin with I take words as int32, two's complement.
    """

    PASS = 0  # a, bit for bit
    MUL = 1  # a * b
    MULADD = 2  # a * b + c, rounded after each of the two steps
    ADD = 3  # a + c
    SUB = 4  # a - c
    IMAX = 5  # the greater of a and c
    MAX = 6  # the greater of a and c
    MIN = 7  # the lesser of a and c
    LT = 8  # 1.0 if a < c else 0.0
    LE = 9  # 1.0 if a <= c else 0.0
    EQ = 10  # 1.0 if a == c else 0.0
    SELECT = 11  # b if a != 0 else c, bit for bit
    IADD = 12  # a + c, wraps around
    ISUB = 13  # a - c, wraps around
    ILT = 14  # 1.0 if a < c else 0.0
    IEQ = 15  # 1.0 if a == c else 0.0

    @property
    def is_integer(self) -> bool:
        """Whether operands are taken as int32."""
        return self in (Op.IMAX, Op.IADD, Op.ISUB, Op.ILT, Op.IEQ)

    @property
    def reads_b(self) -> bool:
        """Whether the result depends on ``b``."""
        return self in (Op.MUL, Op.MULADD, Op.SELECT)

    @property
    def reads_c(self) -> bool:
        """Whether the result depends on ``c``."""
        return self not in (Op.PASS, Op.MUL)


class Special(IntEnum):
    """Function of one operand in the tail of a PCU."""

    NONE = 0  # the operand, bit for bit
    EXP = 1
    RECIPROCAL = 2
    RSQRT = 3
    SIGMOID = 4


class Conversion(IntEnum):
    """Number format conversion in the tail of a PCU; every format travels in 32 bits."""

    NONE = 0  # the operand, bit for bit
    TO_BF16 = 1  # fp32 rounded to bf16, the low half zero
    TO_INT32 = 2  # fp32 rounded to a two's complement integer
    FROM_INT32 = 3  # two's complement integer rounded to fp32


class Reduction(IntEnum):
    """What the tree across the lanes computes."""

    NONE = 0  # lane 0, bit for bit
    SUM = 1
    MAX = 2
    MIN = 3
