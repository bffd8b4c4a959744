"""What cocotb costs: a decoder on `demo` in simulated RTL, with cocotb as its test bench and in a bare loop in C++.

Both are the same verilated model with the same options, and what the host does is recorded with cocotb and done again
without: the same writes, reads and waits, the beats of every buffer handed out. All that the host is told, every
launch's cycles and what it writes into memory must be equal. Ratios are of the time in which the simulator works, by
the clock and of its processor, which does not measure what else the machine does; and of the latter with the start and
end of the process. The best of some rounds, the two in turn.
"""

from __future__ import annotations

import resource
from functools import partial
from pathlib import Path

from results import Result, result, run

from weft.compiler.checkpoints.checkpoint import LlamaCheckpoint, read_checkpoint
from weft.compiler.models.llama.decoder_program import CompiledDecoder, compile_decoder
from weft.hw.presets import PRESETS
from weft.sim.bare.recording import Recorded, RecordedDevice
from weft.sim.bare.replay import bare_simulator, replay
from weft.sim.decoder import DecoderSession
from weft.sim.verilator.build import Design

_figure = partial(result, better="lower", command="python benchmarks/bench_cocotb.py --out FILE")
MODEL = Path(__file__).parents[1] / "models" / "weft-tiny"
DEMO = PRESETS["demo"]
_TARGET = 1.05
_WINDOW = 4096  # of `weft generate`
_TIMES = {
    "loop_seconds": "cocotb_over_bare_loop",
    "wall_seconds": "cocotb_over_bare_loop_wall",
    "cpu_seconds": "cocotb_over_bare_loop_with_start",
}


class Run:
    """A run with cocotb: seconds as :class:`weft.sim.bare.replay.Replayed` has them, and what is compared."""

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
    best: dict[str, float] = {}
    for _ in range(rounds):
        cocotb = Run(compiled, checkpoint, tokens)
        bare = replay(simulator, cocotb.recorded)
        if bare.told != cocotb.recorded.told or bare.memory != cocotb.memory:
            raise ValueError("a bare loop must tell the host what the run with cocotb did")
        for name in _TIMES:
            for kind, each in (("cocotb", cocotb), ("bare", bare)):
                key = f"{kind} {name}"
                best[key] = min(best.get(key, float("inf")), getattr(each, name))
        best["start"] = min(best.get("start", float("inf")), cocotb.cpu_seconds - cocotb.loop_seconds)
    return [
        *(
            _figure(name, best[f"cocotb {time}"] / best[f"bare {time}"], "", target=_TARGET)
            for time, name in _TIMES.items()
        ),
        _figure("cocotb_start_and_end", best["start"], "s"),
        _figure("bare_loop", best["bare loop_seconds"], "s"),
    ]


def _child_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    run(measure, __doc__, tokens=64, rounds=4)
