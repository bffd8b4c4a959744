"""The cycles of a PCU's pipeline."""

from __future__ import annotations

from weft.hw.numerics.ops import Op, Reduction, Special
from weft.hw.program.pcu import Accumulate, Pcu, Source, Stage
from weft.hw.spec import FabricSpec

__all__ = ["ADDER", "CONVERSION", "SPECIAL", "STAGE", "pipeline_depth"]

STAGE, ADDER, SPECIAL, CONVERSION = 3, 2, 8, 1
"""Latencies of a function unit, of an adder in the reduction tree, of a special function, of a conversion."""


def pipeline_depth(program: Pcu, spec: FabricSpec) -> int:
    """Cycles from a step that the header issues to its result at the end of the tail."""
    depth = 1 + program.unpack.is_wide + STAGE * sum(_works(stage, program) for stage in program.stages) + CONVERSION
    if program.reduction is not Reduction.NONE:
        depth += ADDER * (spec.lanes.bit_length() - 1)
    return depth + SPECIAL * (program.special is not Special.NONE)


def _works(stage: Stage, program: Pcu) -> bool:
    """Whether a stage is passed through, and not by."""
    accumulates = stage.c is Source.ACC and program.accumulate is not Accumulate.OFF
    return accumulates or stage.op is not Op.PASS or stage.a != stage.dst
