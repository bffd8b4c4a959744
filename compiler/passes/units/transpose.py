"""How a scratchpad is written and read so that matrices come out transposed."""

from __future__ import annotations

from math import prod

from weft.compiler.backend.memory import row_beats
from weft.compiler.errors import WeftError
from weft.compiler.mapped.types import DYNAMIC
from weft.hw.program import PmuLevel, WriteLevel
from weft.hw.spec import FabricSpec

__all__ = ["transposing_read", "transposing_write"]


def transposing_write(dims: tuple[int, ...], spec: FabricSpec) -> tuple[tuple[WriteLevel, ...], int]:
    """Write levels and stride for matrices of ``dims`` [..., rows, columns].

    Lanes of a transposed read are words of lines that follow each other. So where a row takes several lines, its first
    line is stored behind that of the row before, then come all second lines, and so on.
    """
    *_, rows, columns = dims
    beats = row_beats(columns, spec, packed=False)
    if beats == 1:
        return (), 1
    return (WriteLevel(beats, rows), WriteLevel(rows, 1)), beats * rows


def transposing_read(
    dims: tuple[int, ...], spec: FabricSpec, name: str, *, flat: bool, repeat: int | None, other_lanes: bool
) -> tuple[PmuLevel, ...]:
    """The loop nest over their columns, innermost first, in words; see `mapped.streamify` for ``flat``, ``repeat``.

    With ``other_lanes`` those beyond the last row may hold anything, and so matrices of few rows lie close together.

    Raises
    ------
    WeftError
        Lanes beyond the last row would show other elements, or columns do not follow each other evenly; or more loops
        than a PMU has.
    """
    *outer, rows, columns = dims
    lanes, beats = spec.lanes, row_beats(columns, spec, packed=False)
    shape = f"{'?' if rows == DYNAMIC else rows} x {columns}"
    whole = rows != DYNAMIC and (rows % lanes == 0 or (other_lanes and rows <= lanes))
    if beats > 1 and (not whole or columns % lanes):
        raise WeftError(
            f"transposing {name!r} takes rows of at most lanes = {lanes} elements, or rows and columns of multiples of "
            f"lanes, not {shape}"
        )
    if prod(outer) > 1 and not whole:
        raise WeftError(
            f"transposing several matrices of {shape} in one buffer {name!r} takes a multiple of lanes = {lanes} rows: "
            "set rank = 2 in its mapped.bufferize, which makes a buffer of each"
        )
    # Loops over a matrix's columns and over matrices, and the dimension of the result that each of them ends.
    loops = [(min(columns, lanes), 1, 2)]
    step = rows * lanes
    if beats > 1:
        loops.append((beats, step, 2))
        step *= beats
    for number, size in enumerate(reversed(outer), 3):
        loops.append((size, step, 2 if flat else number))
        step *= size
    if repeat is not None:
        loops.append((repeat, 0, loops[-1][2] + 1))
    levels = [PmuLevel(1 if rows == DYNAMIC else -(-rows // lanes), lanes * lanes, 1)]
    for place, (size, stride, rank) in enumerate(loops):
        inner = place + 1 < len(loops) and loops[place + 1][2] == rank
        levels.append(PmuLevel(size, stride, 1 if inner else rank))
    if len(levels) > spec.pmu_levels:
        raise WeftError(
            f"transposing {name!r} must take at most pmu_levels = {spec.pmu_levels} loops, not {len(levels)}"
        )
    return (*levels,)
