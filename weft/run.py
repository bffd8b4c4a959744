"""``weft run``: a `step` program on arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

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
from weft.inputs import load_arrays, load_text
from weft.options import Fabric, Json, Set, Stalls, device_option

__all__ = ["EPILOG", "run"]

EPILOG = example("weft run examples/matmul.mlir --inputs in.npz --out out.npz --fabric demo --device rtl --stalls 1")


def run(
    program: Annotated[Path, typer.Argument(metavar="PROGRAM", help="A module of the step dialect, as text.")],
    inputs: Annotated[Path, typer.Option("--inputs", help="An .npz file with an array for each input tensor.")],
    out: Annotated[Path, typer.Option("--out", help="The .npz file to write the outputs to; must not exist.")],
    fabric: Fabric = "demo",
    assignments: Set = None,
    device: Annotated[str, device_option("functional", "rtl")] = "functional",
    stalls: Stalls = None,
    as_json: Json = False,
) -> None:
    """Compile a step program, run it, and write its outputs.

    On RTL every buffer is compared with the functional model.
    """
    import numpy as np

    from weft.compiler.compile import compile_module
    from weft.compiler.mapped import parse_module
    from weft.sim.compare import Comparison, compare_launches, compare_values
    from weft.sim.functional.device import FunctionalDevice
    from weft.sim.run import memory_needed, run_program

    spec = load_fabric(fabric, assignments)
    check_new_file("--out", out)
    check_rtl_only(device, stalls=stalls)
    compiled = compile_module(parse_module(load_text(program), program.name), spec)
    arrays = load_arrays(inputs)
    memory = memory_needed(compiled)
    golden = FunctionalDevice(spec, memory_bytes=memory)
    outputs, expected = run_program(compiled, spec, golden, arrays)
    compared, cycles = Comparison(), 0
    if device == "rtl":
        from weft.sim.rtl.device import RtlDevice

        with working("building and running the simulator"), RtlDevice(spec, memory_bytes=memory, stalls=stalls) as chip:
            theirs, launch = run_program(compiled, spec, chip, arrays)
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
        "compared": compared.compared,
        "mismatches": compared.mismatches,
        "first": list(compared.first),
    }
    text = f"{program.name} on {spec.name} ({device}): wrote {', '.join(outputs)} to {out}"
    if device == "rtl":
        text += f"\n{cycles} cycles, {compared.mismatches} mismatches of {compared.compared} values compared"
    show(value, text, as_json=as_json)
    if compared.mismatches:
        raise typer.Exit(FAILED)
