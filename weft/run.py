"""``weft run``: a step program on arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.arrays import load_arrays
from weft.common import (
    FAILED,
    check_new_file,
    check_rtl_only,
    example,
    load_fabric,
    new_file,
    show,
    working,
)
from weft.options import Args, Fabric, Json, Plan, Set, Shards, Stalls, device_option
from weft.program import compile_text, load_spread, named_after, notes, parse_sizes

if TYPE_CHECKING:
    from weft.compiler.interpreter import Verdict

__all__ = ["EPILOG", "run"]

EPILOG = example(
    "weft run examples/matmul.mlir --inputs in.npz --out out.npz --fabric demo --device rtl --stalls 1",
    "weft run examples/softmax_dynamic.mlir --arg n=13 --inputs in.npz --out out.npz",
)


def run(
    program: Annotated[Path, typer.Argument(metavar="PROGRAM", help="A program of the step language, as text.")],
    inputs: Annotated[Path, typer.Option("--inputs", help="An .npz file with an array for each input tensor.")],
    out: Annotated[Path, typer.Option("--out", help="The .npz file to write the outputs to; must not exist.")],
    args: Args = None,
    fabric: Fabric = "demo",
    assignments: Set = None,
    device: Annotated[str, device_option("functional", "rtl")] = "functional",
    shards: Shards = None,
    plan: Plan = None,
    stalls: Stalls = None,
    as_json: Json = False,
) -> None:
    """Compile a step program, run it, and write its outputs.

    Two comparisons: the outputs with what the program means, which an interpreter computes in NumPy from its text (did
    the compiler keep the meaning?); and on RTL every buffer and output with the functional model (does the hardware do
    what the image says?).
    """
    import numpy as np

    from weft.compiler.interpreter import compare, interpret
    from weft.sim.compare import Comparison, compare_launches, compare_values
    from weft.sim.first_wrong import first_wrong
    from weft.sim.functional.device import FunctionalDevice
    from weft.sim.program_run import check_sizes, run_compiled
    from weft.sim.run import memory_needed

    spec = load_fabric(fabric, assignments)
    check_new_file("--out", out)
    check_rtl_only(device, stalls=stalls)
    sizes, spread = parse_sizes(args), load_spread(shards, plan)
    compiled = compile_text(program, spec, sizes, spread=spread)
    assert compiled.program is not None
    check_sizes(compiled, sizes)
    arrays = load_arrays(inputs)
    with named_after(program):
        meant = interpret(compiled.program, arrays, sizes, shards=compiled.spread.shards)
        memory = memory_needed(compiled)
        golden = FunctionalDevice(spec, memory_bytes=memory)
        outputs, expected = run_compiled(compiled, spec, golden, arrays, sizes)
    verdicts = [compare(name, meant.outputs[name], values) for name, values in outputs.items()]
    wrong = [each for each in verdicts if not each.agrees]
    place = first_wrong(compiled, spec, arrays, sizes, meant.streams) if wrong else ""
    compared, cycles = Comparison(), 0
    if device == "rtl":
        from weft.sim.rtl.device import RtlDevice

        with working("building and running the simulator"), RtlDevice(spec, memory_bytes=memory, stalls=stalls) as chip:
            theirs, launch = run_compiled(compiled, spec, chip, arrays, sizes)
        cycles = launch.cycles
        names = {tile: unit for unit, tile in compiled.mapping.tiles.items()}
        compared = compare_launches(expected, launch, names)
        for name, values in outputs.items():
            compared += compare_values(f"output {name!r}", values, theirs[name])
        outputs = theirs
    with new_file(out) as file:
        np.savez(file, **outputs)  # pyright: ignore[reportArgumentType]
    value: dict[str, Any] = {
        "device": device,
        "fabric": spec.name,
        "outputs": {name: list(values.shape) for name, values in outputs.items()},
        "cycles": cycles,
        "sizes_alone": dict(compiled.fixed),
        "not_judged": list(compiled.unjudged),
        "oracle": [_value(each) for each in verdicts],
        "first_wrong": place,
        "compared": compared.compared,
        "mismatches": compared.mismatches,
        "first": list(compared.first),
    }
    lines = [f"{program.name} on {spec.name} ({device}): wrote {', '.join(outputs)} to {out}"]
    lines += [f"program against oracle: {each.sentence}" for each in verdicts]
    lines += [place] if place else []
    lines += notes(compiled)
    if device == "rtl":
        lines.append(
            f"device against functional: {compared.mismatches} mismatches of {compared.compared} values compared, "
            f"{cycles} cycles"
        )
    else:
        lines.append("device against functional: not judged, the functional model itself ran (--device rtl)")
    show(value, "\n".join(lines), as_json=as_json)
    if compared.mismatches or wrong:
        raise typer.Exit(FAILED)


def _value(verdict: Verdict) -> dict[str, Any]:
    return {
        "output": verdict.name,
        "values": verdict.values,
        "exact": verdict.exact,
        "bounded": verdict.bounded,
        "not_judged": verdict.unjudged,
        "wrong": verdict.wrong,
        "first": None if verdict.first is None else verdict.first.sentence,
    }
