"""``weft show``: where a program lies on a fabric, and what each tile does in the course of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.common import FAILED, example, load_fabric, show, working
from weft.options import Args, Fabric, Json, PromptIds, Set, device_option, within
from weft.program import compile_text, parse_sizes

if TYPE_CHECKING:
    from weft.compiler.backend.mapping import Mapping
    from weft.hw.spec import FabricSpec
    from weft.sim.compare import Comparison
    from weft.sim.utilisation import RecordedLaunch

__all__ = ["EPILOG", "INDEX", "show_"]

EPILOG = example(
    'weft show models/weft-tiny --prompt "And God " --fabric demo --out build/show',
    "weft show examples/matmul.mlir --inputs in.npz --out build/matmul",
)
INDEX = "show.json"


def show_(
    program: Annotated[Path, typer.Argument(metavar="PROGRAM", help="A checkpoint's folder, or a step program.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="New or empty folder for the pictures.")],
    fabric: Fabric = "demo",
    set_: Set = None,
    device: Annotated[
        str, device_option("rtl", "functional", help="functional: floor plans alone, nothing runs.")
    ] = "rtl",
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Checkpoint: text to go on from; by default token 0.")
    ] = None,
    prompt_ids: PromptIds = None,
    tokens: Annotated[
        int, typer.Option("--tokens", callback=within(1), help="Checkpoint: tokens to generate and show.")
    ] = 1,
    inputs: Annotated[
        Path | None, typer.Option("--inputs", help="Step program: .npz with an array for each input tensor.")
    ] = None,
    args: Args = None,
    window: Annotated[
        int,
        typer.Option("--window", callback=within(32), help="Cycles that the timeline takes together; fewer show more."),
    ] = 32,
    json: Json = False,
) -> None:
    """Draw a floor plan with a heat map, and a timeline for ui.perfetto.dev, of a run on RTL.

    All of a prompt but its last token passes the functional device. What RTL computes is compared with it.
    """
    from weft.compiler.errors import WeftError

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WeftError(f"--out must be a new or an empty folder, and {str(out)!r} is none")
    spec = load_fabric(fabric, set_)
    run = _Run(spec, window if device == "rtl" else 0)
    if program.is_dir():
        if inputs is not None or args:
            raise WeftError("--inputs and --arg are for a step program, not for a checkpoint's folder")
        run.decoder(program, prompt, prompt_ids, tokens)
    else:
        if prompt is not None or prompt_ids is not None:
            raise WeftError("--prompt and --prompt-ids are for a checkpoint's folder, not for a step program")
        run.step_program(program, inputs, parse_sizes(args))
    _write(out, program, device, run, as_json=json)
    if run.compared is not None and run.compared.mismatches:
        raise typer.Exit(FAILED)


class _Run:
    """What a run leaves to be shown; ``window`` is 0 if nothing is to run."""

    def __init__(self, spec: FabricSpec, window: int) -> None:
        self.spec, self.window = spec, window
        self.mappings: dict[str, Mapping] = {}
        self.launches: list[RecordedLaunch] = []
        self.compared: Comparison | None = None

    def decoder(self, folder: Path, prompt: str | None, prompt_ids: str | None, tokens: int) -> None:
        """Tokens of a checkpoint."""
        from weft.compiler.checkpoints.checkpoint import read_checkpoint
        from weft.compiler.checkpoints.tokenizer import check_ids, read_tokenizer
        from weft.compiler.models.llama.decoder_program import compile_decoder
        from weft.compiler.models.llama.rounding import rounding_of
        from weft.decoding import tell_rounding
        from weft.inputs import prompt_tokens

        with working("compiling"):
            model = read_checkpoint(folder)
            tokenizer = read_tokenizer(folder, model.config.vocab_size)
            given = prompt is not None or prompt_ids is not None
            ids = prompt_tokens(prompt, prompt_ids, tokenizer, folder) if given else [0]
            check_ids(ids, model.config.vocab_size, model.config.max_position_embeddings, tokens)
            rounding, compiled = rounding_of(model), compile_decoder(model.config, self.spec)
        self.mappings = {"decoder": compiled.program.mapping}
        if not self.window:
            return
        from weft.sim.compare import Comparison
        from weft.sim.recording import DecoderRecorder

        self.compared = Comparison()
        with self._chip(compiled.memory_bytes) as chip:
            tell_rounding(rounding)
            with working(f"{len(ids) - 1} tokens of the prompt on the functional device"):
                recorder = DecoderRecorder(compiled, model, self.spec, chip, ids)
            for number in range(tokens):
                with working(f"token {number + 1} of {tokens} on simulated RTL"):
                    launch, compared = recorder.step()
                self.launches.append(launch)
                self.compared += compared

    def step_program(self, path: Path, inputs: Path | None, sizes: dict[str, int]) -> None:
        """A launch of a step program."""
        from weft.compiler.errors import WeftError

        compiled = compile_text(path, self.spec, sizes)
        self.mappings = {path.stem: compiled.mapping}
        if not self.window:
            return
        if inputs is None:
            raise WeftError("--inputs must be given to run a step program; --device functional draws it without")
        from weft.arrays import load_arrays
        from weft.sim.recording import record_program
        from weft.sim.run import memory_needed

        arrays = load_arrays(inputs)
        with self._chip(memory_needed(compiled)) as chip, working("running on simulated RTL"):
            launch, self.compared = record_program(path.stem, compiled, self.spec, chip, arrays, sizes)
            self.launches.append(launch)

    def _chip(self, memory_bytes: int) -> Any:
        from weft.sim.rtl.device import RtlDevice

        with working("building the simulator"):
            # The simulator that `weft generate` builds, too.
            return RtlDevice(
                self.spec,
                memory_bytes=memory_bytes,
                record=False,
                count=False,
                checks=False,
                activity=self.window,
                arith="native",
            )


def _write(out: Path, program: Path, device: str, run: _Run, *, as_json: bool) -> None:
    from weft.compiler.drawings.floorplan import floorplan_svg
    from weft.output import write_output
    from weft.show_table import program_value, show_table
    from weft.sim.timeline import timeline, timeline_text
    from weft.sim.utilisation import channel_shares, tile_shares

    files: dict[str, bytes] = {}
    value: dict[str, Any] = {"program": str(program), "fabric": run.spec.name, "device": device, "programs": {}}
    for number, (name, mapping) in enumerate(run.mappings.items()):
        launches = [each for each in run.launches if each.program == name]
        heat = tile_shares(launches) if launches else None
        cycles = sum(each.launch.cycles for each in launches)
        title = program.stem if name == program.stem else f"{program.name}, {name}"
        if launches:
            title += f": {len(launches)} launch{'es' * (len(launches) > 1)}, {cycles:,} cycles"
        file = f"{name}_floorplan.svg" if number else "floorplan.svg"
        files[file] = floorplan_svg(mapping, heat, title=title).encode()
        value["programs"][name] = program_value(mapping, heat, len(launches), cycles)
    if run.compared is not None:
        files["timeline.json"] = timeline_text(timeline(run.launches)).encode()
        value |= {
            "window": run.window,
            "cycles": sum(each.launch.cycles for each in run.launches),
            "launches": [
                {"name": each.name, "cycles": each.launch.cycles, "channel_beats": each.launch.channel_beats}
                for each in run.launches
            ],
            "channels": channel_shares(run.launches),
            "compared": run.compared.compared,
            "mismatches": run.compared.mismatches,
        }
    write_output(out, "show", INDEX, value, files)
    show({"out": str(out), "files": [*files, INDEX], **value}, show_table(value, [*files], out), as_json=as_json)
