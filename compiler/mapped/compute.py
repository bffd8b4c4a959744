"""Operations that a PCU does; so do the products."""

from __future__ import annotations

from weft.compiler.mapped.accum import AccumOp, ScanOp
from weft.compiler.mapped.beats import LaneOp, SpreadOp
from weft.compiler.mapped.map import MapOp
from weft.compiler.mapped.merge import MergeOp
from weft.compiler.mapped.shape import FlattenOp, PromoteOp

__all__ = ["COMPUTE"]

COMPUTE = AccumOp | FlattenOp | LaneOp | MapOp | MergeOp | PromoteOp | ScanOp | SpreadOp
