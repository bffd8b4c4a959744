"""The first stream of a program that a device computes otherwise than the program means it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from weft.compiler.compile import CompiledProgram
from weft.compiler.interpreter import Bounded, Verdict, compare
from weft.compiler.step.operation import line_of
from weft.compiler.step.types import Element
from weft.hw.spec import FabricSpec
from weft.hw.topology import Network, Tile
from weft.sim.device import Beats
from weft.sim.functional.device import FunctionalDevice
from weft.sim.program_run import run_compiled
from weft.sim.run import memory_needed

__all__ = ["first_wrong"]


def first_wrong(
    compiled: CompiledProgram,
    spec: FabricSpec,
    inputs: Mapping[str, NDArray[np.generic]],
    sizes: Mapping[str, int],
    streams: Mapping[str, Bounded],
) -> str:
    """A sentence that names the operation, its line and its unit; empty where no stream that a unit sends differs.

    The program runs once more on the functional device, which keeps what every unit sends. A unit sends the last value
    of its operations, so an operation inside it is not seen by itself.
    """
    assert compiled.program is not None
    device = FunctionalDevice(spec, memory_bytes=memory_needed(compiled))
    device.watched = {}
    run_compiled(compiled, spec, device, inputs, sizes)
    for operation in compiled.program.ops:
        for value in operation.results:
            tile = compiled.mapping.tiles.get(value.name_hint or "")
            expected = streams.get(value.name_hint or "")
            if tile is None or expected is None:
                continue
            verdict = _verdict(value.name_hint or "", expected, device.watched, tile)
            if verdict is not None and not verdict.agrees and verdict.first is not None:
                line = line_of(operation)
                where = f" (line {line})" if line is not None else ""
                return f"the first stream that differs is %{verdict.name}{where}, of {tile}: {verdict.first.sentence}"
    return ""


def _verdict(name: str, expected: Bounded, watched: Mapping[tuple[Tile, Network], Beats], tile: Tile) -> Verdict | None:
    """Of one stream; None where its beats cannot be matched with its elements."""
    for network in (Network.VECTOR, Network.SCALAR):
        beats = watched.get((tile, network))
        if beats is None:
            continue
        data = np.ascontiguousarray(beats.data[~beats.void], np.float32)
        if expected.element is Element.I32:
            data = data.view(np.int32)
        shape, width = expected.value.shape, data.shape[1] if data.ndim == 2 else 1
        if network is Network.SCALAR and data.size == expected.value.size:
            return compare(name, expected, data.reshape(shape))
        columns = shape[-1] if shape else 1
        row = -(-columns // width)
        if network is Network.VECTOR and columns and len(data) * columns == row * expected.value.size:
            return compare(name, expected, data.reshape(-1, row * width)[:, :columns].reshape(shape))
    return None
