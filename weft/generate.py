"""``weft generate``: text from a checkpoint, on a device."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from weft.common import (
    FAILED,
    DeviceName,
    Fabric,
    Json,
    Set,
    Stalls,
    check_new_file,
    example,
    load_fabric,
    show,
    within,
    working,
)
from weft.inputs import prompt_tokens
from weft.signals import signal_files, write_signals

if TYPE_CHECKING:
    from compiler.checkpoint import LlamaCheckpoint
    from hw.spec import FabricSpec
    from sim.generate import Generation

__all__ = ["EPILOG", "generate"]

EPILOG = example('weft generate models/weft-tiny --prompt "And God " --tokens 16 --fabric demo --device rtl')
_WINDOW = 4096  # cycles; only the sums are shown
_DEVICES = ("functional", "rtl", "reference")
_ARITHMETIC = ("native", "rtl")


def generate(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A folder as transformers writes it.")],
    prompt: Annotated[str | None, typer.Option("--prompt", help="Text to go on from.")] = None,
    prompt_ids: Annotated[
        str | None, typer.Option("--prompt-ids", metavar="5,17,3", help="The same as tokens.")
    ] = None,
    tokens: Annotated[int, typer.Option("--tokens", callback=within(1), help="Tokens to generate.")] = 16,
    fabric: Fabric = "demo",
    set_: Set = None,
    device: DeviceName = "functional",
    stalls: Stalls = None,
    waves: Annotated[
        Path | None,
        typer.Option("--waves", metavar="FILE.fst", help="On RTL: write waves, and a map of their signals; slow."),
    ] = None,
    arith: Annotated[
        str,
        typer.Option(
            "--arith",
            metavar="native|rtl",
            help="On RTL: arithmetic on the host, the same bits in the same cycles, or the real logic, slower.",
        ),
    ] = "native",
    temperature: Annotated[
        float, typer.Option("--temperature", callback=within(0), help="Sample; 0 takes the likeliest.")
    ] = 0.0,
    prefill: Annotated[
        bool,
        typer.Option("--prefill/--no-prefill", help="Process the prompt several tokens a launch, where it can be."),
    ] = True,
    logits: Annotated[
        Path | None,
        typer.Option("--logits", help="New .npz: ids, and logits of every position; the prompt goes token by token."),
    ] = None,
    one_launch: Annotated[
        bool, typer.Option("--one-launch", help="Make all tokens in one launch, each the likeliest.")
    ] = False,
    json: Json = False,
) -> None:
    """Generate text. On RTL every logit and every buffer is compared with the functional device, bit for bit."""
    from compiler.checkpoint import read_checkpoint
    from compiler.errors import WeftError
    from compiler.tokenizer import check_ids, read_tokenizer
    from sim.generate import Generation
    from sim.generate import generate as tokens_of

    if device not in _DEVICES:
        raise WeftError(f"--device must be one of {', '.join(_DEVICES)}, not {device!r}")
    if arith not in _ARITHMETIC:
        raise WeftError(f"--arith must be one of {', '.join(_ARITHMETIC)}, not {arith!r}")
    if one_launch and device == "reference":
        raise WeftError("--one-launch needs a --device that has launches, functional or rtl, not 'reference'")
    if one_launch and temperature > 0:
        raise WeftError(f"--one-launch takes the likeliest token: --temperature must be 0, not {temperature:g}")
    new = [("--logits", logits), *(("--waves", path) for path in (waves, *signal_files(waves)))]
    for option, path in new:
        if path is not None:
            check_new_file(option, path)
    spec = load_fabric(fabric, set_)
    model = read_checkpoint(checkpoint)
    tokenizer = read_tokenizer(checkpoint, model.config.vocab_size)
    ids = prompt_tokens(prompt, prompt_ids, tokenizer)
    check_ids(ids, model.config.vocab_size, model.config.max_position_embeddings, tokens)
    result, begun = Generation(), time.perf_counter()
    with ExitStack() as stack:
        several = prefill and logits is None
        step, take, run = _decoder(
            device,
            model,
            spec,
            result,
            stack,
            stalls=stalls,
            waves=waves,
            arith=arith,
            prefill=several,
            tokens=tokens if one_launch else 0,
        )
        begun_run = time.perf_counter()
        if not json and tokenizer is not None:
            typer.echo(tokenizer.decode(ids), nl=False)
        made = tokens_of(step, ids, tokens, result, temperature=temperature, seed=stalls or 0, prefill=take, run=run)
        for token in made:
            if not json:
                typer.echo(f"{token} " if tokenizer is None else tokenizer.decode([token]), nl=False)
        if not json:
            typer.echo()
    ended = time.perf_counter()
    if logits is not None:
        _write_logits(logits, [*ids, *result.tokens], result)
    value = _summary(device, spec, ids, result, ended - begun, ended - begun_run)
    value["arith"] = arith if device == "rtl" else None
    value["text"] = "" if tokenizer is None else tokenizer.decode(result.tokens)
    show(value, _table(value), as_json=json)
    if result.comparison.mismatches:
        raise typer.Exit(FAILED)


def _decoder(
    device: str,
    model: LlamaCheckpoint,
    spec: FabricSpec,
    result: Generation,
    stack: ExitStack,
    *,
    stalls: int | None,
    waves: Path | None,
    arith: str,
    prefill: bool,
    tokens: int,
) -> tuple[Callable[[int], Any], Callable[[list[int]], int] | None, Callable[[int, int], Any] | None]:
    """What processes a token on that device, what the beginning of a prompt, and what makes ``tokens`` at once."""
    if device == "reference":
        from sim.reference import Reference

        return Reference(model).step, None, None
    from compiler.decoder_program import compile_decoder
    from sim.generate import ComparedDecoder

    compiled = compile_decoder(model.config, spec, prefill=prefill, tokens=tokens)
    if device == "functional":
        decoder = ComparedDecoder(compiled, model, spec, result)
        return decoder.step, decoder.prefill, decoder.run if tokens else None
    from sim.rtl.device import RtlDevice

    with working("building the simulator"):
        chip = stack.enter_context(
            RtlDevice(
                spec,
                memory_bytes=compiled.memory_bytes,
                stalls=stalls,
                waves=waves,
                count=False,
                activity=_WINDOW,
                checks=stalls is not None,
                arith=arith,
            )
        )
    if waves is not None:
        mappings = {"decoder": compiled.program.mapping}
        if compiled.prefill is not None:
            mappings["prefill"] = compiled.prefill.program.mapping
        write_signals(waves, spec, mappings)
    decoder = ComparedDecoder(compiled, model, spec, result, chip)
    return decoder.step, decoder.prefill, decoder.run if tokens else None


def _write_logits(path: Path, ids: list[int], result: Generation) -> None:
    import numpy as np

    rows = np.stack(result.logits).astype(np.float32)
    with path.open("xb") as file:
        np.savez(file, ids=np.asarray(ids[: len(rows)], np.int64), logits=rows)


def _summary(
    device: str, spec: FabricSpec, ids: list[int], result: Generation, seconds: float, run_seconds: float
) -> dict[str, Any]:
    cycles = sum(result.cycles_by_token) + result.looped_cycles
    made = len(result.cycles_by_token) + result.looped
    peak = cycles * spec.channels
    return {
        "tokens": result.tokens,
        "prompt_ids": ids,
        "device": device,
        "fabric": spec.name,
        "cycles": cycles + result.prefill_cycles,
        "prefill_tokens": result.prefilled,
        "prefill_cycles_per_token": result.prefill_cycles / result.prefilled if result.prefilled else 0,
        "cycles_per_token": cycles / made if made else 0,
        "one_launch_tokens": result.looped,
        "one_launch_cycles_per_token": result.looped_cycles / result.looped if result.looped else 0,
        "compared": result.comparison.compared,
        "mismatches": result.comparison.mismatches,
        "first_mismatches": list(result.comparison.first),
        "offchip_bytes": result.offchip,
        "channel_utilisation": result.channel_beats / peak if peak else 0.0,
        "tile_utilisation": {kind: busy / all_ for kind, (busy, all_) in sorted(result.tile_cycles.items())},
        "wall_seconds": round(seconds, 3),
        "simulated_khz": round((cycles + result.prefill_cycles) / run_seconds / 1e3, 3) if cycles else 0.0,
    }


def _table(value: dict[str, Any]) -> str:
    rows = {key: each for key, each in value.items() if key not in ("tokens", "prompt_ids", "text", "first_mismatches")}
    if value["arith"] is None:
        del rows["arith"]
    rows["channel_utilisation"] = f"{value['channel_utilisation']:.1%}"
    rows["tile_utilisation"] = ", ".join(f"{kind} {each:.1%}" for kind, each in value["tile_utilisation"].items())
    width = max(map(len, rows))
    return "\n".join(f"{key:<{width}}  {each}" for key, each in rows.items())
