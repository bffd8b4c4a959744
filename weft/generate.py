"""``weft generate``: text from a checkpoint, on a device."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from weft.common import (
    FAILED,
    check_new_file,
    check_rtl_only,
    example,
    load_fabric,
    new_file,
    show,
)
from weft.decoding import rtl_device, summary, table, tell_rounding
from weft.inputs import prompt_tokens
from weft.options import (
    ARITHMETIC,
    Arith,
    Checkpoint,
    Fabric,
    Json,
    Plan,
    Prompt,
    PromptIds,
    Seed,
    Set,
    Shards,
    Stalls,
    Temperature,
    Tokens,
    device_option,
)
from weft.program import load_spread
from weft.saved import check_saving, keeping, resumed_run
from weft.signals import signal_files

if TYPE_CHECKING:
    from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint
    from weft.compiler.passes.sharding import Spread
    from weft.hw.spec import FabricSpec
    from weft.sim.generate import ComparedDecoder, Generation
    from weft.sim.reference import Reference

__all__ = ["EPILOG", "generate"]

EPILOG = example('weft generate models/weft-tiny --prompt "And God " --tokens 16 --fabric demo --device rtl')


def generate(
    checkpoint: Checkpoint,
    prompt: Prompt = None,
    prompt_ids: PromptIds = None,
    tokens: Tokens = 16,
    fabric: Fabric = "demo",
    set_: Set = None,
    shards: Shards = None,
    plan: Plan = None,
    device: Annotated[str, device_option("functional", "rtl", "reference")] = "functional",
    stalls: Stalls = None,
    waves: Annotated[
        Path | None,
        typer.Option("--waves", metavar="FILE.fst", help="On RTL: write waves, and a map of their signals; slow."),
    ] = None,
    arith: Arith = None,
    unfused: Annotated[
        bool, typer.Option("--unfused", help="Each operator a launch of its own, what is between them in memory.")
    ] = False,
    temperature: Temperature = None,
    seed: Seed = None,
    prefill: Annotated[
        bool,
        typer.Option("--prefill/--no-prefill", help="Process the prompt several tokens a launch, where it can be."),
    ] = True,
    save: Annotated[
        Path | None, typer.Option("--save", metavar="FILE", help="New file that keeps the run, token by token.")
    ] = None,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="FILE", help="Go on with a run that was saved.")
    ] = None,
    at: Annotated[
        int | None,
        typer.Option("--at", metavar="N", help="Process token N next; by default the first that failed, or the last."),
    ] = None,
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
    from weft.compiler.checkpoints.checkpoint import read_checkpoint
    from weft.compiler.checkpoints.end_tokens import read_end_tokens
    from weft.compiler.checkpoints.tokenizer import check_ids, read_tokenizer
    from weft.compiler.errors import WeftError
    from weft.compiler.models.llama.rounding import rounding_of
    from weft.sim.generate import ComparedDecoder, Generation
    from weft.sim.generate import generate as tokens_of
    from weft.sim.saved_run import SavedRun, identity_of

    if (shards is not None or plan is not None) and (unfused or device == "reference"):
        raise WeftError("--shards and --plan must not be given with --unfused or --device reference")
    if unfused and device == "reference":
        raise WeftError("--unfused must not be given with --device reference, which has no launches")
    if one_launch and device == "reference":
        raise WeftError("--one-launch needs a --device that has launches, functional or rtl, not 'reference'")
    if one_launch and temperature:
        raise WeftError(f"--one-launch takes the likeliest token: --temperature must be 0, not {temperature:g}")
    if one_launch and (unfused or save is not None or resume is not None):
        raise WeftError(
            "--one-launch must not be given with --unfused, --save or --resume, which need a launch a token"
        )
    new = [("--logits", logits), *(("--waves", path) for path in (waves, *signal_files(waves)))]
    check_rtl_only(device, stalls=stalls, waves=waves, arith=arith)
    check_saving(save, resume, at, device)
    arith = arith or ARITHMETIC[0]
    for option, path in new:
        if path is not None:
            check_new_file(option, path)
    spec = load_fabric(fabric, set_)
    model = read_checkpoint(checkpoint)
    tokenizer = read_tokenizer(checkpoint, model.config.vocab_size)
    if resume is None:
        ids = prompt_tokens(prompt, prompt_ids, tokenizer, checkpoint)
        begin = SavedRun(ids, len(ids), temperature or 0.0, seed or 0)
    else:
        given = {"--prompt": prompt, "--prompt-ids": prompt_ids, "--temperature": temperature, "--seed": seed}
        begin = resumed_run(resume, at, model, spec, given)
        ids = begin.tokens
    check_ids(ids, model.config.vocab_size, model.config.max_position_embeddings, tokens)
    ends = read_end_tokens(checkpoint)
    rounding = rounding_of(model) if device != "reference" else None
    text = None if tokenizer is None else tokenizer.text()
    result, begun = Generation(), time.perf_counter()
    with ExitStack() as stack:
        decoder = _decoder(
            device,
            model,
            spec,
            result,
            stack,
            stalls=stalls,
            waves=waves,
            arith=arith,
            unfused=unfused,
            prefill=prefill and logits is None,
            tokens=tokens if one_launch else 0,
            spread=load_spread(shards, plan),
        )
        if rounding is not None:
            tell_rounding(rounding)
        keep = None
        if isinstance(decoder, ComparedDecoder):
            if begin.caches:
                decoder.restore(begin.caches)
            if save is not None:
                keep = stack.enter_context(keeping(save, begin, decoder, result, identity_of(model, spec)))
        begun_run = time.perf_counter()
        if not json and text is not None:
            typer.echo(text.add(ids), nl=False)
        for token in tokens_of(
            decoder.step,
            ids,
            tokens,
            result,
            temperature=begin.temperature,
            seed=begin.seed,
            processed=begin.positions,
            prefill=decoder.prefill if isinstance(decoder, ComparedDecoder) else None,
            ends=ends,
            run=decoder.run if one_launch and isinstance(decoder, ComparedDecoder) else None,
        ):
            if keep is not None:
                keep()
            if not json:
                typer.echo(f"{token} " if text is None else text.add([token]), nl=False)
        if not json:
            typer.echo("" if text is None else text.end())
    ended = time.perf_counter()
    value = {"tokens": result.tokens, "prompt_ids": ids, "device": device}
    value |= summary(spec, result, ended - begun, ended - begun_run)
    value["arith"] = arith if device == "rtl" else None
    value["text"] = "" if tokenizer is None else tokenizer.decode(result.tokens)
    show(value, table(value), as_json=json)
    if logits is not None:  # last: should there be no room for them, the tokens are not lost
        _write_logits(logits, [*ids, *result.tokens][begin.positions :], result)
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
    unfused: bool,
    prefill: bool,
    tokens: int,
    spread: Spread | None,
) -> ComparedDecoder | Reference:
    """What processes tokens on that device, with ``tokens`` as many in a launch."""
    if device == "reference":
        from weft.sim.reference import Reference

        return Reference(model)
    from weft.compiler.models.llama.decoder_program import compile_decoder
    from weft.compiler.models.llama.unfused_program import compile_unfused
    from weft.sim.generate import ComparedDecoder

    if unfused:
        compiled = compile_unfused(model.config, spec)
    else:
        compiled = compile_decoder(model.config, spec, prefill=prefill, tokens=tokens, spread=spread)
    if device == "functional":
        return ComparedDecoder(compiled, model, spec, result)
    chip = rtl_device(compiled, spec, stack, stalls=stalls, waves=waves, arith=arith)
    return ComparedDecoder(compiled, model, spec, result, chip)


def _write_logits(path: Path, ids: list[int], result: Generation) -> None:
    import numpy as np

    rows = np.stack(result.logits).astype(np.float32)
    with new_file(path) as file:
        np.savez(file, ids=np.asarray(ids[: len(rows)], np.int64), logits=rows)
