"""``weft compile``: a checkpoint laid out on a fabric."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from weft.common import Fabric, Json, Set, example, load_fabric, show, working

__all__ = ["EPILOG", "INDEX", "compile_"]

EPILOG = example("weft compile models/weft-tiny --fabric demo --out build/weft-tiny")
INDEX = "compile.json"


def compile_(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A folder as transformers writes it.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the program, mapping and image.")],
    fabric: Fabric = "demo",
    set_: Set = None,
    json: Json = False,
) -> None:
    """Compile a Llama checkpoint onto a fabric.

    Writes program.mlir, mapping.json, floorplan.svg and image.bin.
    """
    from weft.output import check_output, write_output

    spec = load_fabric(fabric, set_)
    check_output(out, "compile", INDEX)
    begun = time.perf_counter()
    files: dict[str, bytes] = {}
    with working("compiling"):
        from compiler.checkpoint import read_checkpoint
        from compiler.decoder_program import compile_decoder
        from compiler.floorplan import floorplan_svg
        from compiler.step import print_module

        compiled = compile_decoder(read_checkpoint(checkpoint).config, spec)
        program = compiled.program
        files["program.mlir"] = print_module(program.module).encode()
        files["mapping.json"] = program.mapping.to_json().encode()
        files["floorplan.svg"] = floorplan_svg(program.mapping).encode()
        files["image.bin"] = program.image
    value = {
        "fabric": spec.name,
        "hash": spec.hash,
        "units": len(program.mapping.tiles),
        "memory_bytes": compiled.memory_bytes,
        "seconds": round(time.perf_counter() - begun, 3),
    }
    write_output(out, "compile", INDEX, value, files)
    text = f"{checkpoint} on {spec.name}: {value['units']} tiles in use; written to {out}"
    show({"out": str(out), "files": [*files, INDEX], **value}, text, as_json=json)
