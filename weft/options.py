"""The options that subcommands share, each with its help text and its rule."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

__all__ = [
    "ARITHMETIC",
    "Args",
    "Arith",
    "Checkpoint",
    "Fabric",
    "Json",
    "Plan",
    "Prompt",
    "PromptIds",
    "Prompts",
    "PromptsIds",
    "Seed",
    "Set",
    "Shards",
    "Stalls",
    "Temperature",
    "Tokens",
    "device_option",
    "one_of",
    "within",
]

_Rule = Callable[[typer.CallbackParam, Any], Any]


def within(least: int, most: int | None = None) -> _Rule:
    """A rule for the number of an option, as its ``callback``; the sentence names option, rule and value."""
    rule = f"at least {least}" if most is None else f"{least} to {most}"
    return _rule(rule, lambda value: least <= value and (most is None or value <= most))


def one_of(*names: str) -> _Rule:
    """The same for an option that is one of some names."""
    return _rule(f"one of {', '.join(names)}", lambda value: value in names)


def _rule(rule: str, holds: Callable[[Any], bool]) -> _Rule:
    def check(option: typer.CallbackParam, value: Any) -> Any:
        if value is None or holds(value):
            return value
        from weft.compiler.errors import WeftError

        raise WeftError(f"{option.opts[0]} must be {rule}, not {value!r}")

    return check


def device_option(*devices: str, help: str = "What runs it.") -> Any:
    """``--device`` of a subcommand that knows these."""
    return typer.Option("--device", metavar="|".join(devices), callback=one_of(*devices), help=help)


Checkpoint = Annotated[Path, typer.Argument(metavar="CHECKPOINT", help="A folder as transformers writes it.")]
Fabric = Annotated[str, typer.Option("--fabric", metavar="PRESET|FILE.toml", help="Name of a preset, or a spec file.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=VALUE", help="Change a field of the spec, e.g. --set rows=16; repeatable."),
]
Stalls = Annotated[
    int | None,
    typer.Option(
        "--stalls",
        metavar="SEED",
        callback=within(0, (1 << 31) - 1),
        help="On RTL: seed of random stalls of memory and tiles.",
    ),
]
ARITHMETIC = ("native", "rtl")
Arith = Annotated[
    str | None,
    typer.Option(
        "--arith",
        metavar="|".join(ARITHMETIC),
        callback=one_of(*ARITHMETIC),
        help="On RTL: arithmetic on the host (the default), or the real logic: the same bits and cycles, slower.",
    ),
]
Args = Annotated[
    list[str] | None,
    typer.Option("--arg", metavar="NAME=SIZE", help="The size of a step.dimension in this launch; repeatable."),
]
Shards = Annotated[
    int | None,
    typer.Option("--shards", metavar="N", callback=within(1), help="Spread the program over N parts of the fabric."),
]
Plan = Annotated[
    Path | None,
    typer.Option("--plan", metavar="FILE.json", help='The same for each tensor: {"shards": 4, "tensors": {"keys": 2}}'),
]
_PROMPT = typer.Option("--prompt", help="Text to go on from.")
_PROMPT_IDS = typer.Option("--prompt-ids", metavar="5,17,3", help="The same as tokens.")
Prompt = Annotated[str | None, _PROMPT]
Prompts = Annotated[list[str] | None, _PROMPT]
PromptIds = Annotated[str | None, _PROMPT_IDS]
PromptsIds = Annotated[list[str] | None, _PROMPT_IDS]
Tokens = Annotated[int, typer.Option("--tokens", callback=within(1), help="Tokens to generate.")]
Temperature = Annotated[
    float | None, typer.Option("--temperature", callback=within(0), help="Sample; by default take the likeliest.")
]
Seed = Annotated[int | None, typer.Option("--seed", callback=within(0), help="Of what is sampled; 0 by default.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
