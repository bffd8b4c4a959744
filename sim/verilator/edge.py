"""C++ that takes a verilated model through a clock cycle, without what Verilator's ``eval`` would do for nothing.

``eval`` compares each clock with what it was, evaluates what waits for those that moved, and looks again until none
does. A model that waits for nothing but one clock, gated or not, leaves nothing to find out: at the falling edge its
gates sample their enables, at the rising edge the clock rises, and with it the gated clocks that are enabled. So the
parts of ``eval`` are called one by one, and told what moves.
"""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["edge_calls", "edge_declarations"]

_TRIGGER = re.compile(r"' region trigger index (\d+) is active: (@[^\"\\]*)")
_GATED = re.compile(r"@\(posedge \(clk & ([\w.$]+_clock\.enable)\)\)")
_WORD = 64
"""Triggers that Verilator keeps in a word; more are left to ``eval``."""


def edge_declarations(top: str) -> list[str]:
    """What :func:`edge_calls` calls and Verilator's headers do not declare."""
    root = f"V{top}___024root"
    return [f"bool {root}___eval_phase__ico({root}*);", f"void {root}___eval_nba({root}*);"]


def edge_calls(folder: Path, top: str) -> list[str]:
    """C++ that takes a verilated model, ``model``, through a cycle, with its inputs as they are before the rising edge.

    ``changed`` says whether one of them is another than in the cycle before; they are looked at once, if at all. Before
    the first cycle, ``eval`` must have been called. Where the model waits for anything but its clock, ``clk``, and the
    gates of :mod:`weft.hw.clock_gate`, a cycle is ``eval`` at both edges.

    Parameters
    ----------
    folder
        With what Verilator made of the module ``top``.
    """
    sources = [path.read_text() for path in folder.glob("V*.cpp")]
    root = f"V{top}___024root"
    moved = _moved({match for text in sources for match in _TRIGGER.findall(text)}, (folder / f"{root}.h").read_text())
    if moved is None:
        return ["model.clk = 0;", "model.eval();", "model.clk = 1;", "model.eval();"]
    calls = []
    if any(f"{root}___eval_phase__ico(" in text for text in sources):
        look = f"{root}___eval_phase__ico(model.rootp);"
        calls += ["if (changed) {", "  model.rootp->__VicoFirstIteration = 1;", f"  {look}", "}"]
    for mask in moved:
        calls += [f"model.rootp->__VnbaTriggered[0] = {mask};", f"{root}___eval_nba(model.rootp);"]
    return calls


def _moved(triggers: set[tuple[str, str]], header: str) -> list[str] | None:
    """C++ of the triggers, bit by bit, that are active at the falling edge, if any is, and at the rising one."""
    falling, rising = [], []
    for number, event in sorted((int(number), event) for number, event in triggers):
        gated = _GATED.fullmatch(event)
        if number >= _WORD:
            return None
        if event == "@(negedge clk)":
            falling.append(f"{1 << number}ULL")
        elif event == "@(posedge clk)":
            rising.append(f"{1 << number}ULL")
        elif gated and re.search(rf"\b{(enable := _member(gated[1]))};", header):
            rising.append(f"QData{{model.rootp->{enable}}} << {number}")
        else:
            return None
    return [" | ".join(mask) for mask in (falling, rising) if mask]


def _member(path: str) -> str:
    """Verilator's C++ name for a signal, by its path in the design."""
    names = (name.replace("__", "___05F").replace("$", "__024") for name in path.split("."))
    return "__DOT__".join(names)
