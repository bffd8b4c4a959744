"""Rows that the accumulators of a PCU hold."""

from __future__ import annotations

from math import prod

from xdsl.irdl import IRDLOperation

from weft.compiler.errors import WeftError
from weft.compiler.mapped.types import DYNAMIC, Kind, StreamType, dims_text
from weft.hw.spec import FabricSpec

__all__ = ["check_row"]


def check_row(operation: IRDLOperation, given: StreamType, keep: int, spec: FabricSpec) -> None:
    """Check that accumulators hold a row: a stream's ``keep`` innermost dimensions. A dynamic one the device checks.

    Raises
    ------
    WeftError
        It takes more beats than there are accumulators.
    """
    row = given.dims[given.rank - keep :]
    if not row or DYNAMIC in row:
        return
    beats = prod(row[:-1]) * (row[-1] if given.kind is Kind.SCALAR else -(-row[-1] // spec.lanes))
    if beats > spec.acc_depth:
        raise WeftError(
            f"a row {dims_text(row)} of {operation.name} ({operation.results[0].name_hint or 'unnamed'}) must be at "
            f"most acc_depth = {spec.acc_depth} beats in fabric {spec.name!r}, not {beats}: "
            f"set acc_depth={1 << (beats - 1).bit_length()}"
        )
