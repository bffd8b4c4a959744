"""From a fabric's parameters to its simulator: seconds to elaborate, verilate, compile and link.

The simulator is that of `weft generate`. Cold is a process of its own with an empty cache folder. Wall time counts for
targets in seconds; where two builds are compared, processor time does, which other users of the machine disturb less.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from results import Result, result, run

from weft.hw.presets import PRESETS
from weft.hw.spec import FabricSpec

_figure = partial(result, better="lower", command="python benchmarks/bench_build.py --out FILE")
_BUILD = """
import sys
from weft.hw.elaborate import elaborate
from weft.hw.spec import FabricSpec
from weft.sim.rtl.testbench import chip_design
from weft.sim.verilator.build import build
spec = FabricSpec.model_validate_json(sys.argv[1], strict=False)
build(chip_design(elaborate(spec, taps=True, clock_gating=True, native=True).files))
"""
DEMO = PRESETS["demo"]


def seconds(spec: FabricSpec, cache: Path) -> tuple[float, float]:
    """Wall time and processor time of a build with that cache folder."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-c", _BUILD, spec.model_dump_json()]
    subprocess.run(command, env={**os.environ, "WEFT_CACHE": str(cache)}, check=True)
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure() -> list[Result]:
    """Results; each fabric has a cache of its own, but that of the change, which finds what `demo` has left."""
    results: list[Result] = []

    def add(name: str, spec: FabricSpec, cache: Path, target: float | None = None) -> float:
        wall, processor = seconds(spec, cache)
        results.append(_figure(f"build_{name}", wall, "s", target=target))
        results.append(_figure(f"build_{name}_processor", processor, "s"))
        return processor

    def pieces(cache: Path) -> int:
        return sum(path.is_dir() for path in cache.joinpath("pieces").iterdir())

    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "demo"
        add("demo_cold", DEMO, cache, 60)
        add("demo_warm", DEMO, cache, 1)
        before = pieces(cache)
        add("demo_other_pmu", DEMO.replace(pmu_lines=2 * DEMO.pmu_lines), cache)
        results.append(_figure("build_demo_other_pmu_pieces", pieces(cache) - before, "pieces", target=1))
        small, large = (
            add(f"{n}x{n}_cold", DEMO.replace(rows=n, columns=n), Path(folder) / f"{n}x{n}") for n in (4, 16)
        )
        results.append(_figure("build_ratio_16_to_4", large / small, "", target=1.3))
        add("plasticine_cold", PRESETS["plasticine"], Path(folder) / "plasticine", 360)
    return results


if __name__ == "__main__":
    run(measure, __doc__)
