"""``weft compile``: a checkpoint or a step program laid out on a fabric."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.common import example, load_fabric, show, working
from weft.options import Args, Fabric, Json, Set, within
from weft.program import compile_text, notes, parse_sizes

if TYPE_CHECKING:
    from weft.hw.spec import FabricSpec

__all__ = ["EPILOG", "INDEX", "compile_"]

EPILOG = example(
    "weft compile models/weft-tiny --fabric demo --out build/weft-tiny",
    "weft compile examples/softmax.mlir --print-after all --out build/softmax",
)
INDEX = "compile.json"


def compile_(
    program: Annotated[
        Path,
        typer.Argument(metavar="CHECKPOINT|PROGRAM", help="A folder as transformers writes it, or a step program."),
    ],
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
    args: Args = None,
    print_after: Annotated[
        str | None,
        typer.Option("--print-after", metavar="PASS|all", help="Step program: print it as it is after that pass."),
    ] = None,
    json: Json = False,
) -> None:
    """Compile a Llama checkpoint or a step program onto a fabric.

    Of a program: writes program.mlir, mapped.mlir, mapping.json, floorplan.svg and image.bin, and predicts its cycles,
    with the sizes of --arg, or the largest.

    Of a checkpoint: writes program.mlir, mapping.json, floorplan.svg and image.bin, and if the fabric can hold a
    program that takes several tokens of a prompt in a launch, the same for it, with names that begin with prefill.
    Prints what each phase of a token is bound by, its predicted cycles, and what would lift the bound.
    """
    from weft.compiler.errors import WeftError
    from weft.output import check_output, write_output
    from weft.predicted import predicted_table, predicted_value

    spec = load_fabric(fabric, set_)
    check_output(out, "compile", INDEX)
    if program.is_file():
        if position is not None:
            raise WeftError("--position is for a checkpoint's folder, not for a step program")
        _program(program, out, spec, parse_sizes(args), print_after, predict=predict, as_json=json)
        return
    if args or print_after is not None:
        raise WeftError("--arg and --print-after are for a step program, not for a checkpoint's folder")
    begun = time.perf_counter()
    files: dict[str, bytes] = {}
    with working("compiling"):
        from weft.compiler.checkpoints.checkpoint import read_checkpoint
        from weft.compiler.drawings.floorplan import floorplan_svg
        from weft.compiler.mapped import print_module
        from weft.compiler.models.llama.decoder_program import compile_decoder

        compiled = compile_decoder(read_checkpoint(program).config, spec, prefill=True)
        if position is None:
            position = compiled.context // 2
        if position >= compiled.context:
            raise WeftError(f"--position must be less than the context of {compiled.context}, not {position}")
        programs = {"": compiled.program}
        if compiled.prefill is not None:
            programs["prefill-"] = compiled.prefill.program
        for prefix, each in programs.items():
            files[f"{prefix}program.mlir"] = print_module(each.module).encode()
            files[f"{prefix}mapping.json"] = each.mapping.to_json().encode()
            files[f"{prefix}floorplan.svg"] = floorplan_svg(each.mapping).encode()
            files[f"{prefix}image.bin"] = each.image
    value = {
        "fabric": spec.name,
        "hash": spec.hash,
        "units": len(compiled.program.mapping.tiles),
        "prefill_rows": 1 if compiled.prefill is None else compiled.prefill.rows,
        "no_prefill": compiled.no_prefill,
        "memory_bytes": compiled.memory_bytes,
        "seconds": round(time.perf_counter() - begun, 3),
    }
    write_output(out, "compile", INDEX, value, files)
    shown = {"out": str(out), "files": [*files, INDEX], **value}
    text = f"{program} on {spec.name}: {value['units']} tiles in use; written to {out}"
    if compiled.prefill is None:
        text += f"\nprompts go token by token: {compiled.no_prefill}"
    else:
        text += f"\nprompts go {value['prefill_rows']} tokens a launch"
    if predict:
        with working("predicting"):
            shown["prediction"] = predicted_value(compiled, position)
        text += "\n\n" + predicted_table(shown["prediction"])
    show(shown, text, as_json=json)


def _program(
    path: Path,
    out: Path,
    spec: FabricSpec,
    sizes: dict[str, int],
    print_after: str | None,
    *,
    predict: bool,
    as_json: bool,
) -> None:
    """A step program: its files, and what the performance model says of a launch."""
    from weft.compiler.drawings.floorplan import floorplan_svg
    from weft.compiler.errors import WeftError
    from weft.compiler.mapped import print_module
    from weft.compiler.step import print_program
    from weft.compiler.step.dimension import DimensionOp
    from weft.compiler.timing import predict as predict_launch
    from weft.output import write_output
    from weft.sim.program_run import check_sizes

    begun = time.perf_counter()
    if print_after is not None and as_json:
        raise WeftError("--print-after prints programs, and --json one object: one of them")
    compiled = compile_text(path, spec, sizes, print_after=print_after)
    assert compiled.program is not None
    largest = {op.sym_name.data: op.largest for op in compiled.program.ops if isinstance(op, DimensionOp)}
    check_sizes(compiled, {**largest, **sizes})
    files = {
        "program.mlir": print_program(compiled.program).encode(),
        "mapped.mlir": print_module(compiled.module).encode(),
        "mapping.json": compiled.mapping.to_json().encode(),
        "floorplan.svg": floorplan_svg(compiled.mapping).encode(),
        "image.bin": compiled.image,
    }
    value: dict[str, Any] = {
        "fabric": spec.name,
        "hash": spec.hash,
        "units": len(compiled.mapping.tiles),
        "sizes_alone": dict(compiled.fixed),
        "not_judged": list(compiled.unjudged),
        "seconds": round(time.perf_counter() - begun, 3),
    }
    write_output(out, "compile", INDEX, value, files)
    shown: dict[str, Any] = {"out": str(out), "files": [*files, INDEX], **value}
    text = f"{path} on {spec.name}: {value['units']} tiles in use; written to {out}"
    text += "".join(f"\n{line}" for line in notes(compiled))
    if predict:
        try:
            prediction = predict_launch(compiled.mapping, compiled.arguments({**largest, **sizes}))
        except WeftError as error:
            shown["not_predicted"] = str(error)
            text += f"\ncycles not predicted: {error}"
        else:
            shown["prediction"] = {"cycles": prediction.cycles, "channel": round(prediction.channel, 4)}
            text += (
                f"\npredicted: {prediction.cycles:,} cycles, a beat on the channels in {prediction.channel:.1%} of them"
            )
    show(shown, text, as_json=as_json)
