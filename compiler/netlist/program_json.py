"""Programs of units as plain JSON values: only what differs from the defaults, enumerations by name."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, cast

from weft.compiler.netlist.netlist import Program
from weft.hw.program import Agcu, Pcu, Pmu
from weft.hw.topology import TileKind

__all__ = ["program_from_json", "program_to_json"]

_CLASSES: dict[str, type[Any]] = {
    TileKind.PCU.value: Pcu,
    TileKind.PMU.value: Pmu,
    TileKind.AGCU.value: Agcu,
}


def program_to_json(program: Program) -> dict[str, Any]:
    """The fields of a program that are not at their default; sub-programs as lists of the same."""
    return _to_json(program)


def program_from_json(kind: str, fields: Mapping[str, Any]) -> Program:
    """The program that :func:`program_to_json` wrote.

    Raises
    ------
    ValueError
        An unknown kind, field or name of a value.
    """
    if kind not in _CLASSES:
        raise ValueError(f"kind of a unit must be one of {', '.join(_CLASSES)}, not {kind!r}")
    return cast(Program, _from_json(_CLASSES[kind], fields))


def _to_json(program: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for field in dataclasses.fields(program):
        value: Any = getattr(program, field.name)
        if "rows" in field.metadata:
            if value:
                values[field.name] = [_to_json(each) for each in value]
        elif value != field.default:
            # A plain number may come as a member of somebody's enumeration; only the field's own has names here.
            kind = field.metadata["kind"]
            values[field.name] = kind(value).name if issubclass(kind, IntEnum) else kind(value)
    return values


def _from_json(program: type[Any], values: Mapping[str, Any]) -> Any:
    fields = {field.name: field for field in dataclasses.fields(program)}
    arguments: dict[str, Any] = {}
    for name, value in values.items():
        if name not in fields:
            raise ValueError(f"{name} is not a field of a {program.__name__} program")
        meta = fields[name].metadata
        if "rows" in meta:
            arguments[name] = tuple(_from_json(meta["rows"], each) for each in value)
        elif issubclass(meta["kind"], IntEnum):
            members = meta["kind"].__members__
            if value not in members:
                raise ValueError(f"{name} must be one of {', '.join(members)}, not {value!r}")
            arguments[name] = members[value]
        elif not isinstance(value, int) or isinstance(value, bool) != (meta["kind"] is bool):
            raise ValueError(
                f"{name} must be {'true or false' if meta['kind'] is bool else 'an integer'}, not {value!r}"
            )
        else:
            arguments[name] = value
    return program(**arguments)
