"""``weft quantize``: a checkpoint with smaller weights."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from weft.common import example, naming, show, working
from weft.options import Checkpoint, Json, within

__all__ = ["EPILOG", "quantize"]

EPILOG = example(
    "weft quantize models/weft-tiny --format int8 --out build/weft-tiny-int8",
    'weft generate build/weft-tiny-int8 --prompt "And God " --device rtl',
)


def quantize(
    checkpoint: Checkpoint,
    form: Annotated[str, typer.Option("--format", metavar="int8|mxfp4", help="What the weights become.")],
    out: Annotated[Path, typer.Option("--out", metavar="FOLDER", help="New folder for the checkpoint.")],
    positions: Annotated[
        int, typer.Option("--positions", callback=within(1), help="Positions on which the logits are compared.")
    ] = 64,
    json: Json = False,
) -> None:
    """Make a checkpoint with smaller weights of one whose weights are bf16, fp16 or fp32.

    The matrices of layers and head are quantised; embedding, norms and biases stay. Prints how far the logits of the
    reference are from those before. weft compile and weft generate take the new folder like any other.
    """
    from weft.compiler.errors import WeftError
    from weft.compiler.weights.quantised import Quantisation

    names = [each.value for each in Quantisation]
    if form not in names:
        raise WeftError(f"--format must be one of {', '.join(names)}, not {form!r}")
    if out.exists():
        raise WeftError(f"--out must be a new folder, but {str(out)!r} exists")
    from weft.compiler.checkpoints.checkpoint import read_checkpoint
    from weft.compiler.checkpoints.quantised_checkpoint import quantised_files, weight_bytes
    from weft.sim.accuracy import accuracy

    with working("quantising and comparing logits"):
        files = quantised_files(checkpoint, Quantisation(form))
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as work:
            whole = Path(work) / "checkpoint"
            whole.mkdir()
            for name, content in files.items():
                with naming(out / name):
                    (whole / name).write_bytes(content)
            compared = accuracy(read_checkpoint(checkpoint), read_checkpoint(whole), positions)
            whole.rename(out)
    before, after = weight_bytes(checkpoint), weight_bytes(out)
    value = {"format": form, "weight_bytes_before": before, "weight_bytes": after, **dataclasses.asdict(compared)}
    text = (
        f"{out}: {form}, {after} bytes of weights instead of {before}\n"
        f"logits over {compared.positions} positions: cosine {_cosine(compared.cosine)}, least "
        f"{_cosine(compared.least_cosine)}; "
        f"the same token is likeliest in {compared.agreement:.1%}"
    )
    show({"out": str(out), **value}, text, as_json=json)


def _cosine(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.5f}"
