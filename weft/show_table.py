"""What ``weft show`` prints: a value for programs, a table for people."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.compiler.backend.mapping import Mapping
    from weft.compiler.drawings.heat import Shares
    from weft.hw.topology import Tile

__all__ = ["program_value", "show_table"]

_STATES = ("busy", "starved", "blocked")
_BUSIEST = 8  # units in the table


def program_value(mapping: Mapping, heat: dict[Tile, Shares] | None, launches: int, cycles: int) -> dict[str, Any]:
    """Of one program: its kinds of tiles and its units, the busiest first; with shares of the cycles if it was run."""
    from weft.hw.topology import TileKind, Topology

    kinds: dict[str, dict[str, Any]] = {}
    for kind in TileKind:
        used = [tile for tile, unit in mapping.units.items() if unit.kind is kind]
        kinds[kind.value] = {"tiles": len(Topology(mapping.spec).of_kind(kind)), "used": len(used)}
        if heat is not None and used:
            kinds[kind.value] |= {
                state: sum(getattr(heat[tile], state) for tile in used) / len(used) for state in _STATES
            }
    units = {
        name: {
            "kind": mapping.units[tile].kind.value,
            "tile": [tile.row, tile.column],
            **(asdict(heat[tile]) if heat is not None else {}),
        }
        for name, tile in mapping.tiles.items()
    }
    ordered = dict(sorted(units.items(), key=lambda each: -each[1].get("busy", 0.0)))
    return {"launches": launches, "cycles": cycles, "kinds": kinds, "units": ordered}


def show_table(value: dict[str, Any], files: list[str], out: Path) -> str:
    """Per program the kinds of tiles and the busiest units; the channels; what was written."""
    lines = []
    for title, program in value["programs"].items():
        ran = f": launches {program['launches']}, cycles {program['cycles']:,}" if program["launches"] else ""
        lines.append(f"{title} on {value['fabric']}{ran}")
        rows = [["mean of those used", "tiles", *_STATES] if ran else ["", "tiles"]]
        for kind, about in program["kinds"].items():
            rows.append([kind, f"{about['used']} of {about['tiles']}", *_shares(about)])
        rows += [["busiest units", ""]] * bool(ran)
        for unit, about in list(program["units"].items())[: _BUSIEST if ran else 0]:
            row, column = about["tile"]
            rows.append([unit, f"{about['kind']} ({row},{column})", *_shares(about)])
        widths = [max(len(row[column]) for row in rows) for column in (0, 1)]
        for name, tiles, *shares in rows:
            cells = [name.ljust(widths[0]), tiles.ljust(widths[1]), *(f"{share:>7}" for share in shares)]
            lines.append("  " + "  ".join(cells).rstrip())
    if "channels" in value:
        lines += [
            f"channel {number}: a beat of data in {share:.1%} of cycles"
            for number, share in enumerate(value["channels"])
        ]
        lines.append(f"compared with the functional device: {value['mismatches']} mismatches of {value['compared']}")
    lines.append(f"{', '.join(files)} written to {out}")
    if "timeline.json" in files:
        lines.append(f"open {out / 'timeline.json'} at https://ui.perfetto.dev: 1 us there is 1 cycle")
    return "\n".join(lines)


def _shares(about: dict[str, Any]) -> list[str]:
    return [f"{about[state]:.1%}" for state in _STATES if state in about]
