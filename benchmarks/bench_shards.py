"""Decoders spread over 1, 2, 4 and 8 channels, in simulated RTL: cycles of a token, how busy the channels are, what was
predicted, and values that differ from the functional device.

What a launch computes does not change its time, so the caches of earlier positions are zeros.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from random_checkpoint import write_random_checkpoint
from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.compiler.passes.sharding import Spread
from weft.compiler.timing import predict
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.compare import compare_launches
from weft.sim.decoder import DecoderSession
from weft.sim.functional.device import FunctionalDevice
from weft.sim.rtl.device import RtlDevice

_figure = partial(result, command="python benchmarks/bench_shards.py --out FILE")
_SHIPPED = Path(__file__).parents[1] / "models" / "weft-tiny"
_HIDDEN_256 = dict(hidden=256, layers=4, heads=8, kv_heads=4, intermediate=688, vocabulary=512, context=256)
_SIDES = {1: (10, 7), 2: (14, 9), 4: (26, 8), 8: (44, 6)}
"""Rows and columns of an array that holds so many shards."""
_TARGETS = {
    "weft_tiny": {2: (1.8, None), 4: (3.0, None)},
    "hidden_256": {1: (None, 97.0), 2: (1.9, 97.0), 4: (3.6, 94.0), 8: (6.5, 80.0)},
}
"""Times the tokens a cycle of one channel, and % of the cycles in which a channel moves data."""
_ERROR = 2.0


@dataclass(frozen=True)
class Token:
    """What one token took."""

    cycles: int
    predicted: int
    busy: float
    mismatches: int


def fabric(shards: int) -> FabricSpec:
    """``demo`` tiles and a channel of 128 bits a shard, in an array that is large enough."""
    rows, columns = _SIDES[shards]
    return PRESETS["demo"].replace(rows=rows, columns=columns, channels=shards)


def token(checkpoint: LlamaCheckpoint, shards: int, position: int) -> Token:
    """A token at a position, on RTL and on the functional device."""
    spec = fabric(shards)
    compiled = compile_decoder(checkpoint.config, spec, spread=Spread(shards))
    names = {tile: unit for unit, tile in compiled.program.mapping.tiles.items()}
    golden = DecoderSession(compiled, checkpoint, spec, FunctionalDevice(spec, memory_bytes=compiled.memory_bytes))
    with RtlDevice(spec, memory_bytes=compiled.memory_bytes, count=False, checks=False, arith="native") as chip:
        session = DecoderSession(compiled, checkpoint, spec, chip)
        for each in (golden, session):
            each.position = position
            each.step(1)
    launch, mapping = session.launch, compiled.program.mapping
    beats = sum(read + written for read, written in launch.channel_beats)
    compared = compare_launches(golden.launch, launch, names)
    assert compared.compared
    return Token(
        launch.cycles,
        predict(mapping, compiled.arguments(position)).cycles,
        beats / launch.cycles / spec.channels,
        compared.mismatches,
    )


def measure(shards: list[int], position: int) -> list[Result]:
    """All models on all numbers of shards; the first number is what the others are compared with."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "hidden-256"
        write_random_checkpoint(folder, **_HIDDEN_256)
        for name, where in (("weft_tiny", _SHIPPED), ("hidden_256", folder)):
            checkpoint, targets = read_checkpoint(where), _TARGETS[name]
            one: Token | None = None
            for count in shards:
                if count != shards[0] and count not in targets:
                    continue
                found = token(checkpoint, count, position)
                one = one or found
                faster, busy = targets.get(count, (None, None))
                results += _results(f"shards_{name}_{count}", found, one.cycles / found.cycles, faster, busy)
                print(f"{name} {count}: {found}", flush=True)
    return results


def _results(name: str, found: Token, faster: float, least: float | None, busy: float | None) -> list[Result]:
    error = 100 * abs(found.predicted / found.cycles - 1)
    return [
        _figure(f"{name}_cycles", found.cycles, "cycles", better="lower"),
        _figure(f"{name}_faster", faster, "x", better="higher", target=least),
        _figure(f"{name}_channels_busy", 100 * found.busy, "%", better="higher", target=busy),
        _figure(f"{name}_prediction_error", error, "%", better="lower", target=_ERROR),
        _figure(f"{name}_mismatches", found.mismatches, "values", better="lower", target=0),
    ]


if __name__ == "__main__":
    run(measure, __doc__, shards=[1, 2, 4, 8], position=64)
