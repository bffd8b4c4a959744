"""``weft compile``: a checkpoint or a step program laid out on a fabric."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.common import example, load_fabric, show, working
from weft.options import Args, Fabric, Json, Plan, Set, Shards, within
from weft.program import compile_text, load_spread, notes, parse_sizes, pass_printer

if TYPE_CHECKING:
    from weft.compiler.choosing import Choice
    from weft.compiler.compile import CompiledProgram
    from weft.compiler.passes.sharding import Spread
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
    shards: Shards = None,
    plan: Plan = None,
    print_after: Annotated[
        str | None,
        typer.Option("--print-after", metavar="PASS|all", help="Print the program as it is after that pass."),
    ] = None,
    json: Json = False,
) -> None:
    """Compile a Llama checkpoint or a step program onto a fabric.

    Writes program.mlir, what it was compiled from; mapped.mlir, what the passes made of it; mapping.json, floorplan.svg
    and image.bin. Of a step program it predicts the cycles, with the sizes of --arg, or the largest.

    Of a checkpoint, if the fabric can hold a program that takes several tokens of a prompt in a launch, it writes the
    same for that, with names that begin with prefill. It prints what each phase of a token is bound by, its predicted
    cycles, and what would lift the bound.
    """
    from weft.compiler.errors import WeftError
    from weft.output import check_output, write_output
    from weft.predicted import candidates_text, candidates_value, predicted_table, predicted_value

    spec, spread = load_fabric(fabric, set_), load_spread(shards, plan)
    check_output(out, "compile", INDEX)
    if program.is_file():
        if position is not None:
            raise WeftError("--position is for a checkpoint's folder, not for a step program")
        _program(program, out, spec, parse_sizes(args), spread, print_after, predict=predict, as_json=json)
        return
    if args:
        raise WeftError("--arg is for a step program, not for a checkpoint's folder")
    if print_after is not None and json:
        raise WeftError(_ONE_OF_THEM)
    after = pass_printer(print_after, spec)
    begun = time.perf_counter()
    files: dict[str, bytes] = {}
    with working("compiling"):
        from weft.compiler.checkpoints.checkpoint import read_checkpoint
        from weft.compiler.models.llama.decoder_program import compile_decoder

        compiled = compile_decoder(read_checkpoint(program).config, spec, prefill=True, spread=spread, after=after)
        if position is None:
            position = compiled.context // 2
        if position >= compiled.context:
            raise WeftError(f"--position must be less than the context of {compiled.context}, not {position}")
        programs = {"": compiled.program}
        if compiled.prefill is not None:
            programs["prefill-"] = compiled.prefill.program
        for prefix, each in programs.items():
            files |= {f"{prefix}{name}": content for name, content in _files(each).items()}
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
    if compiled.choice is not None:
        shown["candidates"] = candidates_value(compiled.choice)
        text += "\n" + candidates_text(compiled.choice)
    if compiled.prefill is None:
        text += f"\nprompts go token by token: {compiled.no_prefill}"
    else:
        text += f"\nprompts go {value['prefill_rows']} tokens a launch"
    if predict:
        with working("predicting"):
            shown["prediction"] = predicted_value(compiled, position)
        text += "\n\n" + predicted_table(shown["prediction"])
    show(shown, text, as_json=json)


_ONE_OF_THEM = "--print-after prints programs, and --json one object: one of them"


def _files(compiled: CompiledProgram) -> dict[str, bytes]:
    """A compiled program as files by name."""
    from weft.compiler.drawings.floorplan import floorplan_svg
    from weft.compiler.mapped import print_module
    from weft.compiler.step import print_program

    assert compiled.program is not None
    return {
        "program.mlir": print_program(compiled.program).encode(),
        "mapped.mlir": print_module(compiled.module).encode(),
        "mapping.json": compiled.mapping.to_json().encode(),
        "floorplan.svg": floorplan_svg(compiled.mapping).encode(),
        "image.bin": compiled.image,
    }


def _program(
    path: Path,
    out: Path,
    spec: FabricSpec,
    sizes: dict[str, int],
    spread: Spread | None,
    print_after: str | None,
    *,
    predict: bool,
    as_json: bool,
) -> None:
    """A step program: its files, and what the performance model says of a launch."""
    from weft.compiler.errors import WeftError
    from weft.compiler.step.dimension import DimensionOp
    from weft.compiler.timing import predict as predict_launch
    from weft.output import write_output
    from weft.predicted import candidates_text, candidates_value
    from weft.sim.program_run import check_sizes

    begun = time.perf_counter()
    if print_after is not None and as_json:
        raise WeftError(_ONE_OF_THEM)
    choices: list[Choice] = []
    compiled = compile_text(path, spec, sizes, spread=spread, print_after=print_after, chosen=choices.append)
    assert compiled.program is not None
    largest = {op.sym_name.data: op.largest for op in compiled.program.ops if isinstance(op, DimensionOp)}
    check_sizes(compiled, {**largest, **sizes})
    files = _files(compiled)
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
    for choice in choices:
        shown["candidates"] = candidates_value(choice)
        text += "\n" + candidates_text(choice)
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
