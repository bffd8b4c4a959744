"""What the hardware takes in cycles: pipelines of the units, hops, memory."""

from __future__ import annotations

from dataclasses import dataclass

from weft.hw.numerics.ops import Op, Reduction, Special
from weft.hw.program import Accumulate, Pcu, Source, Stage
from weft.hw.spec import FabricSpec

__all__ = ["LAUNCH", "Memory", "pipeline_depth"]

STAGE, ADDER, SPECIAL, CONVERSION = 3, 2, 8, 1
"""Latencies of a function unit, of an adder in the reduction tree, of a special function, of a conversion."""
LAUNCH = 2
"""From the last AGCU at rest until the launch is over."""


@dataclass(frozen=True)
class Memory:
    """Off-chip memory: cycles from a request to its first beat, and bursts that a channel has under way."""

    latency: int = 32
    outstanding: int = 32


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
