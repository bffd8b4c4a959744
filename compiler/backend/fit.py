"""Fitting a netlist to a fabric: check, place, route; and when it does not fit, the smallest change that would."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import Any

from weft.compiler.backend.mapping import FitError, Mapping
from weft.compiler.backend.place import place
from weft.compiler.backend.route import route
from weft.compiler.netlist.netlist import Netlist, Unit
from weft.hw.program import Pmu
from weft.hw.spec import FabricSpec, SpecError
from weft.hw.topology import Network, TileKind, Topology, channel_agcus, unit_ports

__all__ = ["FitError", "check_fit", "fit", "place_and_route"]

_SEEDS = 4
_MAX_SIDE = 64
_ROW_FIELDS = {
    (TileKind.PCU, "vector"): "vector_inputs",
    (TileKind.PCU, "scalar"): "scalar_inputs",
    (TileKind.PCU, "stages"): "stages",
    (TileKind.PMU, "levels"): "pmu_levels",
    (TileKind.AGCU, "levels"): "agcu_levels",
}
"""The field of the spec that limits the sub-programs of a kind of unit; others are as many on every fabric."""


def fit(netlist: Netlist, spec: FabricSpec, *, seed: int = 0) -> Mapping:
    """The netlist placed and routed; the same for equal arguments.

    Raises
    ------
    FitError
        It does not fit. With the changes that the sentence names, if it names any, it does.
    ValueError
        A net that no fabric could hold, see :meth:`Netlist.check`.
    """
    try:
        check_fit(netlist, spec)
    except FitError as error:
        raise _verified(error, netlist, spec, seed) from None
    return _place_and_route(netlist, spec, seed)


def check_fit(netlist: Netlist, spec: FabricSpec) -> None:
    """Refuse, without placing it, a netlist that has no room.

    Raises
    ------
    FitError
        Too few tiles of a kind or AGCUs of a channel, PMU words, ports, stages or loop levels of a unit.
    """
    _check_ports(netlist, spec)
    netlist.check(spec)
    for unit in netlist.units.values():
        _check_unit(unit, spec)
    _check_channels(netlist, spec)
    _check_tiles(netlist, spec)
    _check_pins(netlist, spec)


def place_and_route(netlist: Netlist, spec: FabricSpec, *, seed: int = 0) -> Mapping:
    """As :func:`fit`, without looking for what would help where there is no room.

    Raises
    ------
    FitError
        It does not fit.
    """
    check_fit(netlist, spec)
    return _place_and_route(netlist, spec, seed)


def _place_and_route(netlist: Netlist, spec: FabricSpec, seed: int) -> Mapping:
    errors: list[FitError] = []
    for attempt in range(_SEEDS):
        tiles = place(netlist, spec, seed=seed + attempt)
        try:
            return Mapping(spec, netlist, tiles, route(netlist, tiles, spec))
        except FitError as error:
            errors.append(error)
    raise min(errors, key=lambda error: (not error.changes, sum(error.changes.values())))


def _verified(error: FitError, netlist: Netlist, spec: FabricSpec, seed: int) -> FitError:
    """The error with changes that are really enough: what comes after the first thing missing, too."""
    changes = dict(error.changes)
    for _ in range(6):
        if not changes:
            return error
        larger = _replaced(spec, changes)
        if larger is None:
            return FitError(error.missing)
        try:
            place_and_route(netlist, larger, seed=seed)
        except FitError as next_error:
            if not next_error.changes:
                return FitError(f"{error.missing}; with {_words(changes)}, it {next_error.missing}")
            changes |= next_error.changes
        else:
            return FitError(error.missing, changes)
    return error


def _words(changes: dict[str, int]) -> str:
    return " and ".join(f"{field}={value}" for field, value in changes.items())


def _replaced(spec: FabricSpec, changes: dict[str, int]) -> FabricSpec | None:
    try:
        return spec.replace(**changes)
    except SpecError:
        return None


def _possible(spec: FabricSpec, changes: dict[str, int]) -> dict[str, int]:
    """These changes, or none if the spec refuses them."""
    return changes if _replaced(spec, changes) is not None else {}


# -- units ------------------------------------------------------------------------------------------------


def _check_ports(netlist: Netlist, spec: FabricSpec) -> None:
    for net in netlist.nets:
        if net.network is Network.CONTROL:
            continue
        field = f"{net.network.value}_inputs"
        for pin in net.targets:
            unit = netlist.units.get(pin.unit)
            if unit is None or unit.kind is not TileKind.PCU:
                continue
            have = unit_ports(spec, TileKind.PCU, net.network)[0]
            if pin.port >= have:
                changes = {field: pin.port + 1}
                if field == "vector_inputs" and pin.port >= spec.registers:
                    changes["registers"] = pin.port + 1
                missing = f"unit {unit.name!r} needs {pin.port + 1} {net.network.value} inputs of a PCU"
                raise FitError(f"{missing} but fabric {spec.name!r} has {have}", _possible(spec, changes))


def _check_unit(unit: Unit, spec: FabricSpec) -> None:
    program: Any = unit.program
    for field in dataclasses.fields(program):
        if (unit.kind, field.name) not in _ROW_FIELDS:
            continue
        limit = _ROW_FIELDS[unit.kind, field.name]
        need, have = len(getattr(program, field.name)), int(getattr(spec, limit))
        if need > have:
            missing = f"unit {unit.name!r} needs {need} {field.name} of a {unit.kind.value.upper()}"
            raise FitError(f"{missing} but fabric {spec.name!r} has {have}", _possible(spec, {limit: need}))
    if isinstance(unit.program, Pmu):
        lines = unit.program.block_lines * unit.program.blocks
        if lines > spec.pmu_lines:
            enough = 1 << (lines - 1).bit_length()
            raise FitError(
                f"unit {unit.name!r} needs {lines * spec.lanes} PMU words but a PMU of fabric {spec.name!r} "
                f"has {spec.pmu_words}",
                _possible(spec, {"pmu_lines": enough}),
            )


# -- tiles ------------------------------------------------------------------------------------------------


def _check_channels(netlist: Netlist, spec: FabricSpec) -> None:
    wishes = Counter(unit.channel for unit in netlist.units.values() if unit.channel is not None)
    for channel, need in sorted(wishes.items()):
        if channel >= spec.channels:
            enough = _possible(spec, {"channels": channel + 1})
            raise FitError(f"needs channel {channel} but fabric {spec.name!r} has {spec.channels} channels", enough)
        have = _agcus(spec.rows, spec.channels, channel)
        if need > have:
            rows = range(spec.rows + 1, _MAX_SIDE + 1)
            enough = next((r for r in rows if _agcus(r, spec.channels, channel) >= need), None)
            raise FitError(
                f"needs {need} AGCUs on channel {channel} but fabric {spec.name!r} has {have}",
                None if enough is None else {"rows": enough},
            )


def _agcus(rows: int, channels: int, channel: int) -> int:
    """AGCUs that share a channel."""
    agcus = channel_agcus(rows, channels, channel)
    return agcus.stop - agcus.start


def _check_tiles(netlist: Netlist, spec: FabricSpec) -> None:
    need = Counter(unit.kind for unit in netlist.units.values())
    have = _tiles(spec, spec.rows, spec.columns)
    short = [kind for kind in TileKind if need[kind] > have[kind]]
    if short:
        wanted = " and ".join(f"{need[kind]} {kind.value.upper()}s" for kind in short)
        there = " and ".join(str(have[kind]) for kind in short)
        raise FitError(f"needs {wanted} but fabric {spec.name!r} has {there}", _larger(need, spec))


def _tiles(spec: FabricSpec, rows: int, columns: int) -> Counter[TileKind]:
    """Tiles of each kind in an array of that size, without building it."""
    total: Counter[TileKind] = Counter({TileKind.AGCU: 2 * rows})
    height = len(spec.pattern)
    for index, letters in enumerate(spec.pattern):
        repeats = len(range(index, rows, height))
        compute = sum(letters[column % len(letters)] == "C" for column in range(columns))
        total[TileKind.PCU] += repeats * compute
        total[TileKind.PMU] += repeats * (columns - compute)
    return total


def _larger(need: Counter[TileKind], spec: FabricSpec) -> dict[str, int]:
    """Rows and columns of the smallest larger array with enough tiles: fewest tiles, then most nearly square."""
    best: tuple[int, int, int, int] | None = None
    for rows in range(spec.rows, _MAX_SIDE + 1):
        for columns in range(spec.columns, _MAX_SIDE + 1):
            have = _tiles(spec, rows, columns)
            if all(have[kind] >= need[kind] for kind in TileKind):
                best = min(best or (1 << 30, 0, 0, 0), (rows * (columns + 2), max(rows, columns), rows, columns))
                break
    if best is None:
        return {}
    changes = {"rows": best[2], "columns": best[3]}
    return {field: value for field, value in changes.items() if value != getattr(spec, field)}


def _check_pins(netlist: Netlist, spec: FabricSpec) -> None:
    kinds = Topology(spec).tiles
    taken: dict[Any, str] = {}
    for unit in netlist.units.values():
        if unit.tile is None:
            continue
        kind = kinds.get(unit.tile)
        if kind is not unit.kind:
            there = "lies outside the array" if kind is None else f"holds a {kind.value.upper()}"
            raise FitError(f"unit {unit.name!r} needs a {unit.kind.value.upper()}, but its tile {unit.tile} {there}")
        if unit.tile in taken:
            raise FitError(f"units {taken[unit.tile]!r} and {unit.name!r} are both pinned to tile {unit.tile}")
        taken[unit.tile] = unit.name
