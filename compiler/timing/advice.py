"""What would lift a phase's bound: the model run with another fabric, where the mapping stays as it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from weft.compiler.backend.mapping import Mapping as Placed
from weft.compiler.timing.prediction import ENOUGH, Bound, Phase, Prediction, predict
from weft.compiler.timing.timing import Memory
from weft.hw.spec import FabricSpec

__all__ = ["Change", "advise", "changes_of", "lift"]

_WORTH = 0.02
"""A change that saves less of a phase does not lift it."""


@dataclass(frozen=True)
class Change:
    """A field of the spec with another value, and what is then predicted."""

    field: str
    value: int
    prediction: Prediction

    def saved(self, phase: Phase) -> float:
        """The part of a phase's cycles that it saves; negative if it costs some."""
        then = next((each.cycles for each in self.prediction.phases if each.name == phase.name), phase.cycles)
        return 1 - then / max(1, phase.cycles)


def changes_of(spec: FabricSpec, memory: Memory) -> list[tuple[str, int]]:
    """Fields and values to try: those that change neither what the program is nor where it lies.

    What is under way on a channel, and of one load, is tried only where memory's latency may not be covered.
    """
    changes: list[tuple[str, int]] = []
    if spec.channel_bits < min(32 * spec.lanes, 1024):
        changes.append(("channel_bits", 2 * spec.channel_bits))
    elif 2 * spec.channels <= min(2 * spec.rows, 32):
        changes.append(("channels", 2 * spec.channels))
    if spec.channel_window < min(2 * memory.latency, 4096):
        changes.append(("channel_window", 2 * spec.channel_window))
    if spec.agcu_buffer * spec.beat_bytes < 4 * memory.latency * spec.channel_bytes and spec.agcu_buffer < 1024:
        changes.append(("agcu_buffer", 2 * spec.agcu_buffer))
    if spec.fifo_depth < 64:
        changes.append(("fifo_depth", 2 * spec.fifo_depth))
    return changes


def advise(mapping: Placed, arguments: Mapping[int, int], *, memory: Memory | None = None) -> list[Change]:
    """Each change tried on a launch, that which saves most first.

    Raises
    ------
    WeftError
        As :func:`weft.compiler.timing.prediction.predict`.
    """
    tried: list[Change] = []
    for field, value in changes_of(mapping.spec, memory or Memory()):
        changed = replace(mapping, spec=mapping.spec.replace(**{field: value}))
        tried.append(Change(field, value, predict(changed, arguments, memory=memory)))
    return sorted(tried, key=lambda change: change.prediction.cycles)


def lift(phase: Phase, tried: list[Change]) -> str:
    """In words what would make a phase shorter."""
    best = max(tried, key=lambda change: change.saved(phase), default=None)
    if best is not None and (saved := best.saved(phase)) >= _WORTH:
        return f"{best.field}={best.value} saves {saved:.0%} of it"
    if min(phase.channel, phase.busy) >= ENOUGH:
        return f"both a wider channel and {phase.busiest!r} on two PCUs"
    if phase.bound is Bound.CHANNEL:
        return "none of these: others are fetched for"
    if phase.bound is Bound.ARITHMETIC:
        return f"more lanes, or {phase.busiest!r} on two PCUs"
    return "shorter waits between its units"
