"""What ``weft compile`` says of a program's speed: a value for programs, a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.compiler.choosing import Choice
    from weft.compiler.models.llama.decoder_program import CompiledDecoder

__all__ = ["candidates_text", "candidates_value", "predicted_table", "predicted_value"]

_WIDTH = 120


def candidates_value(choice: Choice) -> list[dict[str, Any]]:
    """What was tried for the spread of a program, the chosen one first."""
    return [
        {
            "shards": each.spread.shards,
            "tensors": dict(each.spread.tensors),
            "at_least": each.least,
            "cycles": each.cycles,
            "refused": each.refused,
        }
        for each in choice.candidates
    ]


def candidates_text(choice: Choice) -> str:
    """The same, a line each."""
    lines: list[str] = []
    for each in choice.candidates:
        limits = ", ".join(f"{name} {count}" for name, count in each.spread.tensors.items())
        what = f"{each.spread.shards} shard{'s' * (each.spread.shards > 1)}{f' ({limits})' * bool(limits)}"
        if each.refused:
            lines.append(f"not {what}: {each.refused}")
        elif each.cycles is None:
            lines.append(f"not {what}: at least {each.least:,} cycles")
        else:
            lines.append(f"{'spread over' if each is choice.chosen else 'not'} {what}: {each.cycles:,} cycles")
    return "\n".join(lines)


def predicted_value(compiled: CompiledDecoder, position: int) -> dict[str, Any]:
    """The launch at a position: cycles, its phases, and what the model says of other fabrics."""
    from weft.compiler.timing import advise, lift, predict

    mapping, arguments = compiled.program.mapping, compiled.arguments(position)
    prediction = predict(mapping, arguments)
    tried = advise(mapping, arguments)
    return {
        "position": position,
        "cycles": prediction.cycles,
        "channel": round(prediction.channel, 4),
        "phases": [
            {
                "name": phase.name,
                "cycles": phase.cycles,
                "bound": phase.bound.value,
                "channel": round(phase.channel, 4),
                "busiest": phase.busiest,
                "busy": round(phase.busy, 4),
                "lift": lift(phase, tried),
            }
            for phase in prediction.phases
        ],
        "changes": [{"field": each.field, "value": each.value, "cycles": each.prediction.cycles} for each in tried],
    }


def predicted_table(value: dict[str, Any]) -> str:
    """The phases, one a line, and the other fabrics."""
    from io import StringIO

    from rich.box import SIMPLE
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE, pad_edge=False)
    for title in ("phase", "cycles", "bound", "channel", "busiest PCU", "", "lifted by"):
        table.add_column(title, justify="right" if title in ("cycles", "channel", "") else "left")
    for phase in value["phases"]:
        shares = (f"{phase['channel']:.0%}", phase["busiest"], f"{phase['busy']:.0%}")
        table.add_row(phase["name"], f"{phase['cycles']:,}", phase["bound"], *shares, phase["lift"])
    text = StringIO()
    Console(file=text, width=_WIDTH, color_system=None, force_terminal=False).print(table)
    lines = [line.rstrip() for line in text.getvalue().strip("\n").splitlines()]
    lines.insert(
        0,
        f"predicted at position {value['position']}: {value['cycles']:,} cycles a token, a beat on the channels in "
        f"{value['channel']:.1%} of them",
    )
    lines += [
        f"with {each['field']}={each['value']}: {each['cycles']:,} cycles ({each['cycles'] / value['cycles'] - 1:+.1%})"
        for each in value["changes"]
    ]
    return "\n".join(lines)
