"""A simulator with a ``main`` of its own, without cocotb: for benches that drive a component from C++."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from weft.sim.verilator import toolchain
from weft.sim.verilator.edge import edge_calls, edge_declarations
from weft.sim.verilator.environment import build_environment

__all__ = ["build_plain"]


def build_plain(files: Mapping[str, str], *, top: str, folder: Path) -> Path:
    """Verilate and compile ``files``, text by name, in ``folder``; returns the executable.

    One of them has ``main`` and includes ``V{top}.h``, or ``cycle.h``, where ``cycle(model, changed)`` is a cycle as
    :mod:`weft.sim.verilator.edge` has it. Optimised as the simulators of a fabric are.

    Raises
    ------
    RuntimeError
        Verilator or the compiler refused; the message ends with what they said.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).write_text(text)
    verilate = [str(toolchain.verilator_root() / "bin" / "verilator"), "--cc", "--exe", "-O3", "--no-timing"]
    verilate += ["--x-assign", "fast", "--x-initial", "fast", "-Wno-lint", "-Wno-style", "-Wno-fatal"]
    verilate += ["--output-split", "10000", "--top-module", top, "-Mdir", "obj", "-CFLAGS", f"-I{folder}"]
    verilate += [str(folder / name) for name in files if not name.endswith(".h")]
    make = ["make", "-j2", "-C", "obj", "-f", f"V{top}.mk", *toolchain.make_variables()]
    make += ["OPT_FAST=-O2", "OPT_GLOBAL=-O2", "OPT_SLOW=-O0", f"V{top}"]
    _run(verilate, folder)
    (folder / "cycle.h").write_text(_cycle(folder / "obj", top))
    _run(make, folder)
    return folder / "obj" / f"V{top}"


def _cycle(folder: Path, top: str) -> str:
    return "\n".join(
        [
            "#pragma once",
            f'#include "V{top}.h"',
            f'#include "V{top}___024root.h"',
            *edge_declarations(top),
            f"inline void cycle(V{top}& model, [[maybe_unused]] bool changed) {{",
            *(f"    {call}" for call in edge_calls(folder, top)),
            "}",
            "",
        ]
    )


def _run(command: list[str], folder: Path) -> None:
    run = subprocess.run(command, cwd=folder, env=build_environment(), capture_output=True, text=True, check=False)
    if run.returncode:
        raise RuntimeError(f"{command[0]} failed: {(run.stdout + run.stderr)[-2000:]}")
