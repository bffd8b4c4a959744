"""How weights lie in the beats of memory, and what the header of a PCU makes of them.

A beat has a word for each lane. Formats differ in how many numbers of a column a word holds:

========= ==============================================================================================
``BF16``  two vectors: the low halves, then the high halves
``INT8``  bytes: of two steps, each of two rows; row ``i`` of step ``h`` is byte ``2 * h + i``
``MXFP4`` four bits (E2M1: sign, two bits of exponent, one of significand) each of two steps of four rows;
          row ``i`` of step ``h`` is number ``4 * h + i``, counted from the low end
========= ==============================================================================================

``INT8`` and ``MXFP4`` hold matrices [rows, columns] as nothing but beats one after the other. A *step* takes ``width``
neighbouring rows of one vector of columns; the steps of the same rows, ``vectors`` of them, are next to each other, and
then come the following rows, the last filled up with zeros. A matrix begins with a new beat.

``INT8``: after a matrix come its scales, fp32, a vector a beat, for each column.

``MXFP4`` (OCP Microscaling Formats 1.0): ``BLOCK`` neighbouring rows of a column share an exponent (E8M0: a byte
``e`` stands for 2^(e - 127), 255 for NaN). Before the rows of a block come its exponents: byte ``i`` of the words of
beat ``n`` is that of the columns in vector ``4 * n + i``. Numbers below 2^-126 are zeros, those beyond fp32 infinite.
"""

from __future__ import annotations

from enum import IntEnum

from weft.hw.spec import FabricSpec

__all__ = ["BLOCK", "Unpack"]

BLOCK = 32
"""Rows that share an exponent in ``MXFP4``."""


class Unpack(IntEnum):
    """What the beats of a PCU's vector input 0 hold."""

    OFF = 0
    BF16 = 1
    INT8 = 2
    MXFP4 = 3

    @property
    def width(self) -> int:
        """Rows of a matrix that a step takes."""
        return (1, 1, 2, 4)[self]

    @property
    def is_wide(self) -> bool:
        """Whether a step takes several rows."""
        return self.width > 1

    def shortage(self, spec: FabricSpec) -> dict[str, int]:
        """What a fabric's PCUs have too few of, and the least that would do, by field of the spec.

        Each row of a step takes a register, a scalar input and a stage; ``INT8`` one stage more, which multiplies by
        the scales.
        """
        stages = self.width + (self is Unpack.INT8)
        needed = {"registers": self.width, "scalar_inputs": self.width, "stages": stages}
        return {field: least for field, least in needed.items() if getattr(spec, field) < least}

    def fits(self, spec: FabricSpec) -> bool:
        """Whether PCUs of a fabric have what it takes, see :meth:`shortage`."""
        return not self.shortage(spec)

    def exponent_beats(self, vectors: int) -> int:
        """Beats before the rows of a block."""
        return -(-vectors // 4) if self is Unpack.MXFP4 else 0

    def scale_beats(self, vectors: int) -> int:
        """Beats after a matrix."""
        return vectors if self is Unpack.INT8 else 0

    def matrix_beats(self, rows: int, vectors: int) -> int:
        """Beats of a matrix in a wide format, with its scales or exponents."""
        steps = -(-rows // self.width) * vectors
        blocks = -(-rows // BLOCK)
        return -(-steps // 2) + blocks * self.exponent_beats(vectors) + self.scale_beats(vectors)
