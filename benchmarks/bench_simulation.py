"""How fast the RTL is simulated: cycles a processor second of a decoder on `demo`, and with four times the tiles.

The larger fabric runs the same model, so about as many tiles work. What native arithmetic is worth in the whole of
a simulation is measured with a prompt, which keeps arithmetic as busy as a decoder can. Processor time is that of the
simulator, cocotb included; wall time would also measure what else the machine does.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import read_checkpoint
from weft.compiler.models.llama.decoder_program import compile_decoder
from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec
from weft.sim.decoder import DecoderSession
from weft.sim.generate import ComparedDecoder, Generation
from weft.sim.rtl.device import RtlDevice

_figure = partial(result, better="higher", command="python benchmarks/bench_simulation.py --out FILE")
MODEL = Path(__file__).parents[1] / "models" / "weft-tiny"
DEMO = PRESETS["demo"]


def cycles_per_second(spec: FabricSpec, *, tokens: int, rounds: int) -> float:
    """Of the best of some rounds; each is compared with the functional device.

    Raises
    ------
    ValueError
        The RTL computed something else.
    """
    checkpoint = read_checkpoint(MODEL)
    compiled = compile_decoder(checkpoint.config, spec)
    best = 0.0
    for _ in range(rounds):
        with RtlDevice(spec, memory_bytes=compiled.memory_bytes, count=False, checks=False) as chip:
            result = Generation()
            decoder = ComparedDecoder(compiled, checkpoint, spec, result, chip)
            cycles, seconds, token = chip.cycles, chip.cpu_seconds, 1
            for _ in range(tokens):
                token = int(decoder.step(token).argmax())
            best = max(best, (chip.cycles - cycles) / (chip.cpu_seconds - seconds))
        if result.comparison.mismatches:
            raise ValueError(f"the RTL must compute what the functional device does, not {result.comparison}")
    return best


def native_over_rtl_in_prefill(*, rounds: int) -> float:
    """Speed with native arithmetic over that with real logic, a prompt of 16 tokens, the best of some rounds each.

    Raises
    ------
    ValueError
        They do not leave the same memory behind.
    """
    checkpoint = read_checkpoint(MODEL)
    compiled = compile_decoder(checkpoint.config, DEMO, prefill=True)
    assert compiled.prefill is not None
    rows = compiled.prefill.rows
    best, memories = {"native": float("inf"), "rtl": float("inf")}, set[bytes]()
    for _ in range(rounds):
        for arith in best:
            with RtlDevice(DEMO, memory_bytes=compiled.memory_bytes, count=False, checks=False, arith=arith) as chip:
                session = DecoderSession(compiled, checkpoint, DEMO, chip)
                seconds = chip.cpu_seconds
                for begin in range(0, 16, rows):
                    session.prefill(list(range(begin, begin + rows)))
                best[arith] = min(best[arith], chip.cpu_seconds - seconds)
                memories.add(chip.memory.tobytes())
    if len(memories) > 1:
        raise ValueError("native arithmetic must leave the memory that real logic does")
    return best["rtl"] / best["native"]


def measure(tokens: int, rounds: int) -> list[Result]:
    """Results; ratios are of speeds in this one run."""
    large = DEMO.replace(rows=2 * DEMO.rows, columns=2 * DEMO.columns)
    speeds = [cycles_per_second(spec, tokens=tokens, rounds=rounds) for spec in (DEMO, large)]
    return [
        _figure("simulation_demo", speeds[0], "cycles/s"),
        _figure("simulation_demo_four_times_the_tiles", speeds[1], "cycles/s"),
        _figure("simulation_ratio_four_times_the_tiles", speeds[1] / speeds[0], "", target=0.5),
        _figure("simulation_prefill_native_over_rtl", native_over_rtl_in_prefill(rounds=rounds), ""),
    ]


if __name__ == "__main__":
    run(measure, __doc__, tokens=8, rounds=2)
