"""Formats of weights on the fabric, in simulated RTL: cycles a token, how busy the channel is, and how far logits move.

Random weights say nothing of accuracy, so that is measured on the shipped model only.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from bench_decoder import DEMO, measure_decoder
from random_checkpoint import write_random_checkpoint
from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.checkpoints.quantised_checkpoint import quantised_files, weight_bytes
from weft.compiler.weights.quantised import Quantisation
from weft.sim.accuracy import accuracy

_figure = partial(result, command="python benchmarks/bench_formats.py --out FILE")
_SHIPPED = Path(__file__).parents[1] / "models" / "weft-tiny"
_TARGETS = {
    ("shipped", Quantisation.INT8): 1.7,
    ("shipped", Quantisation.MXFP4): 2.9,
    ("hidden_256", Quantisation.INT8): 1.9,
    ("hidden_256", Quantisation.MXFP4): 3.5,
}
"""Speed over bf16. The channel alone would give 2 and 3.76 without the cache; a small layer also waits for itself."""


def measure(prompt: int, tokens: int) -> list[Result]:
    """Results for the shipped model, and for a larger one with random weights."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as scratch:
        large = Path(scratch) / "hidden-256"
        write_random_checkpoint(
            large, hidden=256, layers=4, heads=8, kv_heads=4, intermediate=704, vocabulary=512, context=256
        )
        for name, folder in (("shipped", _SHIPPED), ("hidden_256", large)):
            plain, used = measure_decoder(folder, DEMO, prompt=prompt, tokens=tokens)
            results += _speed(f"bf16_{name}", plain, used)
            for form in Quantisation:
                small = Path(scratch) / f"{name}-{form}"
                small.mkdir()
                for file, content in quantised_files(folder, form).items():
                    (small / file).write_bytes(content)
                cycles, used = measure_decoder(small, DEMO, prompt=prompt, tokens=tokens)
                results += _speed(f"{form}_{name}", cycles, used)
                faster, target = plain / cycles, _TARGETS[name, form]
                results.append(_figure(f"formats_speedup_{form}_{name}", faster, "", better="higher", target=target))
                if folder is _SHIPPED:
                    results += _accuracy(form, folder, small)
    return results


def _speed(name: str, cycles: float, used: float) -> list[Result]:
    return [
        _figure(f"formats_cycles_per_token_{name}", cycles, "cycles", better="lower"),
        _figure(f"formats_channel_utilisation_{name}", used, "", better="higher"),
    ]


def _accuracy(form: Quantisation, folder: Path, small: Path) -> list[Result]:
    given = accuracy(read_checkpoint(folder), read_checkpoint(small), 256)
    return [
        _figure(f"formats_cosine_{form}", given.cosine, "", better="higher"),
        _figure(f"formats_agreement_{form}", given.agreement, "", better="higher"),
        _figure(f"formats_bytes_{form}", weight_bytes(small) / weight_bytes(folder), "of bf16", better="lower"),
    ]


if __name__ == "__main__":
    run(measure, __doc__, prompt=4, tokens=2)
