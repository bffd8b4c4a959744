"""The performance model against simulated RTL: cycles of a token, for models and positions on fabrics of other balance.

What a launch computes does not change its time, so the caches of earlier positions are left as they are in memory.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from random_checkpoint import write_random_checkpoint
from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.compiler.timing import Memory, predict
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.decoder import DecoderSession
from weft.sim.rtl.device import RtlDevice

_figure = partial(result, better="lower", command="python benchmarks/bench_performance_model.py --out FILE")
_TARGET = 8.0
_SHIPPED = Path(__file__).parents[1] / "models" / "weft-tiny"
_DEMO = PRESETS["demo"]
FABRICS: dict[str, FabricSpec] = {
    "demo": _DEMO,
    "wide": _DEMO.replace(channel_bits=256),
    "narrow": _DEMO.replace(lanes=4, channels=2, channel_bits=64),
    "shallow": _DEMO.replace(acc_depth=16, agcu_buffer=16, fifo_depth=2, channel_window=16),
}
"""``demo``; twice the width of its channel; half the lanes and two channels of half the width; small buffers."""
LATENCIES = {"demo": (32, 200), "shallow": (32, 8)}
"""Of memory, where it is not only 32."""
MODELS: dict[str, dict[str, int]] = {
    "hidden_128": dict(hidden=128, layers=2, heads=4, kv_heads=2, intermediate=384, vocabulary=256, context=512),
    "many_heads": dict(hidden=160, layers=2, heads=10, kv_heads=5, intermediate=320, vocabulary=512, context=256),
    "large_head": dict(hidden=64, layers=6, heads=4, kv_heads=4, intermediate=256, vocabulary=1024, context=128),
}
"""Shapes of checkpoints with random weights."""
POSITIONS = {"shipped": (3, 250), "hidden_128": (20, 400), "many_heads": (60,), "large_head": (100,)}
"""Where each is measured."""


@dataclass(frozen=True)
class Pair:
    """A model at a position on a fabric, with cycles predicted and measured."""

    name: str
    predicted: int
    measured: int

    @property
    def error(self) -> float:
        """In % of what was measured."""
        return 100 * abs(self.predicted / self.measured - 1)


def measure_pairs(fabric: str, scratch: Path) -> Iterator[Pair]:
    """All models on a fabric."""
    spec = FABRICS[fabric]
    for latency, (name, positions) in product(LATENCIES.get(fabric, (32,)), POSITIONS.items()):
        folder = _SHIPPED if name == "shipped" else scratch / name
        if not folder.exists():
            write_random_checkpoint(folder, **MODELS[name])
        checkpoint = read_checkpoint(folder)
        compiled = compile_decoder(checkpoint.config, spec)
        with RtlDevice(
            spec,
            memory_bytes=compiled.memory_bytes,
            latency=latency,
            record=False,
            count=False,
            checks=False,
            arith="native",
        ) as chip:
            session = DecoderSession(compiled, checkpoint, spec, chip)
            for position in positions:
                session.position = position
                session.step(1)
                prediction = predict(compiled.program.mapping, compiled.arguments(position), memory=Memory(latency))
                yield Pair(f"{fabric}_latency_{latency}_{name}_{position}", prediction.cycles, session.launch.cycles)


def measure(fabrics: list[str]) -> list[Result]:
    """The largest and the mean error, and each pair; printed as well."""
    with tempfile.TemporaryDirectory() as scratch:
        pairs = [pair for fabric in fabrics for pair in measure_pairs(fabric, Path(scratch))]
    errors = [pair.error for pair in pairs]
    results = [
        _figure("performance_model_largest_error", max(errors), "%", target=_TARGET),
        _figure("performance_model_mean_error", sum(errors) / len(errors), "%"),
        result(
            "performance_model_pairs", len(pairs), "", better="higher", command=_figure.keywords["command"], target=20
        ),
    ]
    for pair in pairs:
        about = {"predicted": pair.predicted, "measured": pair.measured}
        results.append(_figure(f"performance_model_error_{pair.name}", pair.error, "%", target=_TARGET) | about)
    for each in results:
        cycles = f"  predicted {each['predicted']:,}, measured {each['measured']:,}" if "measured" in each else ""
        print(f"{each['name']}: {each['value']:g} {each['unit']}{cycles}".rstrip())
    return results


if __name__ == "__main__":
    run(measure, __doc__, choices={"fabrics": FABRICS}, fabrics=list(FABRICS))
