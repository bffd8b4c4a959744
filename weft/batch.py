"""``weft batch``: texts for several prompts side by side, a token of each in a launch."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from weft.common import (
    FAILED,
    DeviceName,
    Fabric,
    Json,
    Set,
    Stalls,
    check_rtl_only,
    example,
    load_fabric,
    show,
    within,
)
from weft.decoding import ARITHMETIC, rtl_device, summary, table
from weft.inputs import prompt_tokens

__all__ = ["EPILOG", "batch"]

EPILOG = example('weft batch models/weft-tiny --prompt "And God " --prompt "The LORD " --tokens 16 --device rtl')
_DEVICES = ("functional", "rtl")


def batch(
    checkpoint: Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A folder as transformers writes it.")],
    prompt: Annotated[
        list[str] | None, typer.Option("--prompt", help="Text to go on from; once for each sequence.")
    ] = None,
    prompt_ids: Annotated[
        list[str] | None, typer.Option("--prompt-ids", metavar="5,17,3", help="The same as tokens.")
    ] = None,
    tokens: Annotated[int, typer.Option("--tokens", callback=within(1), help="Tokens to generate for each.")] = 16,
    fabric: Fabric = "demo",
    set_: Set = None,
    device: DeviceName = "functional",
    stalls: Stalls = None,
    arith: Annotated[
        str | None, typer.Option("--arith", metavar="native|rtl", help="On RTL: as for weft generate.")
    ] = None,
    temperature: Annotated[
        float, typer.Option("--temperature", callback=within(0), help="Sample; by default take the likeliest.")
    ] = 0.0,
    seed: Annotated[
        int, typer.Option("--seed", callback=within(0), help="Of what is sampled for the first; each has the next.")
    ] = 0,
    json: Json = False,
) -> None:
    """Generate for several prompts at once: every weight that comes serves all of them.

    As many as a PCU of the fabric has stages. On RTL everything is compared with the functional device, bit for bit.
    """
    from compiler.checkpoint import read_checkpoint
    from compiler.decoder_program import compile_decoder
    from compiler.errors import WeftError
    from compiler.tokenizer import check_ids, read_tokenizer
    from sim.generate import ComparedDecoder, Generation, generate_batch

    if device not in _DEVICES:
        raise WeftError(f"--device must be one of {', '.join(_DEVICES)}, not {device!r}")
    if arith not in (None, *ARITHMETIC):
        raise WeftError(f"--arith must be one of {', '.join(ARITHMETIC)}, not {arith!r}")
    check_rtl_only(device, stalls=stalls, arith=arith)
    spec = load_fabric(fabric, set_)
    model = read_checkpoint(checkpoint)
    tokenizer = read_tokenizer(checkpoint, model.config.vocab_size)
    given = [(text, None) for text in prompt or ()] + [(None, ids) for ids in prompt_ids or ()]
    if len(given) < 2:
        raise WeftError(f"--prompt or --prompt-ids must be given at least twice, not {len(given)} times")
    prompts = [prompt_tokens(text, ids, tokenizer) for text, ids in given]
    for each in prompts:
        check_ids(each, model.config.vocab_size, model.config.max_position_embeddings, tokens)
    begun = time.perf_counter()
    result, compiled = Generation(), compile_decoder(model.config, spec, sequences=len(prompts))
    with ExitStack() as stack:
        chip = None
        if device == "rtl":
            chip = rtl_device(compiled, spec, stack, stalls=stalls, waves=None, arith=arith or ARITHMETIC[0])
        decoder, begun_run = ComparedDecoder(compiled, model, spec, result, chip), time.perf_counter()
        made = generate_batch(decoder.step, prompts, tokens, result, temperature=temperature, seed=seed)
    ended = time.perf_counter()
    value = {"sequences": len(prompts), "tokens": made, "prompt_ids": prompts, "device": device}
    value |= summary(spec, result, ended - begun, ended - begun_run, sequences=len(prompts))
    texts = [str(each) for each in made]
    if tokenizer is not None:
        value["text"] = [tokenizer.decode(each) for each in made]
        texts = [tokenizer.decode([*start, *each]) for start, each in zip(prompts, made, strict=True)]
    show(value, "\n".join([*texts, table(value)]), as_json=json)
    if result.comparison.mismatches:
        raise typer.Exit(FAILED)
