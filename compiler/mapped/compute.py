"""Operations that a PCU does."""

from __future__ import annotations

from weft.compiler.mapped.accum import AccumOp, ScanOp
from weft.compiler.mapped.beats import LaneOp, SpreadOp
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.opening import OpeningOp
from weft.compiler.mapped.shape import FlattenOp, PromoteOp

__all__ = ["COMPUTE"]

COMPUTE = AccumOp | FlattenOp | LaneOp | MapOp | OpeningOp | PromoteOp | ScanOp | SpreadOp
