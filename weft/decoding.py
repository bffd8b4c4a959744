"""What the subcommands that run decoders share: the RTL they run on, and what they say of a run."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from weft.common import working
from weft.signals import write_signals

if TYPE_CHECKING:
    from weft.compiler.models.llama.rounding import Rounding
    from weft.hw.spec import FabricSpec
    from weft.sim.decoder import CompiledModel
    from weft.sim.generate import Generation
    from weft.sim.rtl.device import RtlDevice

__all__ = ["rtl_device", "summary", "table", "tell_rounding"]

_WINDOW = 4096  # cycles; only the sums are shown
_HIDDEN = ("tokens", "prompt_ids", "text", "first_mismatches")


def rtl_device(
    compiled: CompiledModel, spec: FabricSpec, stack: ExitStack, *, stalls: int | None, waves: Path | None, arith: str
) -> RtlDevice:
    """A simulator with the memory of a decoder, closed with the stack; with ``waves`` their map of signals, too."""
    from weft.sim.rtl.device import RtlDevice

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
        write_signals(waves, spec, {name: program.mapping for name, program in compiled.programs.items()})
    return chip


def tell_rounding(done: Rounding) -> None:
    """One line on stderr if the fabric's weights are not those of the checkpoint."""
    if done.rounded:
        typer.echo(
            f"weft: {done.rounded:,} of {done.weights:,} weights are rounded to bf16, by {done.most:.3g} at most, "
            f"{done.most_relative:.2%} of a weight; --device reference takes them as they are",
            err=True,
        )


def summary(
    spec: FabricSpec, result: Generation, seconds: float, run_seconds: float, *, sequences: int = 1
) -> dict[str, Any]:
    """Figures of a run that took so many seconds, of which ``run_seconds`` without building the simulator.

    Tokens are those that were processed by themselves, of all sequences.
    """
    cycles, count = sum(result.cycles_by_token) + result.looped_cycles, len(result.logits) * sequences
    peak = cycles * spec.channels
    simulated = cycles + result.prefill_cycles + result.load_cycles + result.host_cycles
    return {
        "fabric": spec.name,
        "cycles": cycles + result.prefill_cycles,
        "prefill_tokens": result.prefilled,
        "prefill_cycles_per_token": result.prefill_cycles / result.prefilled if result.prefilled else 0,
        "cycles_per_token": cycles / count,
        "one_launch_tokens": result.looped,
        "one_launch_cycles_per_token": result.looped_cycles / result.looped if result.looped else 0,
        "launches_per_token": result.launches / count,
        "load_cycles_per_token": result.load_cycles / count,
        "host_cycles_per_token": result.host_cycles / count,
        "compared": result.comparison.compared,
        "mismatches": result.comparison.mismatches,
        "first_mismatches": list(result.comparison.first),
        "failed_at": result.failed_at,
        "offchip_bytes": result.offchip,
        "offchip_bytes_per_token": {kind: bytes_ / count for kind, bytes_ in result.offchip.items()},
        "channel_utilisation": result.channel_beats / peak if peak else 0.0,
        "tile_utilisation": {kind: busy / all_ for kind, (busy, all_) in sorted(result.tile_cycles.items())},
        "wall_seconds": round(seconds, 3),
        "simulated_khz": round(simulated / run_seconds / 1e3, 3),
    }


def table(value: dict[str, Any]) -> str:
    """A summary for people: a line for each figure that there is, those of RTL only after a run on it."""
    always = {"failed_at", "mismatches"} if value["compared"] else set()
    rows = {key: each for key, each in value.items() if key not in _HIDDEN and (each or key in always)}
    rows = {key: each for key, each in rows.items() if each is not None}
    width = max(map(len, rows))
    return "\n".join(f"{key:<{width}}  {_figure(key, each)}" for key, each in rows.items())


def _figure(name: str, value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {_figure(name, each)}" for key, each in value.items())
    if isinstance(value, float):
        return f"{value:.1%}" if name.endswith("_utilisation") else f"{value:,.3f}".rstrip("0").rstrip(".")
    return f"{value:,}" if isinstance(value, int) else str(value)
