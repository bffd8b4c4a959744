"""``weft elaborate``: the Verilog of a fabric, and what there is to know about it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.common import example, load_fabric, show, working
from weft.options import Fabric, Json, Set

if TYPE_CHECKING:
    from weft.hw.elaborate import Elaboration
    from weft.hw.spec import FabricSpec

__all__ = ["EPILOG", "INDEX", "elaborate"]

EPILOG = example(
    "weft elaborate --fabric demo --set rows=16 --out build/demo", "weft elaborate --fabric my.toml --out rtl"
)
INDEX = "fabric.json"


def elaborate(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the Verilog and fabric.json.")],
    fabric: Fabric = "demo",
    set_: Set = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Make the Verilog anew even if it was kept.")] = False,
    json: Json = False,
) -> None:
    """Write the Verilog of a fabric: one module for each kind of tile, and the chip weft_chip with its AXI ports."""
    from weft.output import check_output, write_output

    spec = load_fabric(fabric, set_)
    check_output(out, "elaborate", INDEX)
    begun = time.perf_counter()
    with working(f"elaborating {spec.rows} x {spec.columns + 2} tiles"):
        from weft.hw.elaborate import elaborate as make

        made = make(spec, cache=not fresh)
    seconds = round(time.perf_counter() - begun, 3)
    facts = _facts(made)
    files = {name: text.encode() for name, text in made.files.items()}
    value = {**facts, "seconds": seconds, "address_map": _address_map(spec)}
    write_output(out, "elaborate", INDEX, value, files)
    shown = {"out": str(out), "files": [*made.files, INDEX], **facts, "seconds": seconds}
    show(shown, _text(shown), as_json=json)


def _facts(made: Elaboration) -> dict[str, Any]:
    from weft.hw.address_map import AddressMap
    from weft.hw.topology import TileKind, Topology
    from weft.verilog_facts import count_verilog

    spec = made.spec
    topology = Topology(spec)
    tiles = {kind.value: len(topology.of_kind(kind)) for kind in TileKind}
    counted = count_verilog(made.files, tiles)
    return {
        "spec": spec.model_dump(mode="json"),
        "hash": spec.hash,
        "top": made.top,
        "tiles": {**tiles, "total": sum(tiles.values())},
        "distinct_modules": sorted(f"weft_tile_{kind}" for kind, count in tiles.items() if count),
        "arithmetic_units": counted.arithmetic_units,
        "sram_bits": counted.sram_bits,
        "configuration_bits": {
            "one_context": AddressMap(spec).bits,
            "all_contexts": AddressMap(spec).bits * spec.contexts,
        },
    }


def _address_map(spec: FabricSpec) -> dict[str, Any]:
    from weft.hw.address_map import HEADER_WORDS, IMAGE_MAGIC, IMAGE_VERSION, AddressMap, Counter, HostRegister, Status
    from weft.hw.fields import Layout
    from weft.hw.topology import TileKind, Topology

    def fields(layout: Layout[Any]) -> dict[str, Any]:
        places = [
            {"field": each.path, "offset": each.offset, "width": each.width, "grain": each.grain}
            for each in layout.places
        ]
        return {"words": layout.words, "bits": layout.bits, "fields": places}

    addresses, topology = AddressMap(spec), Topology(spec)
    return {
        "address": "context << 24 | tile << 8 | word; a tile's words are its unit's, then its switch's",
        "image": {"magic": IMAGE_MAGIC, "version": IMAGE_VERSION, "header_words": HEADER_WORDS},
        "host_registers": {each.name: int(each) for each in HostRegister},
        "status_bits": {each.name: int(each) for each in Status},
        "counters": {each.name: int(each) for each in Counter},
        "tiles": [
            {"number": topology.number(tile), "row": tile.row, "column": tile.column, "kind": kind.value}
            for tile, kind in topology.tiles.items()
        ],
        "configuration": {
            kind.value: {"unit": fields(addresses.unit(kind)), "switch": fields(addresses.switch(kind))}
            for kind in TileKind
        },
    }


def _text(shown: dict[str, Any]) -> str:
    spec, tiles, units = shown["spec"], shown["tiles"], shown["arithmetic_units"]
    configuration = shown["configuration_bits"]
    parts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in units.items() if name != "total")
    return "\n".join(
        (
            f"fabric {spec['name']} ({shown['hash']}), {spec['rows']} rows, {spec['columns']} columns and two of AGCUs",
            f"  tiles              {tiles['total']}: {tiles['pcu']} PCU, {tiles['pmu']} PMU, {tiles['agcu']} AGCU",
            f"  distinct modules   {len(shown['distinct_modules'])}",
            f"  arithmetic units   {units['total']}: {parts}",
            f"  SRAM bits          {shown['sram_bits']['total']}",
            f"  configuration bits {configuration['one_context']} a context, {configuration['all_contexts']} in all",
            f"  seconds            {shown['seconds']}",
            f"{len(shown['files'])} files written to {shown['out']}",
        )
    )
