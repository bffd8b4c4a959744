"""What cocotb costs: a decoder on `demo` in simulated RTL, with cocotb as its test bench and in a bare loop in C++.

Both are the same verilated model with the same options, and what the host does is recorded with cocotb and done again
without. What the host was told, the beats of every buffer and the memory are compared: all must be equal, and the
cycles. Ratios are of the processor time of the simulating process: wall time would also measure what else the machine
does. The best of some rounds, the two in turn.
"""

from __future__ import annotations

import argparse
import resource
from functools import partial
from pathlib import Path

from results import Result, result, save

from compiler.checkpoint import LlamaCheckpoint, read_checkpoint
from compiler.decoder_program import CompiledDecoder, compile_decoder
from hw.presets import PRESETS
from sim.bare.recording import Recorded, RecordedDevice
from sim.bare.replay import bare_simulator, replay
from sim.decoder import DecoderSession
from sim.verilator.build import Design

_figure = partial(result, command="python benchmarks/bench_cocotb.py --out FILE")
MODEL = Path(__file__).parents[1] / "models" / "weft-tiny"
DEMO = PRESETS["demo"]
_TARGET = 1.05
_WINDOW = 4096  # of `weft generate`


class Run:
    """A run with cocotb: seconds as :class:`sim.bare.replay.Replayed` has them, and what is compared."""

    def __init__(self, compiled: CompiledDecoder, checkpoint: LlamaCheckpoint, tokens: int) -> None:
        before = _child_seconds()
        options = {"count": False, "checks": False, "activity": _WINDOW, "arith": "native"}  # of `weft generate`
        with RecordedDevice(DEMO, memory_bytes=compiled.memory_bytes, **options) as chip:
            ready = chip.cpu_seconds
            session, token = DecoderSession(compiled, checkpoint, DEMO, chip), 1
            for _ in range(tokens):
                token = int(session.step(token).argmax())
            self.loop_seconds = chip.cpu_seconds - ready
            self.wall_seconds = chip.wall_seconds
            self.cycles = chip.cycles
            self.memory = chip.memory.tobytes()
            self.recorded: Recorded = chip.recorded
            self.design: Design = chip.design
        self.cpu_seconds = _child_seconds() - before


def measure(tokens: int, rounds: int) -> list[Result]:
    """Results.

    Raises
    ------
    ValueError
        The two runs are not the same.
    """
    checkpoint = read_checkpoint(MODEL)
    compiled = compile_decoder(checkpoint.config, DEMO)
    simulator = bare_simulator(Run(compiled, checkpoint, 1).design)
    best = {}
    for _ in range(rounds):
        run = Run(compiled, checkpoint, tokens)
        bare = replay(simulator, run.recorded)
        if bare.told != run.recorded.told or bare.memory != run.memory:
            raise ValueError("a run in a bare loop must tell the host what the run with cocotb does")
        for kind, each in (("cocotb", run), ("bare", bare)):
            for name in ("loop_seconds", "cpu_seconds", "wall_seconds"):
                key = f"{kind}_{name}"
                best[key] = min(best.get(key, float("inf")), getattr(each, name))
                print(key,getattr(each,name))
    return [
        _figure("cocotb_cycles", run.cycles, "cycles", better="lower"),
        _figure("cocotb_over_bare_loop", best["cocotb_loop_seconds"] / best["bare_loop_seconds"], "", better="lower", target=_TARGET),
    ]


def _child_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Write the results as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tokens", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    save(measure(arguments.tokens, arguments.rounds), arguments.out)


if __name__ == "__main__":
    main()
