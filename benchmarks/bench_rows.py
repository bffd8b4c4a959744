"""Prompts and batches on the fabric, in simulated RTL: several tokens a launch, and how busy the multiply-adds are.

A projection's phase in a layer lasts from the first of its steps to the last. Its multiply-adds are those of all rows
with all weights; what its unit could have done in that time is a step a cycle in as many stages as there are rows.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import numpy as np
from random_checkpoint import write_random_checkpoint
from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.checkpoints.llama_config import LlamaConfig
from weft.compiler.models.llama.decoder_program import CompiledPrefill, compile_decoder
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.compare import compare_launches
from weft.sim.decoder import DecoderSession
from weft.sim.device import Activity, Launch
from weft.sim.functional.device import FunctionalDevice
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice

_figure = partial(result, command="python benchmarks/bench_rows.py --out FILE")
_SHIPPED = Path(__file__).parents[1] / "models" / "weft-tiny"
_PROJECTIONS = ("qkv", "o_proj", "gate", "up", "down")
_WINDOW = 32  # cycles
DEMO = PRESETS["demo"]


def measure_prefill(folder: Path, spec: FabricSpec, *, tokens: int) -> dict[str, float]:
    """Cycles a token of a prompt and of decode behind it, and the busy share of each projection and of all together.

    Raises
    ------
    ValueError
        The fabric takes no prompts, or the RTL computed something else than the functional device.
    """
    checkpoint = read_checkpoint(folder)
    compiled = compile_decoder(checkpoint.config, spec, prefill=True)
    prefill = compiled.prefill
    if prefill is None:
        raise ValueError(f"the fabric must take prompts, but {compiled.no_prefill}")
    rows, names = prefill.rows, {tile: unit for unit, tile in prefill.program.mapping.tiles.items()}
    ids = np.random.default_rng(1).integers(0, checkpoint.config.vocab_size, tokens + 1).tolist()
    launches: list[Launch] = []
    with RtlDevice(
        spec, memory_bytes=compiled.memory_bytes, count=False, checks=False, activity=_WINDOW, arith="native"
    ) as chip:
        golden = DecoderSession(compiled, checkpoint, spec, FunctionalDevice(spec, memory_bytes=compiled.memory_bytes))
        session = DecoderSession(compiled, checkpoint, spec, chip)
        for begin in range(0, tokens // rows * rows, rows):
            for each in (golden, session):
                each.prefill(ids[begin : begin + rows])
            launches.append(session.launch)
            compared = compare_launches(golden.launch, session.launch, names)
            if compared.mismatches:
                raise ValueError(f"the RTL must compute what the functional device does, not {compared}")
        session.step(ids[tokens])
    shares = _shares(checkpoint.config, spec, prefill, launches)
    return {
        "cycles_per_token": sum(launch.cycles for launch in launches) / (len(launches) * rows),
        "decode_cycles_per_token": session.launch.cycles,
        **shares,
    }


def _shares(
    config: LlamaConfig, spec: FabricSpec, prefill: CompiledPrefill, launches: list[Launch]
) -> dict[str, float]:
    hidden, wide, queries = config.hidden_size, config.intermediate_size, config.query_size
    matrices = {
        "qkv": hidden * (queries + 2 * config.kv_size),
        "o_proj": queries * hidden,
        "gate": hidden * wide,
        "up": hidden * wide,
        "down": wide * hidden,
    }
    steps_of = {name: weights // spec.lanes for name, weights in matrices.items()}
    turns, steps, cycles = config.layers, dict.fromkeys(_PROJECTIONS, 0), dict.fromkeys(_PROJECTIONS, 0)
    for launch in launches:
        assert launch.activity is not None
        for name in _PROJECTIONS:
            steps[name] += turns * steps_of[name]
            cycles[name] += _phases(launch.activity, prefill.program.mapping.tiles[name], turns)
    shares = {name: steps[name] / cycles[name] for name in _PROJECTIONS}
    return {**shares, "projections": sum(steps.values()) / sum(cycles.values())}


def _phases(activity: Activity, tile: object, turns: int) -> int:
    """Cycles of a unit's phases: in each turn from the window of its first busy cycle to that of its last."""
    busy = activity.tiles[tile][:, 0].astype(np.int64)  # pyright: ignore[reportArgumentType]
    done = np.cumsum(busy)
    ends = done[-1] * np.arange(1, turns + 1) // turns
    last = np.searchsorted(done, ends)
    first = np.searchsorted(done, np.append(0, ends[:-1]), side="right")
    return int((last - first + 1).sum()) * activity.window


def measure_batch(folder: Path, spec: FabricSpec, *, positions: int) -> float:
    """Cycles a token of as many sequences as a PCU has stages, at the first positions.

    Raises
    ------
    ValueError
        The RTL computed something else than the functional device.
    """
    checkpoint = read_checkpoint(folder)
    count = min(spec.stages, spec.lanes)
    compiled = compile_decoder(checkpoint.config, spec, sequences=count)
    ids = np.random.default_rng(1).integers(0, checkpoint.config.vocab_size, (positions, count)).tolist()
    result = Generation()
    with RtlDevice(
        spec, memory_bytes=compiled.memory_bytes, count=False, checks=False, activity=_WINDOW, arith="native"
    ) as chip:
        decoder = ComparedDecoder(compiled, checkpoint, spec, result, chip)
        for row in ids:
            decoder.step(*row)
    if result.comparison.mismatches:
        raise ValueError(f"the RTL must compute what the functional device does, not {result.comparison}")
    return sum(result.cycles_by_token) / (positions * count)


def measure(tokens: int) -> list[Result]:
    """Results for the shipped model, and for a larger one with random weights."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as scratch:
        large = Path(scratch) / "hidden-256"
        write_random_checkpoint(
            large, hidden=256, layers=2, heads=8, kv_heads=4, intermediate=704, vocabulary=512, context=256
        )
        for name, folder in (("shipped", _SHIPPED), ("hidden_256", large)):
            figures = measure_prefill(folder, DEMO, tokens=tokens)
            faster = figures["decode_cycles_per_token"] / figures["cycles_per_token"]
            results += [
                _figure(f"prefill_cycles_per_token_{name}", figures["cycles_per_token"], "cycles", better="lower"),
                _figure(f"prefill_speed_of_decode_{name}", faster, "", better="higher"),
                *(_figure(f"prefill_busy_{each}_{name}", figures[each], "", better="higher") for each in _PROJECTIONS),
                _figure(f"prefill_busy_{name}", figures["projections"], "", better="higher", target=0.8),
                _figure(
                    f"batch_cycles_per_token_{name}",
                    measure_batch(folder, DEMO, positions=4),
                    "cycles",
                    better="lower",
                ),
            ]
    return results


if __name__ == "__main__":
    run(measure, __doc__, tokens=64)
