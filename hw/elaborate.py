"""From a spec to Verilog: each distinct tile converted once, the array that places them, and the chip around it."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from weft.hw.chip.chip import Chip
from weft.hw.clock_gate import CLOCK_GATE_SOURCE
from weft.hw.fabric import FABRIC, tile_module
from weft.hw.fabric_verilog import fabric_verilog
from weft.hw.native import native_cpp, native_verilog
from weft.hw.spec import FabricSpec
from weft.hw.tile.tile import Tile
from weft.hw.topology import TileKind, Topology
from weft.hw.verilog_cache import content_key, fetch, store
from weft.hw.yosys import to_verilog

__all__ = ["TOP", "Elaboration", "elaborate"]

TOP = "weft_chip"
"""Name of the top module."""


@dataclass(frozen=True)
class Elaboration:
    """The Verilog of a fabric: text by file name. Equal specs give equal bytes."""

    spec: FabricSpec
    files: dict[str, str]
    top: str = TOP


def elaborate(
    spec: FabricSpec,
    *,
    checks: bool = False,
    taps: bool = False,
    clock_gating: bool = False,
    native: bool = False,
    cache: bool = True,
) -> Elaboration:
    """The Verilog of a fabric: ``weft_chip.v``, ``weft_fabric.v``, and one like ``weft_tile_pcu.v`` a kind of tile.

    Parameters
    ----------
    spec
        What fabric.
    checks
        Add assertions on every stream, and ``weft_stall`` at the units' ports; not for synthesis.
    taps
        Report the beats that reach buffers and stores to the simulation's ``weft_tap``; not for synthesis.
    clock_gating
        Stop the clock of what has nothing to do, for a fast simulation; not for synthesis. Adds ``weft_clock_gate.sv``.
    native
        Compute on the host's floats instead of in logic, see :mod:`weft.hw.native`; the same bits in the same cycles.
        Needs ``clock_gating``; not for synthesis. Adds ``weft_native_*``, Verilog and C++.
    cache
        Take the text of a module from disk if it was made before from the same spec and sources, and keep it there.

    Raises
    ------
    ValueError
        ``native`` without ``clock_gating``.
    """
    if native and not clock_gating:
        raise ValueError("clock_gating must be True with native arithmetic, not False")
    convert = _kept if cache else _converted
    files = {
        f"{tile_module(kind)}.v": convert(
            tile_module(kind),
            Tile,
            spec=spec.of_tiles,
            kind=kind,
            checks=checks,
            tap=taps,
            stalls=checks,
            clock_gating=clock_gating,
            native=native and kind is TileKind.PCU,  # nothing else computes, and so variants share the others
        )
        for kind in set(Topology(spec).tiles.values())
    }
    files[f"{TOP}.v"] = convert(TOP, Chip, spec=spec, instance=True)
    files[f"{FABRIC}.v"] = fabric_verilog(spec)
    if clock_gating:
        files[CLOCK_GATE_SOURCE.name] = CLOCK_GATE_SOURCE.read_text()
    if native:
        files |= native_verilog() | native_cpp()
    return Elaboration(spec=spec, files=dict(sorted(files.items())))


def _kept(name: str, component: Callable[..., Any], *, spec: FabricSpec, **options: object) -> str:
    """As :func:`_converted`, from disk if it was made before."""
    key = content_key(name, spec.hash, sorted(options.items()))
    text = fetch(key)
    if text is None:
        text = _converted(name, component, spec=spec, **options)
        store(key, text)
    return text


def _converted(name: str, component: Callable[..., Any], **options: object) -> str:
    """The Verilog of a component as module ``name``."""
    # Submodules are called name.child, so modules of different files never have the same name.
    with _all_kept():
        return to_verilog(component(**options), name)


@contextmanager
def _all_kept() -> Iterator[None]:
    """Without Python's search for garbage, which would look through the growing design again and again."""
    searches = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searches:
            gc.enable()
