"""What ``weft compile`` says of a program's speed: a value for programs, a table for people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from weft.compiler.models.llama.decoder_program import CompiledDecoder

__all__ = ["predicted_table", "predicted_value"]

_WIDTH = 120


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
