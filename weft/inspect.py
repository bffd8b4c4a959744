"""``weft inspect``: a configuration image in words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.common import example, load_fabric, show
from weft.options import Fabric, Json, Set

if TYPE_CHECKING:
    from weft.compiler.backend.image import DecodedImage

__all__ = ["EPILOG", "inspect"]

EPILOG = example("weft inspect build/tiny/image.bin --fabric demo", "weft inspect image.bin --fabric my.toml --json")


def inspect(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="An image that weft compile wrote.")],
    fabric: Fabric = "demo",
    set_: Set = None,
    json: Json = False,
) -> None:
    """Print what an image makes each tile of a fabric do, and where its streams go."""
    from weft.compiler.backend.image import describe, read_image

    decoded = read_image(image.read_bytes(), load_fabric(fabric, set_))
    show(_value(decoded), describe(decoded), as_json=json)


def _value(decoded: DecodedImage) -> dict[str, Any]:
    from weft.compiler.netlist.program_json import program_to_json

    kinds = decoded.netlist.units.values()
    units = zip(decoded.programs.items(), kinds, strict=True)
    return {
        "fabric": decoded.spec.name,
        "hash": decoded.spec.hash,
        "context": decoded.context,
        "units": [
            {"unit": unit.name, "tile": [tile.row, tile.column], "program": program_to_json(program)}
            for (tile, program), unit in units
        ],
        "nets": [
            {
                "network": route.net.network.value,
                "source": [route.net.source.unit, route.net.source.port],
                "targets": [[pin.unit, pin.port] for pin in route.net.targets],
            }
            for route in decoded.routes
        ],
    }
