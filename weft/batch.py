"""``weft batch``: texts for several prompts side by side, a token of each in a launch."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Annotated

import typer

from weft.common import (
    FAILED,
    check_rtl_only,
    example,
    load_fabric,
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
    Prompts,
    PromptsIds,
    Seed,
    Set,
    Stalls,
    Temperature,
    Tokens,
    device_option,
)

__all__ = ["EPILOG", "batch"]

EPILOG = example('weft batch models/weft-tiny --prompt "And God " --prompt "The LORD " --tokens 16 --device rtl')


def batch(
    checkpoint: Checkpoint,
    prompt: Prompts = None,
    prompt_ids: PromptsIds = None,
    tokens: Tokens = 16,
    fabric: Fabric = "demo",
    set_: Set = None,
    device: Annotated[str, device_option("functional", "rtl")] = "functional",
    stalls: Stalls = None,
    arith: Arith = None,
    temperature: Temperature = None,
    seed: Seed = None,
    json: Json = False,
) -> None:
    """Generate for several prompts at once: every weight that comes serves all of them.

    As many as a PCU of the fabric has stages, each by a --prompt or --prompt-ids of its own. The first is sampled with
    --seed, each further one with the next. On RTL everything is compared with the functional device, bit for bit.
    """
    from weft.compiler.checkpoints.checkpoint import read_checkpoint
    from weft.compiler.checkpoints.end_tokens import read_end_tokens
    from weft.compiler.checkpoints.tokenizer import check_ids, read_tokenizer
    from weft.compiler.errors import WeftError
    from weft.compiler.models.llama.decoder_program import compile_decoder
    from weft.compiler.models.llama.rounding import rounding_of
    from weft.sim.generate import ComparedDecoder, Generation, generate_batch

    check_rtl_only(device, stalls=stalls, arith=arith)
    arith = arith or ARITHMETIC[0]
    spec = load_fabric(fabric, set_)
    model = read_checkpoint(checkpoint)
    tokenizer = read_tokenizer(checkpoint, model.config.vocab_size)
    given = [(text, None) for text in prompt or ()] + [(None, ids) for ids in prompt_ids or ()]
    if len(given) < 2:
        raise WeftError(f"--prompt or --prompt-ids must be given at least twice, not {len(given)} times")
    prompts = [prompt_tokens(text, ids, tokenizer, checkpoint) for text, ids in given]
    for each in prompts:
        check_ids(each, model.config.vocab_size, model.config.max_position_embeddings, tokens)
    ends, rounding = read_end_tokens(checkpoint), rounding_of(model)
    begun = time.perf_counter()
    result, compiled = Generation(), compile_decoder(model.config, spec, sequences=len(prompts))
    with ExitStack() as stack:
        chip = None
        if device == "rtl":
            chip = rtl_device(compiled, spec, stack, stalls=stalls, waves=None, arith=arith)
        tell_rounding(rounding)
        decoder, begun_run = ComparedDecoder(compiled, model, spec, result, chip), time.perf_counter()
        made = generate_batch(
            decoder.step, prompts, tokens, result, temperature=temperature or 0.0, seed=seed or 0, ends=ends
        )
    ended = time.perf_counter()
    value = {"sequences": len(prompts), "tokens": made, "prompt_ids": prompts, "device": device}
    value |= summary(spec, result, ended - begun, ended - begun_run, sequences=len(prompts))
    value["arith"] = arith if device == "rtl" else None
    texts = [str(each) for each in made]
    if tokenizer is not None:
        value["text"] = [tokenizer.decode(each) for each in made]
        texts = [tokenizer.decode([*start, *each]) for start, each in zip(prompts, made, strict=True)]
    show(value, "\n".join([*texts, table(value)]), as_json=json)
    if result.comparison.mismatches:
        raise typer.Exit(FAILED)
