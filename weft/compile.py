"""``weft compile``: a checkpoint laid out on a fabric."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from weft.common import example, load_fabric, show, working
from weft.options import Checkpoint, Fabric, Json, Set, within

__all__ = ["EPILOG", "INDEX", "compile_"]

EPILOG = example("weft compile models/weft-tiny --fabric demo --out build/weft-tiny")
INDEX = "compile.json"


def compile_(
    checkpoint: Checkpoint,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the program, mapping and image.")],
    fabric: Fabric = "demo",
    set_: Set = None,
    position: Annotated[
        int | None,
        typer.Option(
            "--position",
            metavar="N",
            callback=within(0),
            help="Predict the cycles of the token at this position, from 0; by default in the middle of the context.",
        ),
    ] = None,
    predict: Annotated[bool, typer.Option(help="Run the performance model.")] = True,
    json: Json = False,
) -> None:
    """Compile a Llama checkpoint onto a fabric.

    Writes program.mlir, mapping.json, floorplan.svg and image.bin, and if the fabric can hold a program that takes
    several tokens of a prompt in a launch, the same for it, with names that begin with prefill. Prints what each phase
    of a token is bound by, its predicted cycles, and what would lift the bound.
    """
    from weft.output import check_output, write_output
    from weft.predicted import predicted_table, predicted_value

    spec = load_fabric(fabric, set_)
    check_output(out, "compile", INDEX)
    begun = time.perf_counter()
    files: dict[str, bytes] = {}
    with working("compiling"):
        from weft.compiler.checkpoints.checkpoint import read_checkpoint
        from weft.compiler.drawings.floorplan import floorplan_svg
        from weft.compiler.errors import WeftError
        from weft.compiler.mapped import print_module
        from weft.compiler.models.llama.decoder_program import compile_decoder

        compiled = compile_decoder(read_checkpoint(checkpoint).config, spec, prefill=True)
        if position is None:
            position = compiled.shapes.context // 2
        if position >= compiled.shapes.context:
            raise WeftError(f"--position must be less than the context of {compiled.shapes.context}, not {position}")
        programs = {"": compiled.program}
        if compiled.prefill is not None:
            programs["prefill-"] = compiled.prefill.program
        for prefix, program in programs.items():
            files[f"{prefix}program.mlir"] = print_module(program.module).encode()
            files[f"{prefix}mapping.json"] = program.mapping.to_json().encode()
            files[f"{prefix}floorplan.svg"] = floorplan_svg(program.mapping).encode()
            files[f"{prefix}image.bin"] = program.image
    value = {
        "fabric": spec.name,
        "hash": spec.hash,
        "units": len(compiled.program.mapping.tiles),
        "prefill_rows": 1 if compiled.prefill is None else compiled.prefill.shapes.rows,
        "no_prefill": compiled.no_prefill,
        "memory_bytes": compiled.memory_bytes,
        "seconds": round(time.perf_counter() - begun, 3),
    }
    write_output(out, "compile", INDEX, value, files)
    shown = {"out": str(out), "files": [*files, INDEX], **value}
    text = f"{checkpoint} on {spec.name}: {value['units']} tiles in use; written to {out}"
    if compiled.prefill is None:
        text += f"\nprompts go token by token: {compiled.no_prefill}"
    else:
        text += f"\nprompts go {value['prefill_rows']} tokens a launch"
    if predict:
        with working("predicting"):
            shown["prediction"] = predicted_value(compiled, position)
        text += "\n\n" + predicted_table(shown["prediction"])
    show(shown, text, as_json=json)
