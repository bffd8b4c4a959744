"""Runs a cocotb bench of a component from pytest."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from cocotb_tools.check_results import get_results

from weft.hw.yosys import to_verilog
from weft.sim.rtl.testbench import module_ports
from weft.sim.verilator.build import Design, build
from weft.sim.verilator.environment import cocotb_environment

__all__ = ["run_bench"]


def run_bench(component: Any, module: str, folder: Path, *, seed: int, timeout: float = 120) -> int:
    """Run the cocotb tests of a Python module on a component; every port of it, and nothing else, is public.

    The component must not have been elaborated before. Returns the number of tests that ran.

    Raises
    ------
    AssertionError
        A test failed, none ran, or the simulator ended before all had; with the simulator's output.
    """
    text = to_verilog(component, "bench_top")
    ports = tuple(module_ports(text, "bench_top"))
    simulator = build(Design(top="bench_top", files={"bench_top.v": text}, public=ports))
    folder.mkdir(parents=True, exist_ok=True)
    environment = cocotb_environment("bench_top", module, folder, seed=seed)
    run = subprocess.run(
        [str(simulator.executable)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    output = f"seed {seed}\n{run.stdout}{run.stderr}"
    results = folder / "results.xml"
    assert results.exists(), f"the bench must end with results; {output}"
    tests, failed = get_results(results)
    assert tests > 0, f"module {module} must have cocotb tests; {output}"
    assert failed == 0, f"{failed} of {tests} tests failed; {output}"
    return tests
