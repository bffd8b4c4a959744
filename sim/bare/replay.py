"""A recorded run again, by a simulator without cocotb."""

from __future__ import annotations

import resource
import subprocess
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from weft.sim.bare.recording import Recorded
from weft.sim.verilator.build import Design, Simulator, build

__all__ = ["Replayed", "bare_simulator", "replay"]

_MAIN = Path(__file__).parent / "main.cpp"


@dataclass(frozen=True)
class Replayed:
    """A run: what the host was told, the memory at the end, and seconds.

    ``cpu_seconds`` are those of the whole process, ``loop_seconds`` without its start, ``wall_seconds`` by the clock.
    """

    told: bytes
    memory: bytes
    cpu_seconds: float
    loop_seconds: float
    wall_seconds: float


def bare_simulator(design: Design) -> Simulator:
    """The simulator of a chip's design, around the same model, that :func:`replay` starts."""
    return build(replace(design, main=_MAIN.read_text()))


def replay(simulator: Simulator, recorded: Recorded) -> Replayed:
    """Run it to its end; tiles' ports do not stall.

    Raises
    ------
    CalledProcessError
        An assertion of the design failed, or the script is not whole.
    """
    with tempfile.TemporaryDirectory(prefix="weft-") as name:
        script, memory, out = (Path(name, each) for each in ("script", "memory", "out"))
        script.write_bytes(recorded.script)
        memory.write_bytes(bytes(recorded.memory_bytes))
        before, begun = _child_seconds(), time.perf_counter()
        command = [str(each) for each in (simulator.executable, script, memory, out)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        wall, after = time.perf_counter() - begun, _child_seconds()
        return Replayed(out.read_bytes(), memory.read_bytes(), after - before, float(run.stdout), wall)


def _child_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
